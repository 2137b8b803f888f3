"""`python -m experiments benchmark`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from experiments import terminal
from experiments.checks.benchmark import plan
from experiments.errors import RunsFailed, UserError

DEFAULT_FOLDER = Path("static")


def add_options(parser: argparse.ArgumentParser, names: Any, count: Any, seeds: Any) -> None:
    """Declares the options of the command.

    Args:
        parser: gets them.
        names: reads a list of names from a word.
        count: reads a positive whole number from a word.
        seeds: reads seeds from a word.
    """
    add = parser.add_argument
    add("--rules", nargs="+", type=names, metavar="NAME", help="some of the rules (default: all where it is quick)")
    add("--sets", nargs="+", type=names, metavar="NAME", help="some of the variable sets")
    add("--contenders", nargs="+", type=names, metavar="NAME", help="some of: " + ", ".join(plan.CONTENDERS))
    add("--rounds", type=count, metavar="N", help="rounds in each of three repetitions (default: 20)")
    add("--quick", action="store_true", help="three rules on two sets, in about a minute")
    add("--fit", action="store_true", help="instead: steps per second of Keras's fit, with Keras's Adam and ours")
    add("--plain", action="store_true", help="instead: the main comparison against a plain Keras script")
    add("--epochs", type=count, metavar="N", help="with --fit or --plain: epochs")
    add("--seeds", type=seeds, metavar="N|A,B|A-B", help="with --plain: how many seeds, or which")
    add("--from", dest="source", nargs="+", type=Path, metavar="CSV", help="measure nothing: draw from these tables")
    add("--out", type=Path, metavar="FOLDER", help=f"where tables and figure go (default: {DEFAULT_FOLDER})")


def run(given: argparse.Namespace, typed: str) -> int:
    """Measures what is asked for, prints, writes, and returns the exit code.

    Args:
        given: the options.
        typed: the command as it was typed.

    Raises:
        UserError: a name is not known, options do not go together, or there is no such table.
    """
    _check(given)
    rules, sets, contenders = (_flat(given, key) for key in ("rules", "sets", "contenders"))
    if given.quick:
        rules, sets = rules or plan.QUICK["rules"], sets or plan.QUICK["sets"]
        contenders = contenders or tuple(n for n in plan.QUICK["contenders"] if plan.has_torch() or "torch" not in n)
    pairs = plan.pairs(rules, sets, contenders)
    folder = given.out or DEFAULT_FOLDER
    try:
        if given.fit or given.plain:
            _others(given, folder, typed)
        else:
            _steps(given, pairs, folder, typed)
    except KeyboardInterrupt:
        print("\nInterrupted; tables and figure are as they were.", file=sys.stderr)
        return 130
    return 0


def _check(given: argparse.Namespace) -> None:
    """Refuses options that would do nothing.

    Raises:
        UserError: there is such an option.
    """
    parts = [name for name in ("fit", "plain") if getattr(given, name)]
    if len(parts) > 1:
        raise UserError("--fit and --plain are measured one at a time; give one of them.")
    of_steps = ("rules", "sets", "contenders", "rounds", "quick", "source")
    idle = of_steps if parts else ("epochs", "seeds")
    allowed = ("seeds",) if parts == ["fit"] else ()
    for name in (*idle, *allowed):
        if getattr(given, name):
            option = "--from" if name == "source" else f"--{name}"
            raise UserError(f"{option} does nothing {f'with --{parts[0]}' if parts else 'without --fit or --plain'}.")
    missing = next((source for source in given.source or () if not source.is_file()), None)
    if missing is not None:
        raise UserError(f"There is no table '{missing}' to draw from.")


def _flat(given: argparse.Namespace, key: str) -> tuple[str, ...] | None:
    words = getattr(given, key)
    return tuple(name for names in words for name in names) if words else None


def _steps(given: argparse.Namespace, pairs: list[plan.Pair], folder: Path, typed: str) -> None:
    """Measures steps, or reads what was measured, then writes and prints."""
    from experiments.checks.benchmark import output

    if given.source is not None:
        output.redraw(given.source, folder)
        return
    from experiments.checks.benchmark import measure, memory, processes, rows

    settings = measure.Settings(rounds=given.rounds or (10 if given.quick else measure.Settings.rounds))
    speed = memory.bandwidth()
    print(f"{len(pairs)} pairs of rule and variables; memory moves {speed / 1e9:.1f} GB/s.", file=sys.stderr)
    found = []
    try:
        for number, (pair, rows_of_pair) in enumerate(processes.measured(pairs, settings, speed), 1):
            found += rows_of_pair
            print(f"[{number}/{len(pairs)}] {output.progress(pair, found)}", file=sys.stderr, flush=True)
    except (KeyboardInterrupt, RunsFailed):
        output.keep(found, rows.surroundings(typed, bandwidth_gb_s=speed / 1e9), folder)
        raise
    output.write(found, rows.surroundings(typed, bandwidth_gb_s=speed / 1e9), folder)


def _others(given: argparse.Namespace, folder: Path, typed: str) -> None:
    """Measures training as a whole."""
    if given.fit:
        terminal.start_tensorflow()
        from experiments.checks.benchmark import training

        training.run(given.epochs, folder, typed)
    else:
        from experiments.checks.benchmark import plain

        plain.run(given.seeds, given.epochs, folder, typed)
