"""Settings of Sphinx, which builds the site: `make docs`."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

project = "tfoptim"
author = project_copyright = "tfoptim authors"
extensions = ["myst_parser", "sphinx_copybutton", "sphinx_design"]
exclude_patterns = ["pages", "sample", "conftest.py"]
myst_enable_extensions = ["attrs_inline", "colon_fence"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = "tfoptim"
html_static_path = ["_static"]
html_extra_path = ["sample"]  # a report as `compare` writes it
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {"navigation_with_keys": True}
add_module_names = False
python_use_unqualified_type_names = True
toc_object_entries = False
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True


def setup(app):
    """Makes the pages that are made, before Sphinx looks for pages."""
    from docs import pages

    app.connect("config-inited", lambda app, config: pages.write())
