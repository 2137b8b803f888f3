"""`python -m tfoptim.native`: builds the native operation for the installed TensorFlow."""

from __future__ import annotations

import argparse
import sys

from tfoptim import native
from tfoptim.native import store
from tfoptim.native.build import COMPILERS, BuildError, build, compiler


def main(arguments: list[str] | None = None) -> int:
    """Builds the native operation if it is missing; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tfoptim.native",
        description="Build the native operation, which makes steps on CPUs faster. It takes one to two minutes.",
    )
    parser.add_argument("--status", action="store_true", help="only say whether it is there")
    parser.add_argument("--force", action="store_true", help="build it again")
    parser.add_argument("--optional", action="store_true", help="succeed where it cannot be built")
    given = parser.parse_args(arguments)
    if given.status:
        print(native.status())
        return 0
    code = _make(force=given.force)
    return 0 if given.optional else code


def _make(force: bool) -> int:
    """Builds unless there is a build that may be loaded; returns the exit code."""
    if not force and native.is_built():
        print(f"native operation: built already, {store.present()}")
        return 0
    try:
        command = compiler()
        if command is None:
            print(f"native operation: no C++ compiler found (tried: {', '.join(COMPILERS)}); tfoptim works without.")
            return 1
        print(f"native operation: built, {build(command, print)}; programs that run already use it after a restart")
    except (BuildError, store.UnusableError, OSError, RuntimeError) as error:
        print(f"native operation: cannot be built, tfoptim works without.\n{error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
