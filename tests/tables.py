"""Tables of optimizers, made from the classes, and the text for PyPI: `make table` writes them."""

import re
from pathlib import Path

from tfoptim.registry import catalogue, table

ROOT = Path(__file__).parents[1]
MADE = {ROOT / "README.md": table, ROOT / "docs/api/optimizers.md": catalogue}
PLACE = re.compile(r"(<!-- from the classes[^\n]*\n)(.*?)(<!-- end of the table)", flags=re.DOTALL)
PYPI = ROOT / "requirements/pypi.md"
"""The README for the package index, which has none of the files that it links."""

WHERE = "\nIts pages are in the folder `docs` of the source distribution, in which its commands work.\n"

_PICTURES = re.compile(r"^(?:!\[[^\]]*\]\((?!https?:)[^)]*\)\n)+\n", flags=re.MULTILINE)
_LINK = re.compile(r"\[([^\]]*)\]\((?!https?:)[^)]*\)")


def linkless(text):
    """A page without pictures of its folder, and with the words of links to files in place of the links."""
    text = text.replace("In the folder of this project: `pip install .`", "`pip install tfoptim`")
    return _LINK.sub(r"\1", _PICTURES.sub("", text)) + WHERE


def main():
    """Writes all of them."""
    for path, make in MADE.items():
        path.write_text(PLACE.sub(lambda found, make=make: found[1] + make() + found[3], path.read_text()))
    PYPI.write_text(linkless((ROOT / "README.md").read_text()))


if __name__ == "__main__":
    main()
