"""`python -m experiments conformance`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from experiments import terminal
from experiments.errors import UserError


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declares the options of the command."""
    add = parser.add_argument
    add("--rows", nargs="+", default=[], metavar="ROW", help="some of the rows: D1a, or D3 for D3a, D3b and so on")
    add("--json", type=Path, metavar="FILE", help="also write the verdicts as JSON")
    add("--markdown", type=Path, metavar="PAGE", help="also replace the table in a page of the documentation")


def run(rows: list[str], json: Path | None, markdown: Path | None) -> int:
    """Measures, prints, and returns 0 only if tfoptim keeps every promise.

    Raises:
        UserError: there is no such row, or no page to write to.
    """
    if markdown is not None and not markdown.is_file():
        raise UserError(f"There is no page '{markdown}' to put the table in.")
    terminal.start_tensorflow()
    from experiments.checks.conformance import catalogue, report

    chosen = catalogue.rows(rows)
    try:
        found = report.measure(chosen)
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return 130
    report.show(chosen, found)
    if json is not None:
        json.write_text(report.as_json(chosen, found), encoding="utf-8")
    if markdown is not None:
        report.write(markdown, chosen, found)
    for fault, why in catalogue.NOT_HERE.items() if not rows else ():
        print(f"{fault} has no row: it {why}.")
    print(report.summary(found))
    return 0 if report.complete(found) else 1
