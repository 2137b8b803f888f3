"""How runs are carried out, which is no part of what they are: engine, shares, checkpoints."""

from __future__ import annotations

import argparse
import dataclasses
import re

from experiments.running.engines import NAMES


@dataclasses.dataclass(frozen=True)
class Shard:
    """One share of the runs: each run is in exactly one of the shares."""

    number: int
    count: int

    def has(self, identity: str) -> bool:
        """Returns whether a run, by its hash, is in this share."""
        return int(identity[:16], 16) % self.count == self.number - 1


def shard(text: str) -> Shard:
    """Reads a share from words like 2/4."""
    match = re.fullmatch(r"(\d{1,4})/(\d{1,4})", text)
    if not match or not 1 <= int(match[1]) <= int(match[2]):
        raise argparse.ArgumentTypeError(f"must be I/N with I from 1 to N, such as 2/4, got '{text}'")
    return Shard(int(match[1]), int(match[2]))


def add_engine(parser: argparse.ArgumentParser) -> None:
    """Adds the options of all commands that train."""
    add = parser.add_argument
    add("--engine", choices=NAMES, default="local", help="where to train (default: local, processes of this machine)")
    add("--engine-option", action="append", type=_pair, default=[], metavar="KEY=VALUE", help="for slurm and ray")
    add(
        "--checkpoint",
        type=_seconds,
        default=30.0,
        metavar="SECONDS",
        help="between checkpoints of a run at least (default: 30; 0: after every evaluation)",
    )
    add("--no-wait", dest="wait", action="store_false", help="leave out runs that another process is at; exit code 3")
    add("--dry-run", action="store_true", help="say how many runs are missing and how long they will take")


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not (key.isidentifier() and equals and value):
        raise argparse.ArgumentTypeError(f"must be KEY=VALUE, got '{text}'")
    return key, value


def _seconds(text: str) -> float:
    if not re.fullmatch(r"\d+(\.\d+)?", text):
        raise argparse.ArgumentTypeError(f"must be a number of seconds, 0 or more, got '{text}'")
    return float(text)
