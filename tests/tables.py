"""Tables of optimizers in README.md and docs/optimizers.md, made from the classes: `make table` writes them."""

import re
from pathlib import Path

from tfoptim.registry import catalogue, table

ROOT = Path(__file__).parents[1]
MADE = {ROOT / "README.md": table, ROOT / "docs/optimizers.md": catalogue}
PLACE = re.compile(r"(<!-- from the classes[^\n]*\n)(.*?)(<!-- end of the table)", flags=re.DOTALL)


def main():
    """Writes both files."""
    for path, make in MADE.items():
        path.write_text(PLACE.sub(lambda found, make=make: found[1] + make() + found[3], path.read_text()))


if __name__ == "__main__":
    main()
