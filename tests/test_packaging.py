"""What a distribution says of itself, and what a source distribution holds."""

import importlib.util
import re
from pathlib import Path

import pytest

import fastsample

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
REPOSITORY = "https://git.example/team/fastsample"


@pytest.fixture(scope="module")
def hook():
    """The file that hatchling runs."""
    pytest.importorskip("hatchling")
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def targets(text):
    """Where links and pictures lead."""
    return re.findall(r'\]\(([^)\s]+)\)|src="([^"]+)"', text)


def test_every_link_of_an_index_is_whole(hook):
    text = hook.long_description(README, REPOSITORY, "1.2.3")
    for link, source in targets(text):
        assert (link or source).startswith(("https://", "#"))
    assert f"{REPOSITORY}/blob/v1.2.3/docs/project/scope.md" in text


def test_without_an_address_words_stay_and_links_go(hook):
    text = hook.long_description(README, "", "1.2.3")
    assert not targets(text)
    assert "[coordinates]" not in text.lower()
    assert "Coordinates" in text


def test_metadata_follow_the_environment(hook, monkeypatch):
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://git.example")
    monkeypatch.setenv("GITHUB_REPOSITORY", "team/fastsample")
    monkeypatch.setenv("FASTSAMPLE_CONTACT", "team@git.example")
    metadata = {"version": "1.2.3"}
    hook.CustomMetadataHook(str(ROOT), {}).update(metadata)
    assert metadata["urls"]["Source"] == REPOSITORY
    assert metadata["authors"][0]["email"] == "team@git.example"

    monkeypatch.delenv("GITHUB_REPOSITORY")
    monkeypatch.delenv("FASTSAMPLE_CONTACT")
    metadata = {}
    hook.CustomMetadataHook(str(ROOT), {}).update(metadata)
    assert metadata["urls"] == {}
    assert "email" not in metadata["authors"][0]


def test_links_of_the_readme_lead_somewhere():
    for link, source in targets(README):
        path = (link or source).split("#")[0]
        assert path.startswith("https:") or (ROOT / path).exists(), path


def test_the_version_stands_in_one_place_more():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"version: {fastsample.__version__}\n" in citation
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## {fastsample.__version__} " in changelog


def test_what_the_checks_use_is_in_the_source_distribution():
    included = (ROOT / "pyproject.toml").read_text(encoding="utf-8").split("targets.sdist]")[1]
    for name in (".ci", ".github", "asv.conf.json", "tests", "benchmarks", "docs", "README.md"):
        assert (ROOT / name).exists()
        assert f'"/{name}"' in included
