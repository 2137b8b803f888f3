"""Options that several commands share, and how their values are read."""

import argparse
import contextlib
import dataclasses
import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from experiments.cli.command import Option, option
from experiments.errors import UserError
from experiments.problems import grid, seeds
from experiments.running.engines import NAMES


@dataclasses.dataclass(frozen=True)
class Shard:
    """One share of the runs: each run is in exactly one of the shares."""

    number: int
    count: int

    def has(self, identity: str) -> bool:
        """Returns whether a run, by its hash, is in this share."""
        return int(identity[:16], 16) % self.count == self.number - 1


class Names(argparse.Action):
    """Reads names from several words, separated by spaces or commas."""

    def __call__(self, parser: Any, given: argparse.Namespace, words: Any, word: str | None = None) -> None:
        """Keeps them as one tuple."""
        found = tuple(filter(None, (name.strip() for part in words for name in part.split(","))))
        if words and not found:
            parser.error(f"argument {word or self.dest}: must be names, got '{' '.join(words)}'")
        setattr(given, self.dest, found or None)


def whole(low: int, high: int, words: str = "a whole number") -> Any:
    """Returns what reads a whole number in a range."""

    def read(text: str) -> int:
        if not text.isdecimal() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"must be {words} from {low} to {high}, got '{text}'")
        return int(text)

    return read


count = whole(1, 100_000)


def number(words: str, holds: Callable[[float], bool] = math.isfinite) -> Any:
    """Returns what reads a finite number of some kind."""

    def read(text: str) -> float:
        with contextlib.suppress(ValueError):
            if math.isfinite(value := float(text)) and holds(value):
                return value
        raise argparse.ArgumentTypeError(f"must be {words}, got '{text}'")

    return read


def seed_list(text: str) -> int | tuple[int, ...]:
    """Reads evaluation seeds: a number of them, the first that there are, or a list of them and of ranges."""
    words = [re.fullmatch(r"\s*(\d{1,18})\s*(?:-\s*(\d{1,18})\s*)?", word) for word in text.split(",")]
    ends = [tuple(min(int(end), seeds.EVALUATION.stop + 1) for end in word.groups(word[1])) for word in words if word]
    if len(ends) < len(words) or any(low > high for low, high in ends):
        wanted = "must be a number of seeds or a list like 0,1,7"
        raise argparse.ArgumentTypeError(f"{wanted}, got '{text}'; a range is 0-4")
    number = text.strip().isdecimal()
    found = tuple(dict.fromkeys(seed for low, high in ends for seed in range(low, high + 1)))
    last = ends[0][0] - 1 if number else max(found)
    if last not in seeds.EVALUATION:
        raise argparse.ArgumentTypeError(
            f"must be seeds from 0 to {seeds.EVALUATION.stop - 1}, at least one, got '{text}'"
        )
    return ends[0][0] if number else found


def first_seeds(wanted: int | tuple[int, ...] | None, own: Sequence[int]) -> tuple[int, ...]:
    """Returns the seeds that are wanted: of a number, the first of a study's own, and those after them."""
    if not isinstance(wanted, int):
        return wanted or tuple(own)
    after = max(own) + 1
    found = (*own[:wanted], *range(after, after + wanted - len(own)))
    if max(found) not in seeds.EVALUATION:
        most = len(own) + seeds.EVALUATION.stop - after
        raise UserError(f"--seeds must be at most {most} here, where the first seed is {own[0]}, got {wanted}.")
    return found


def shard(text: str) -> Shard:
    """Reads a share from words like 2/4."""
    match = re.fullmatch(r"(\d{1,4})/(\d{1,4})", text)
    if not match or not 1 <= int(match[1]) <= int(match[2]):
        raise argparse.ArgumentTypeError(f"must be I/N with I from 1 to N, such as 2/4, got '{text}'")
    return Shard(int(match[1]), int(match[2]))


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not (key.isidentifier() and equals and value):
        raise argparse.ArgumentTypeError(f"must be KEY=VALUE, got '{text}'")
    return key, value


def study(default: str = "mnist") -> Option:
    """Returns the argument that names a study."""
    return option("study", nargs="?", default=default, help=f"a study, or the path of a .toml (default: {default})")


DRY_RUN = option("--dry-run", action="store_true", help="print the number of missing runs and their expected time")
OPTIMIZERS = option("--optimizers", nargs="+", action=Names, metavar="NAME", help="some of the optimizers")
SEEDS = option(
    "--seeds",
    type=seed_list,
    metavar="N|A,B|A-B",
    help="the first N seeds of the study, or a list: 5, or 0,1,7, or 0-4,7",
)
EXECUTION: Sequence[Option] = (
    option("--jobs", type=count, metavar="N", help="runs at once (default: cores; 64 on a cluster)"),
    option("--engine", choices=NAMES, default="local", help="where to train (default: local, on this machine)"),
    option("--engine-option", action="append", type=_pair, default=[], metavar="KEY=VALUE", help="for slurm and ray"),
    option(
        "--checkpoint",
        type=number("a number of seconds, 0 or more", lambda value: value >= 0),
        default=30.0,
        metavar="SECONDS",
        help="least time between checkpoints of a run (default: 30; 0: after every evaluation)",
    ),
    option("--no-wait", dest="wait", action="store_false", help="skip runs that are locked; exit code 3"),
    DRY_RUN,
)
SELECTION: Sequence[Option] = (
    SEEDS,
    option("--epochs", type=count, metavar="N", help="length of every run"),
    OPTIMIZERS,
    option("--preset", metavar="NAME", help="a smaller form that the study declares, such as quick"),
    option("--tier", dest="preset", metavar="NAME", default=argparse.SUPPRESS, help=argparse.SUPPRESS),  # its old name
    option("--data", metavar="NAME", help="another data set; learning rates stay those of the study"),
    option(
        "--grid",
        choices=list(grid.GRIDS),
        help="evaluate at doubling steps, then after each epoch; at finer steps; or after each epoch",
    ),
    option("--deterministic", action="store_true", help="use only bit-reproducible operations, for debugging"),
)
REPORT: Sequence[Option] = (
    option(
        "--target", type=number("a number such as 0.9"), metavar="SCORE", help="validation score that counts as solved"
    ),
    option("--out", type=Path, metavar="FOLDER", help="folder of the report (default: the study's folder, static)"),
)
WIDE = option("--wide", action="store_true", help="print all columns of the table")
