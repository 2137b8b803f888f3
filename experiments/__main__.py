"""The command line: `python -m experiments`; signals and exit codes.

Nothing here imports TensorFlow, so that help and errors come at once.
"""

import os
import shlex
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from experiments.cli import COMMANDS
from experiments.cli.command import parse
from experiments.errors import RunsFailed, UserError
from experiments.text import readable


def main(words: Sequence[str] | None = None) -> int:
    """Runs a command and returns the exit code."""
    words = list(sys.argv[1:] if words is None else words)
    readable()
    try:
        return _run(words)
    except UserError as error:
        if "--debug" in words:
            raise
        print(f"error: {error}", file=sys.stderr)
        return error.code
    except BrokenPipeError:  # the reader, such as `head`, has closed the output
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except Exception as error:
        if "--debug" in words:
            raise
        print(f"error: {type(error).__name__}: {error} (--debug shows where)", file=sys.stderr)
        return RunsFailed.code


def _run(words: list[str]) -> int:
    given = parse(words, COMMANDS)
    if given is None:
        return 0
    command = next(one for one in COMMANDS if one.name == given.command)
    typed = shlex.join(["python", "-m", "experiments", *(word for word in words if word != "--debug")])
    try:
        return command.action(given, typed) or 0
    except KeyboardInterrupt as error:
        again = typed.replace(" --again", "")  # which would discard the times that were measured
        print(f"\n{command.interrupted.format(command=again)}", file=sys.stderr)
        return 128 + (error.args[0] if error.args else signal.SIGINT)


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt(number)


if __name__ == "__main__":
    for name in (signal.SIGINT, signal.SIGTERM):  # a shell may have had interrupts ignored
        signal.signal(name, _stop)
    sys.exit(main())
