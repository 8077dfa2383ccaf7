"""What a built distribution says of where it comes from.

The address of the repository is known where releases are built, and stands in no file: a fork, a
mirror or a move would make it wrong. `GITHUB_SERVER_URL` and `GITHUB_REPOSITORY`, which a workflow
has, become the project's links and those of the long description; `FASTSAMPLE_CONTACT` becomes the
authors' address. Without them there are no links: the long description keeps the words and
drops what nobody could follow.
"""

import os
import re
from pathlib import Path

from hatchling.metadata.plugin.interface import MetadataHookInterface

LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((?!https?:|#|mailto:)([^)\s]+)\)")
PICTURE = re.compile(r'<img src="(?!https?:)[^"]+"[^>]*>\n?')


class CustomMetadataHook(MetadataHookInterface):
    """Reads the environment when a distribution is built."""

    def update(self, metadata: dict) -> None:
        """Add the links, the authors' address and the long description."""
        repository, version = address(os.environ), metadata.get("version", "")
        text = Path(self.root, "README.md").read_text(encoding="utf-8")
        text = long_description(text, repository, version)
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
        metadata["urls"] = urls(repository)
        contact = os.environ.get("FASTSAMPLE_CONTACT")
        people = {"name": "The fastsample developers"}
        metadata["authors"] = [people | ({"email": contact} if contact else {})]


def address(environment) -> str:
    """The repository's address, or nothing."""
    server, name = environment.get("GITHUB_SERVER_URL"), environment.get("GITHUB_REPOSITORY")
    return f"{server}/{name}" if server and name else ""


def urls(repository: str) -> dict:
    """The links of the project."""
    pages = {
        "Source": "",
        "Documentation": "/tree/main/docs",
        "Changelog": "/blob/main/CHANGELOG.md",
        "Issues": "/issues",
    }
    return {name: repository + page for name, page in pages.items()} if repository else {}


def long_description(text: str, repository: str, version: str) -> str:
    """README.md as an index shows it: links in full, or their words alone."""
    if not repository:
        return LINK.sub(r"\1", PICTURE.sub("", text))
    tag = f"v{version}" if version else "main"
    text = LINK.sub(rf"[\1]({repository}/blob/{tag}/\2)", text)
    return re.sub(r'src="(?!https?:)', f'src="{repository}/raw/{tag}/', text)
