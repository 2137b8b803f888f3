"""Each run is in exactly one share of a study; the options that pages show are known."""

import argparse
import re
import shlex
from pathlib import Path

import pytest

from experiments.cli import COMMANDS, options
from experiments.cli.command import parse
from experiments.errors import UserError

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_the_known_hash_is_in_its_known_shares():
    """That of the canonical example is in the second of two, the third of three, the second of four."""
    identity = "158d35d8b578c605994d4b0984021488d8b22b831c36244c0097500a4d6f839b"
    found = [(i, n) for n in (1, 2, 3, 4) for i in range(1, n + 1) if options.Shard(i, n).has(identity)]
    assert found == [(1, 1), (2, 2), (3, 3), (2, 4)]


@pytest.mark.parametrize("text", ["0/4", "5/4", "1", "a/b", "1/0", "-1/2", "1/2/3", ""])
def test_shares_that_are_none_are_refused(text):
    """With what is allowed."""
    with pytest.raises(argparse.ArgumentTypeError, match="must be I/N with I from 1 to N, such as 2/4"):
        options.shard(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [("1", (42,)), ("2", (42, 43)), ("4", (42, 43, 44, 45)), ("7,", None), ("42-42", (42,)), ("0,1", (0, 1))],
)
def test_a_number_of_seeds_takes_the_first_of_the_study(text, found):
    """DeepOBS's begin at 42: one seed is that one, as published; more than a study has go on after its last."""
    if found is None:
        with pytest.raises(argparse.ArgumentTypeError):
            options.seed_list(text)
    else:
        assert options.first_seeds(options.seed_list(text), (42, 43, 44)) == found
    assert options.first_seeds(None, (42, 43, 44)) == (42, 43, 44)


def test_more_seeds_than_there_are_for_evaluation_are_refused():
    """From 1000 on they are for tuning (rule B11)."""
    assert options.first_seeds(958, (42,))[-1] == 999
    with pytest.raises(UserError, match="--seeds must be at most 958 here, where the first seed is 42, got 959"):
        options.first_seeds(959, (42,))


def test_commands_of_the_pages_are_taken():
    """Each word of them is one that its command knows."""
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    lines = re.findall(r"^ *python -m experiments ([^#\n]+)", text, re.MULTILINE)
    assert len(lines) > 30
    for line in lines:
        assert parse(shlex.split(line), COMMANDS).command == line.split()[0]
