"""The command line: `python -m experiments compare`, `tune`, `find-lr`, `list`, `conformance`, `benchmark` and others.

Nothing here imports TensorFlow, so that help and errors come at once.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import os
import re
import shlex
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from experiments import terminal
from experiments.checks.benchmark import command as benchmark
from experiments.checks.conformance import command as conformance
from experiments.checks.metal import command as metal_check
from experiments.cli import doctor, find_lr, lint, mirrors, reproduce, timing, usage, work
from experiments.errors import RunsFailed, UserError, nearest, unknown
from experiments.problems import grid, seeds


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one sentence, with the nearest match for a wrong option."""

    def error(self, message: str) -> NoReturn:
        """Raises instead of printing the usage."""
        raise UserError(f"{message[0].upper()}{message[1:]}; see --help.")

    def options(self) -> list[str]:
        """Returns the options there are."""
        return [word for word in self._option_string_actions if word.startswith("--")]


def main(words: Sequence[str] | None = None) -> int:
    """Runs a command and returns the exit code."""
    words = list(sys.argv[1:] if words is None else words)
    terminal.readable()
    try:
        return _run(words)
    except UserError as error:
        if "--debug" in words:
            raise
        print(f"error: {error}", file=sys.stderr)
        return error.code
    except BrokenPipeError:  # who read the output, such as `head`, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except Exception as error:
        if "--debug" in words:
            raise
        print(f"error: {type(error).__name__}: {error} (--debug shows where)", file=sys.stderr)
        return RunsFailed.code


def _run(words: list[str]) -> int:
    parser, subparsers = _parsers()
    _check_command(next((word for word in words if word not in parser.options()), "-h"), subparsers)
    given, rest = parser.parse_known_args(words)
    if given.command is None:
        parser.print_help()
        return 0
    if rest:
        raise _superfluous(rest[0], subparsers[given.command].options())
    typed = shlex.join(["python", "-m", "experiments", *(word for word in words if word != "--debug")])
    by_themselves: dict[str, Callable[[], int]] = {
        "find-lr": lambda: find_lr.run(given, typed),
        "conformance": lambda: conformance.run(given.rows, given.json, given.markdown),
        "benchmark": lambda: benchmark.run(given, typed),
        "lint": lambda: lint.run(given),
        "mirror": lambda: mirrors.run(given),
        "doctor": doctor.run,
        "metal-check": lambda: metal_check.run(given.device, given.optimizers),
        **dict.fromkeys(("status", "clean"), lambda: work.look(given)),
    }
    return by_themselves.get(given.command, lambda: _on_a_study(given, typed))()


def _on_a_study(given: argparse.Namespace, typed: str) -> int:
    """Runs a command that is about studies or data, and says after an interruption how to go on."""
    from experiments.cli import commands, inventory, request

    if given.command == "prepare":
        commands.prepare(given.data, given.path)
        return 0
    if given.command == "list":
        inventory.show()
        return 0
    values = {key: value for key, value in vars(given).items() if key != "debug"}
    if values.get("optimizers"):
        values["optimizers"] = tuple(name for names in values["optimizers"] for name in names)
    options = request.Options(**{**values, "command": typed})
    try:
        done: int | None = {
            "compare": commands.compare,
            "tune": commands.tune,
            "target": commands.target,
            "time": timing.run,
            "report": commands.report,
            "reproduce": reproduce.run,
            "run": work.run,
            "resume": work.resume,
        }[given.command](options)
    except KeyboardInterrupt as error:
        print(f"\n{commands.interrupted(options)}", file=sys.stderr)
        return 128 + (error.args[0] if error.args else signal.SIGINT)
    return done or 0


def _check_command(word: str, known: Iterable[str]) -> None:
    if not word.startswith("-") and word not in known:
        raise unknown("command", word, known)
    if word.startswith("-") and word != "-h":
        raise UserError(f"Options such as {word} come after the command: {', '.join(known)}.")


def _parsers() -> tuple[Parser, dict[str, Parser]]:
    parser = Parser(
        prog="python -m experiments",
        description="Compare optimizers: train, tabulate, draw.",
        epilog=usage.epilog(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser).add_parser
    debug: Any = {"action": "store_true", "default": argparse.SUPPRESS, "help": "show tracebacks"}
    parser.add_argument("--debug", **debug)
    made = {name: add(name, help=said.help, description=said.sentence) for name, said in usage.COMMANDS.items()}
    for name, sub in made.items():
        sub.allow_abbrev = False
        sub.epilog, sub.formatter_class = usage.epilog(name), argparse.RawDescriptionHelpFormatter
        sub.add_argument("--debug", **debug)
        if name in ("compare", "tune", "target", "time", "report", "reproduce", "run"):
            default = "deepobs_quadratic" if name == "reproduce" else "mnist"
            sub.add_argument(
                "study", nargs="?", default=default, help=f"a study, or the path of a .toml (default: {default})"
            )
        if name in ("compare", "tune", "target", "reproduce", "run", "resume"):
            sub.add_argument("--jobs", type=_count, metavar="N", help="runs at once (default: cores; 64 on a cluster)")
            work.add_engine(sub)
        if name in work.NAMES:
            work.add_options(name, sub)
    made["prepare"].add_argument("data", help="name of the data set")
    made["prepare"].add_argument("path", type=Path, help="the downloaded folder, .tar or .zip")
    for name in ("compare", "report", "reproduce", "run"):
        _options_of_study(made[name], report=name != "run")
    for name in ("compare", "report"):
        made[name].add_argument("--wide", action="store_true", help="print all columns of the table")
    timing.add_options(made["time"], _words, _count)
    find_lr.add_options(made["find-lr"])
    lint.add_options(made["lint"])
    conformance.add_options(made["conformance"])
    benchmark.add_options(made["benchmark"], _words, _count, _seeds)
    mirrors.add_options(made["mirror"])
    metal_check.add_options(made["metal-check"], _words)
    return parser, made


def _options_of_study(parser: Parser, *, report: bool) -> None:
    add = parser.add_argument
    add("--seeds", type=_seeds, metavar="N|A,B|A-B", help="how many seeds, or which: 5, or 0,1,7, or 0-4,7")
    add("--epochs", type=_count, metavar="N", help="passes over the training set")
    add("--optimizers", nargs="+", type=_words, metavar="NAME", help="some of the study's optimizers")
    add("--tier", metavar="NAME", help="a smaller form that the study declares, such as quick")
    add("--data", metavar="NAME", help="another data set; rates stay those chosen for the study's")
    add("--grid", choices=list(grid.GRIDS), help="evaluate at the protocol's steps, or after passes")
    add("--deterministic", action="store_true", help="only operations that repeat to the last bit, for debugging")
    if not report:
        return
    add("--target", type=_score, metavar="SCORE", help="validation score that counts as solved, for times to target")
    add("--out", type=Path, metavar="FOLDER", help="where the report goes (default: the study's folder, static)")


def _superfluous(word: str, options: Sequence[str]) -> UserError:
    if not word.startswith("-"):
        return UserError(f"Nothing is done with the word '{word}'; see --help.")
    match = nearest(word.split("=")[0], options)
    hint = f"did you mean {match}?" if match else f"known are {', '.join(options)}."
    return UserError(f"Unknown option {word}: {hint}")


def _count(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= 100_000:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to 100000, got '{text}'")
    return int(text)


def _score(text: str) -> float:
    with contextlib.suppress(ValueError):
        if math.isfinite(score := float(text)):
            return score
    raise argparse.ArgumentTypeError(f"must be a number such as 0.9, got '{text}'")


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _seeds(text: str) -> tuple[int, ...]:
    words = [re.fullmatch(r"\s*(\d{1,18})\s*(?:-\s*(\d{1,18})\s*)?", word) for word in text.split(",")]
    ends = [tuple(min(int(end), seeds.EVALUATION.stop + 1) for end in word.groups(word[1])) for word in words if word]
    if len(ends) < len(words) or any(low > high for low, high in ends):
        wanted = "must be a number of seeds or a list like 0,1,7"
        raise argparse.ArgumentTypeError(f"{wanted}, got '{text}'; a range is 0-4")
    if text.strip().isdecimal():
        found = tuple(range(ends[0][0]))
    else:
        found = tuple(dict.fromkeys(seed for low, high in ends for seed in range(low, high + 1)))
    if not found or max(found) not in seeds.EVALUATION:
        raise argparse.ArgumentTypeError(
            f"must be seeds from 0 to {seeds.EVALUATION.stop - 1}, at least one, got '{text}'"
        )
    return found


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt(number)


if __name__ == "__main__":
    for name in (signal.SIGINT, signal.SIGTERM):  # a shell may have had interrupts ignored
        signal.signal(name, _stop)
    sys.exit(main())
