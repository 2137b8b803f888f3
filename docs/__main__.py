"""Builds the site into build/docs: `make docs`. Every warning is an error."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
TARGET = HERE.parent / "build/docs"


def main() -> int:
    """Builds it afresh, and returns the exit code of Sphinx."""
    from sphinx.cmd.build import main as build

    made = build(["-W", "--keep-going", "-q", "-E", "-d", str(TARGET.with_name("doctrees")), str(HERE), str(TARGET)])
    if made == 0:
        print(f"The site is in {TARGET / 'index.html'}")
    return made


if __name__ == "__main__":
    sys.exit(main())
