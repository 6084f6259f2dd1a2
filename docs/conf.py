"""The documentation's settings for Sphinx."""

import sys
from importlib.metadata import version as installed
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

# The reference imports ecsmpi.rxd, which would start MPI: without it, the build is one process.
sys.modules["mpi4py.MPI"] = None

project = "ecsmpi"
author = "the ecsmpi authors"
version = release = installed("ecsmpi")

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_design",
    # in docs/_ext
    "command_line",
    "drawings",
    "gallery",
    "mathml",
    "offline",
    "reference",
]
exclude_patterns = ["_build", "_ext", "**/.ipynb_checkpoints"]
nitpicky = False

myst_enable_extensions = ["attrs_block", "attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

nb_execution_mode = "cache"
nb_execution_timeout = 300
nb_execution_raise_on_error = True
nb_merge_streams = True
nb_ipywidgets_js = {}  # the default loads scripts from another host

add_module_names = False
autodoc_typehints = "signature"
autodoc_member_order = "groupwise"
# Names of kinds of values, which signatures show rather than what they stand for.
RXD_KINDS = ("PerAxis", "Concentrations", "TissueValue", "FaceCondition", "BoundaryConditions")
autodoc_type_aliases = {
    **{kind: f"ecsmpi.rxd.argument_types.{kind}" for kind in RXD_KINDS},
    "Region": "ecsmpi.rxd.argument_types.Region",
    "Regions": "ecsmpi.rxd.argument_types.Regions",
    "Expression": "ecsmpi.rxd.argument_types.Expression",
    "AnySpecies": "ecsmpi.rxd.observed_species.AnySpecies",
    "ArrayLike": "numpy.typing.ArrayLike",
    "InTime": "ecsmpi.description.boundaries.InTime",
    "FloatArray": "ecsmpi.description.profiles.FloatArray",
}
default_role = "py:obj"
maximum_signature_line_length = 80
python_use_unqualified_type_names = True
toc_object_entries_show_parents = "hide"
autosummary_generate = True
numpydoc_show_class_members = False

linkcheck_ignore = [r"https://doi\.org/"]  # publishers refuse programs

copybutton_exclude = ".linenos, .gp, .go"
copybutton_prompt_text = r"\$ |>>> |\.\.\. "
copybutton_prompt_is_regexp = True

html_theme = "pydata_sphinx_theme"
html_title = "ecsmpi"
html_show_sourcelink = False
html_math_renderer = "mathml"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["filter_table.js"]
html_favicon = "_static/logo.svg"
# Pages that stand alone have no other pages beside them.
ALONE = ("index", "gallery", "performance", "published", "design", "contributing", "changelog")
html_sidebars = {page: [] for page in ALONE}
html_theme_options = {
    "logo": {"text": "ecsmpi", "image_light": "_static/logo.svg", "image_dark": "_static/logo.svg"},
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "navigation_with_keys": False,
    "show_nav_level": 1,
    "navigation_depth": 3,
    "show_toc_level": 2,
    "search_bar_text": "Search these pages",
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
    "back_to_top_button": True,
    "use_edit_page_button": False,
}
