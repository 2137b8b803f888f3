"""`python -m experiments time`: takes the seconds that a study's report shows."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable
from typing import Any


def add_options(parser: argparse.ArgumentParser, words: Callable[[str], Any], count: Callable[[str], int]) -> None:
    """Declares what the command takes beside the study.

    Args:
        parser: its own.
        words: reads a list of names.
        count: reads a whole number from 1 on.
    """
    add = parser.add_argument
    add("--repetitions", type=count, default=5, metavar="N", help="of each optimizer (default: 5; fewer break a rule)")
    add("--epochs", type=count, metavar="N", help="passes of a run; of several the first is not timed (default: 3)")
    add("--optimizers", nargs="+", type=words, metavar="NAME", help="some of the study's optimizers")
    add("--again", action="store_true", help="forget the times that are recorded, and take them anew")
    add("--dry-run", action="store_true", help="say how many runs are missing and how long they will take")


def run(options: Any) -> None:
    """Takes the times that are missing of a study, problem by problem, and prints them."""
    from experiments import studies, terminal
    from experiments.analysis import timing_table
    from experiments.cli.request import asked_of
    from experiments.records import timings
    from experiments.running import timing_pass

    for asked in asked_of(dataclasses.replace(options, epochs=None)):
        identity = asked.wanted[0].study
        wanted = timing_pass.runs(identity, asked.study, asked.choices, options.repetitions, options.epochs)
        timing_pass.make(asked.name, wanted, again=options.again, dry_run=options.dry_run)
        if options.dry_run:
            continue
        labels = [entry.label for entry in asked.whole.optimizers]
        found = timings.recorded(asked.name, identity, labels)
        for line in timing_table.lines(timing_table.rows(found, asked.whole)):
            terminal.say(line, 2)
        if reason := timings.refused(found, labels, studies.typed(asked.path)):
            terminal.say(reason)
