"""The command benchmark."""

import argparse
import sys
from pathlib import Path

from experiments import machine
from experiments.checks.benchmark import plan
from experiments.cli import options as shared
from experiments.cli.command import Command, option
from experiments.errors import RunsFailed, UserError

DEFAULT_FOLDER = Path("static")


def benchmark(given: argparse.Namespace, typed: str) -> None:
    """Measures, prints and writes."""
    _check(given)
    rules, sets, contenders = given.rules, given.sets, given.contenders
    if given.quick:
        rules, sets = rules or plan.QUICK["rules"], sets or plan.QUICK["sets"]
        contenders = contenders or tuple(n for n in plan.QUICK["contenders"] if plan.has_torch() or "torch" not in n)
    pairs = plan.pairs(rules, sets, contenders)
    folder = given.out or DEFAULT_FOLDER
    if given.fit:
        machine.start_tensorflow()
        from experiments.checks.benchmark import training

        training.run(given.epochs, folder, typed)
    elif given.plain:
        from experiments.checks.benchmark import plain

        plain.run(given.seeds and shared.first_seeds(given.seeds, (0,)), given.epochs, folder, typed)
    else:
        _steps(given, pairs, folder, typed)


def _check(given: argparse.Namespace) -> None:
    """Refuses options that have no effect."""
    parts = [name for name in ("fit", "plain") if getattr(given, name)]
    if len(parts) > 1:
        raise UserError("--fit and --plain are measured one at a time; give one of them.")
    of_steps = ("rules", "sets", "contenders", "rounds", "quick", "source")
    idle = of_steps if parts else ("epochs", "seeds")
    allowed = ("seeds",) if parts == ["fit"] else ()
    for name in (*idle, *allowed):
        if getattr(given, name):
            idle_option = "--from" if name == "source" else f"--{name}"
            raise UserError(
                f"{idle_option} does nothing {f'with --{parts[0]}' if parts else 'without --fit or --plain'}."
            )
    missing = next((source for source in given.source or () if not source.is_file()), None)
    if missing is not None:
        raise UserError(f"There is no table '{missing}' to draw from.")


def _steps(given: argparse.Namespace, pairs: list[plan.Pair], folder: Path, typed: str) -> None:
    """Measures steps, or reads earlier measurements, then writes and prints."""
    from experiments.checks.benchmark import output

    if given.source is not None:
        output.redraw(given.source, folder)
        return
    from experiments.checks.benchmark import clock, measure

    settings = measure.Settings(rounds=given.rounds or (10 if given.quick else measure.Settings.rounds))
    speed = clock.bandwidth()
    print(f"{len(pairs)} pairs of rule and variables; memory moves {speed / 1e9:.1f} GB/s.", file=sys.stderr)
    found = []
    try:
        for number, (pair, rows_of_pair) in enumerate(measure.measured(pairs, settings, speed), 1):
            found += rows_of_pair
            print(f"[{number}/{len(pairs)}] {output.progress(pair, found)}", file=sys.stderr, flush=True)
    except (KeyboardInterrupt, RunsFailed):
        output.keep(found, plan.surroundings(typed, bandwidth_gb_s=speed / 1e9), folder)
        raise
    output.write(found, plan.surroundings(typed, bandwidth_gb_s=speed / 1e9), folder)


COMMANDS = (
    Command(
        "benchmark",
        "checks",
        "measure the speed of a step, next to Keras's and torch's",
        benchmark,
        (
            option("--rules", nargs="+", action=shared.Names, metavar="NAME", help="some of the rules (default: all)"),
            option("--sets", nargs="+", action=shared.Names, metavar="NAME", help="some of the variable sets"),
            option(
                "--contenders",
                nargs="+",
                action=shared.Names,
                metavar="NAME",
                help="some of: " + ", ".join(plan.CONTENDERS),
            ),
            option("--rounds", type=shared.count, metavar="N", help="rounds in each of 3 repetitions (default: 20)"),
            option("--quick", action="store_true", help="three rules on two sets, in about a minute"),
            option("--fit", action="store_true", help="instead: steps per second of Keras's fit"),
            option("--plain", action="store_true", help="instead: the comparison against a plain Keras script"),
            option("--epochs", type=shared.count, metavar="N", help="with --fit or --plain: epochs"),
            option("--seeds", type=shared.seed_list, metavar="N|A,B|A-B", help="with --plain: number or list"),
            option("--from", dest="source", nargs="+", type=Path, metavar="CSV", help="draw from these tables only"),
            option("--out", type=Path, metavar="FOLDER", help=f"output folder (default: {DEFAULT_FOLDER})"),
        ),
        (
            ("--quick", "speed of a step, next to Keras's and torch's"),
            ("--rules adam --rounds 5 --out /tmp/speed", "one rule, on all sets of variables"),
        ),
        interrupted="Interrupted; tables and figure are unchanged.",
    ),
)
