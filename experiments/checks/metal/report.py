"""Report of the checks, as Markdown for an issue."""

import dataclasses
import os
import platform
from collections.abc import Sequence

from experiments import environment, machine
from experiments.checks.metal import relu, steps

PACKAGES = (machine.PLUGIN, "tensorflow", "keras", "numpy")


@dataclasses.dataclass(frozen=True)
class Line:
    """One line of the report."""

    what: str  # subject of the line
    found: str  # observed value
    right: bool | None = None  # whether it is correct; None for information only


def surroundings(device: str) -> list[Line]:
    """Returns the lines on the machine and its versions."""
    switch = os.environ.get(machine.SWITCH)
    return [
        Line("machine", f"{platform.platform()}, Python {platform.python_version()}"),
        *(Line(name, machine.version(name) or "not installed") for name in PACKAGES),
        Line("commit of tfoptim", environment.commit()),
        Line(machine.SWITCH, "not set" if switch is None else switch),
        Line("requested device", device),
    ]


def of_relu(error: float) -> Line:
    """Returns the line on a dense layer with ReLU in this process."""
    right = error <= relu.TOLERANCE
    words = "kept" if right else "LOST"
    return Line("ReLU of a dense layer in fit and predict", f"{words} (error {error:.0e})", right)


def of_other(words: str, error: float | str) -> Line:
    """Returns the line on it in a process with another setting, for information only."""
    kept = "kept" if isinstance(error, float) and error <= relu.TOLERANCE else "LOST"
    found = error if isinstance(error, str) else f"{kept} (error {error:.0e})"
    return Line(f"ReLU {words}", found)


def of_left_out(names: Sequence[str]) -> list[Line]:
    """Returns the line on optimizers that the checks leave out, if any."""
    words = f"{', '.join(names)}: steps are made of given gradients here, and not of a loss"
    return [Line("not checked", words)] if names else []


def markdown(findings: Sequence[Line], rows: Sequence[tuple[steps.Steps, Sequence[float | None]]]) -> str:
    """Returns both tables: lines, and each probe's result with the milliseconds of a step, ours and Keras's."""
    lines = ["| what | found | |", "|---|---|---|"]
    lines += [f"| {f.what} | {f.found} | {_mark(f.right)} |" for f in findings]
    if rows:
        error = f"error after {steps.STEPS} steps (allowed: {steps.TOLERANCE:.0e} of the largest move)"
        lines += ["", f"| optimizer | {error} | operation left to the CPU | step, ms | Keras's step, ms | |"]
        lines += ["|---|---|---|---|---|---|"]
        lines += [_row(seen, times) for seen, times in rows]
    return "\n".join(lines)


def summary(wrong: int) -> str:
    """Returns the last sentence of the report."""
    return "All checks passed." if wrong == 0 else f"{wrong} check(s) failed: please paste this into an issue."


def _row(seen: steps.Steps, times: Sequence[float | None]) -> str:
    numbers = [f"{time:.2f}" if time is not None else "-" for time in (*times, None, None)[:2]]
    error = seen.failed or f"{seen.error:.1e}"
    return f"| {seen.probe.title} | {error} | {seen.off or 'none'} | {' | '.join(numbers)} | {_mark(seen.right)} |"


def _mark(right: bool | None) -> str:
    return "" if right is None else "ok" if right else "FAIL"
