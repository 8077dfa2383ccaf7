"""How the site is built: `sphinx-build -W docs docs/_build`, after `pip install -e ".[docs]"`."""

import os
import re
import warnings

os.environ.setdefault("MPLBACKEND", "Agg")

from sphinx_gallery.sorting import FileNameSortKey

import fastsample

project = "fastsample"
author = "The fastsample developers"
project_copyright = "The fastsample developers"
version = release = fastsample.__version__
language = "en"

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
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_build", "gallery"]
nitpicky = True
suppress_warnings = ["config.cache"]  # sphinx-gallery's settings hold a class
intersphinx_mapping = {}  # no site but this one is asked for at build time

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

autosummary_generate = True
autodoc_typehints = "none"  # numpydoc's sections say it
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
numpydoc_validation_checks = {"GL03", "PR01", "PR02", "PR03", "RT01", "SS03"}

sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"plot_",
    "within_subsection_order": FileNameSortKey,
    "abort_on_example_error": True,
    "remove_config_comments": True,
    "show_memory": False,
    "show_signature": False,
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
html_title = "fastsample"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_theme_options = {
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


def setup(app):
    """Let docstrings be as they are in a terminal."""
    app.connect("autodoc-process-docstring", for_docutils, priority=100)  # before numpydoc


def for_docutils(app, what, name, thing, options, lines):
    """Our section "Convention" as a heading, which numpydoc doesn't know; the * of *out as such."""
    text = "\n".join(lines)
    text = re.sub(r"^Convention\n-{10}$", ".. rubric:: Convention\n", text, flags=re.MULTILINE)
    text = re.sub(r"(?<![\\`\w*])\*(?=(in|out|sizes?)\b)", r"\\*", text)
    lines[:] = text.split("\n")
