"""The command solvers: methods that need the loss itself, on test functions, a curve fit and a small network."""

import argparse
import functools
import statistics
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from experiments import environment, machine
from experiments.cli import options as shared
from experiments.cli.command import Command, option
from experiments.errors import unknown
from experiments.text import Table, say

STYLES = {
    "Adam": ("#D55E00", "solid", "v"),
    "Adam alone": ("#D55E00", "solid", "v"),
    "GD": ("#000000", "dashed", "s"),
    "CG": ("#8C6A00", "dashdot", "X"),
    "L-BFGS": ("#0072B2", "solid", "o"),
    "L-BFGS after Adam": ("#0072B2", "solid", "o"),
    "BFGS": ("#3D94D6", "dashed", ">"),
    "Newton-CG": ("#009E73", "longdash", "D"),
    "Newton": ("#009E73", "dotted", "^"),
    "Gauss-Newton": ("#A3508A", "dashed", "P"),
    "Levenberg-Marquardt": ("#A3508A", "solid", "*"),
}
WORDS = {
    "counted": "Evaluation: loss and gradient; a product with the Hessian counts as two, a Jacobian as one a column.",
    "fixed": "Nothing is random: no seeds, no interval.",
    "functions": "{n} sums of squares of 2 to 20 numbers, most by Moré, Garbow & Hillstrom (1981), from their "
    "published starts. Solved: loss within a millionth of the way from the start to the lowest. Adam has the best of "
    "{rates} rates on each function. Number at a line's end: third of the area under the left curve, from 1 to 4.",
    "paths": "Star: minimum; circle: published start; number: evaluations until the value is within a millionth of the "
    "way to the minimum, or at the last point within {most}. Adam has the best of {rates} rates on each function.",
    "fit": "y = a (1 - exp(-b x)), Misra1a of NIST, from the farther of its starts. Right: sum of squares, "
    "divided by the certified one (11 digits), minus 1. Number at a line's end: evaluations at the last point.",
    "network": "u_xx + u_yy = -2π² sin(πx) sin(πy) on the unit square, 0 on its edge; 2 x {width} tanh units, float64; "
    "residual at {side} x {side} points not trained on. Median of {seeds} seeds, from 0, and each of them; ratios "
    "{low:.0f} to {high:.0f}, which hold the median of all seeds with {level:.0%} confidence.",
    "ways": "Adam alone: rate {rate:g}, falling to 0 by a cosine. Dashed: {first} gradients at that rate, then L-BFGS "
    "with {history} pairs, each of whose evaluations is a gradient.",
}


def solvers(given: argparse.Namespace, typed: str) -> None:
    """Runs what was chosen, and writes its figures and numbers."""
    if given.part not in (None, *PARTS):
        raise unknown("part", given.part, PARTS)
    machine.start_tensorflow()
    for name in [given.part] if given.part else PARTS:
        for path in PARTS[name](given, typed):
            say(f"Written: {path}")


def functions(given: argparse.Namespace, typed: str) -> list[Path]:
    """Draws performance and data profiles over all functions, and paths on two."""
    from experiments.checks.solvers import paths
    from experiments.checks.solvers.functions import FUNCTIONS
    from experiments.figures import illustrations, profiles

    names, rates = tuple(FUNCTIONS)[: given.functions], len(paths.RATES)
    found = paths.costs(names)
    middle = {label: statistics.median(own) for label, own in found.items()}
    shown = sorted({min(middle, key=lambda label: middle[label]), "L-BFGS", "Adam"}, key=lambda label: middle[label])
    said = ", ".join(f"{label} {middle[label]:.0f}" for label in shown)
    title = f"Evaluations until half of {len(names)} functions are solved: {said}"
    how = WORDS["functions"].format(n=len(names), rates=rates), f"{WORDS['counted']} {WORDS['fixed']}"
    draw = functools.partial(profiles.draw, unit="evaluations")
    written = _write(given, typed, "solvers_profiles", draw, paths.profile_rows(found, names), title, how)
    title = f"Curvature shortens paths: {paths.DRAWN} evaluations of each method (illustration, not evidence)"
    how = WORDS["paths"].format(most=paths.DRAWN, rates=rates), f"{WORDS['counted']} {WORDS['fixed']}"
    return written + _write(given, typed, "solvers_paths", illustrations.draw_paths, paths.path_rows(), title, how)


def curve(given: argparse.Namespace, typed: str) -> list[Path]:
    """Draws a curve fit with a certified solution."""
    from experiments.checks.solvers import fit
    from experiments.figures import solvers as drawn

    rows = fit.rows()
    first, second = (fit.needed(rows, label) for label in ("Levenberg-Marquardt", "L-BFGS"))
    title = f"Levenberg-Marquardt fits NIST's Misra1a in {first:g} evaluations, L-BFGS in {second:g}"
    how = (
        WORDS["fit"],
        f"Fitted: within a billionth of the certified sum of squares. {WORDS['counted']} {WORDS['fixed']}",
    )
    draw = functools.partial(drawn.draw_fit, x=fit.X, y=fit.Y)
    return _write(given, typed, "solvers_fit", draw, rows, title, how)


def network(given: argparse.Namespace, typed: str) -> list[Path]:
    """Draws the residual of a physics-informed network."""
    from experiments.checks.solvers import pinn
    from experiments.figures import solvers as drawn

    first = given.gradients // 4
    rows = pinn.rows(range(given.seeds), given.gradients, first)
    low, middle, high = pinn.ratio(rows)
    title = f"L-BFGS after Adam: a residual {middle:.0f} times lower than by Adam alone, same gradients"
    level = 1 - 2.0 ** (1 - given.seeds)
    numbers = {
        "width": pinn.WIDTH,
        "side": pinn.CHECKED,
        "seeds": given.seeds,
        "low": low,
        "high": high,
        "level": level,
    }
    how = WORDS["network"].format(**numbers), WORDS["ways"].format(rate=pinn.RATE, first=first, history=pinn.HISTORY)
    draw = functools.partial(drawn.draw_network, first=first)
    return _write(given, typed, "solvers_network", draw, rows, title, how)


def _write(
    given: argparse.Namespace, typed: str, slug: str, draw: Callable[..., Any], rows: Table, title: str, how: Any
) -> list[Path]:
    """Writes a figure whose title is the finding."""
    from experiments.figures import canvas
    from experiments.studies import Style

    made = environment.describe(1)
    versions = f"commit {made['commit']}, TensorFlow {made['tensorflow']}, Keras {made['keras']}, {made['system']}"
    caption = canvas.Caption(title, how, (versions, f"drawn by: {typed}"), " ".join((f"{title}.", *how)))
    styles = {label: Style(*style) for label, style in STYLES.items()}
    return canvas.write(draw, rows, canvas.Context(caption, styles), given.out, slug)


PARTS: Mapping[str, Callable[[argparse.Namespace, str], list[Path]]] = {
    "functions": functions,
    "curve": curve,
    "network": network,
}
COUNTS = {"metavar": "N"}
COMMANDS = (
    Command(
        "solvers",
        "checks",
        "compare methods that need the loss itself: on test functions, a curve fit, a small network",
        solvers,
        (
            option("part", nargs="?", help="functions, curve or network (default: all)"),
            option(
                "--functions", type=shared.whole(1, 16), default=16, help="the first N of 16 (default: 16)", **COUNTS
            ),
            option("--seeds", type=shared.whole(2, 99), default=5, help="of the network (default: 5)", **COUNTS),
            option(
                "--gradients",
                type=shared.whole(40, 10**6),
                default=3000,
                help="of the network (default: 3000)",
                **COUNTS,
            ),
            option("--out", type=Path, default=Path("static"), metavar="FOLDER", help="folder (default: static)"),
        ),
        (("", "all figures, in minutes"), ("curve --out /tmp", "the curve fit alone, in seconds")),
    ),
)
