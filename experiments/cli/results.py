"""The command results: all studies at a glance."""

import argparse
from pathlib import Path

from experiments.cli.command import Command, option
from experiments.errors import UserError
from experiments.text import say


def results(given: argparse.Namespace, typed: str) -> None:
    """Writes one page, Markdown, CSV and a profile from the reports of all studies; trains nothing."""
    from experiments.report import glance

    found = glance.reported()
    if not found:
        raise UserError("No study has a report here; `python -m experiments compare` makes the first.")
    made = glance.write(found, given.out)
    say(f"Written to {given.out}: {', '.join(path.name for path in made)}, from {len(found)} reports.")
    print(f"Open {made[0]}")


COMMANDS = (
    Command(
        "results",
        "study",
        "write one page of all studies, from their reports",
        results,
        (option("--out", type=Path, default=Path("static"), metavar="FOLDER", help="folder (default: static)"),),
        (("", "static/results.html: the first figure of each study, a profile over all, and a table"),),
    ),
)
