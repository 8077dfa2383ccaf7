"""How the site is built: `sphinx-build -W docs docs/_build`, after `pip install -e ".[docs]"`.

FASTSAMPLE_DOCS_ONLINE=1 links to the sites of Python, NumPy, SciPy and PyTorch as well, for which
their lists of names are fetched. GITHUB_SERVER_URL and GITHUB_REPOSITORY, which a workflow has, are
the address that [source] and the header link to; without them the site shows the sources itself.
"""

import importlib
import inspect
import os
import re
import warnings
from pathlib import Path

os.environ.setdefault("MPLBACKEND", "Agg")

from docutils import nodes
from sphinx import addnodes
from sphinx_gallery.sorting import ExplicitOrder

import fastsample

project = "fastsample"
author = "The fastsample developers"
project_copyright = "The fastsample developers"
version = release = fastsample.__version__
language = "en"

SERVER, NAME = os.environ.get("GITHUB_SERVER_URL"), os.environ.get("GITHUB_REPOSITORY")
REPOSITORY = f"{SERVER}/{NAME}" if SERVER and NAME else ""

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx.ext.mathjax",
    "matplotlib.sphinxext.plot_directive",
    "myst_parser",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "sphinx.ext.linkcode" if REPOSITORY else "sphinx.ext.viewcode",
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_build", "gallery"]
SITES = {
    "python": "https://docs.python.org/3",
    "numpy": "https://numpy.org/doc/stable",
    "scipy": "https://docs.scipy.org/doc/scipy",
    "torch": "https://docs.pytorch.org/docs/stable",
}
ONLINE = os.environ.get("FASTSAMPLE_DOCS_ONLINE", "0") not in ("", "0")

nitpicky = True
if not ONLINE:  # names of other libraries stay words
    nitpick_ignore_regex = [(r"py:.*", r"(numpy|scipy|torch|cv2|skimage|jax|onnx|dask)\..*")]
suppress_warnings = ["config.cache"]  # sphinx-gallery's settings hold a class
intersphinx_mapping = {name: (site, None) for name, site in SITES.items()} if ONLINE else {}

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

autosummary_generate = True
autodoc_typehints = "none"  # numpydoc's sections say it
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
numpydoc_validation_checks = {"GL03", "PR01", "PR02", "PR03", "RT01", "SS03"}

GALLERY = {  # groups, and in each the simplest first; what is not named comes last
    "warps": "rotation swirl terrain maps planet",
    "training": "loader boxes points masks patches flow shifts deformable",
    "search": "registration flow_found",
    "volumes": "elastic splines",
}
SCRIPTS = [f"plot_{name}.py" for group in GALLERY.values() for name in group.split()]

sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"plot_",
    "subsection_order": ExplicitOrder([f"gallery/{group}" for group in GALLERY]),
    "within_subsection_order": ExplicitOrder([*SCRIPTS, "*"]),
    "abort_on_example_error": True,
    "remove_config_comments": True,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
    "min_reported_time": 1e6,
    "backreferences_dir": "auto_examples/backreferences",
    "doc_module": ("fastsample",),
    "download_all_examples": False,
    "image_srcset": ["2x"],
}
plot_formats = [("png", 160)]
plot_html_show_formats = False
plot_html_show_source_link = False
plot_rcparams = {"figure.constrained_layout.use": True, "font.size": 10}
plot_apply_rcparams = True

html_theme = "pydata_sphinx_theme"
html_title = f"fastsample {version}"  # of the browser's tab
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_theme_options = {
    "header_links_before_dropdown": 8,
    "logo": {"text": "fastsample"},
    "navbar_start": ["navbar-logo", "version-switcher"],
    "navbar_persistent": ["search-button"],
    "switcher": {"json_url": "_static/switcher.json", "version_match": version},
    "check_switcher": False,
    **({"github_url": REPOSITORY} if REPOSITORY else {}),
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "show_prev_next": True,
    "navbar_end": ["theme-switcher"],
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version"],
    "secondary_sidebar_items": ["page-toc"],
}

warnings.filterwarnings("error", module="fastsample")
warnings.filterwarnings("ignore", "Unknown section Convention")  # `for_docutils` heads it


LITERALS = nodes.literal, nodes.title_reference
NO_LINKS = nodes.reference, nodes.title, addnodes.pending_xref, addnodes.desc_signature
FUNCTIONS = {name for name in fastsample.__all__ if callable(getattr(fastsample, name))}


def linkcode_resolve(domain, info):
    """Find the address of an object's source."""
    if domain != "py" or not info["module"]:
        return None
    thing = importlib.import_module(info["module"])
    for name in info["fullname"].split("."):
        thing = getattr(thing, name, None)
    try:
        thing = inspect.unwrap(thing)
        lines, first = inspect.getsourcelines(thing)
        path = Path(inspect.getsourcefile(thing)).relative_to(Path(fastsample.__file__).parents[1])
    except (TypeError, ValueError, OSError):
        return None
    return f"{REPOSITORY}/blob/v{version}/{path}#L{first}-L{first + len(lines) - 1}"


def setup(app):
    """Let docstrings be as they are in a terminal."""
    app.connect("autodoc-process-docstring", for_docutils, priority=100)  # before numpydoc
    app.connect("doctree-read", link_functions)


def link_functions(app, doctree):
    """Make links of public functions' names, wherever they are code in prose."""
    for node in list(doctree.findall(lambda n: isinstance(n, LITERALS))):
        name = re.sub(r"^(fs|fastsample)\.|\(\)$", "", node.astext())
        inside = node.parent
        while inside is not None and not isinstance(inside, NO_LINKS):
            inside = inside.parent
        if inside is None and name in FUNCTIONS:
            text = nodes.literal("", node.astext(), classes=["xref", "py", "py-func"])
            target = {"refdomain": "py", "reftype": "func", "reftarget": f"fastsample.{name}"}
            link = addnodes.pending_xref("", text, refdoc=app.env.docname, **target)
            node.replace_self(link)


def for_docutils(app, what, name, thing, options, lines):
    """Our section "Convention" as a heading, which numpydoc doesn't know; the * of *out as such."""
    text = "\n".join(lines)
    found = re.search(
        r"^Convention\n-{10}\n(.*?)(?=^\w[\w ]*\n---|\Z)", text, re.DOTALL | re.MULTILINE
    )
    if found:  # above the parameters, which point to it
        block = f".. rubric:: Convention\n\n{found[1].rstrip()}\n\n"
        text = text[: found.start()] + text[found.end() :]
        text = re.sub(r"^(?=\w[\w ]*\n---)", lambda _: block, text, count=1, flags=re.MULTILINE)
    text = re.sub(r"(?<![\\`\w*])\*(?=(in|out|sizes?)\b)", r"\\*", text)
    lines[:] = text.split("\n")
