"""The table of a timing pass: median and quartiles over the repetitions of each optimizer."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from experiments.analysis.columns import Column, cells
from experiments.records.run_folder import Record
from experiments.records.timings import Taken, taken
from experiments.studies import Entry, Study

MIB = 2**20


class Middle(NamedTuple):
    """Median and quartiles."""

    median: float
    low: float
    high: float


@dataclasses.dataclass(frozen=True)
class Row:
    """What the repetitions of one optimizer took."""

    label: str  # of the optimizer
    repetitions: Sequence[Taken]  # at least one
    reference: str = ""  # the label of plain SGD; empty where that takes no part
    base: float | None = None  # median seconds of a step of that

    def of(self, name: str) -> list[float]:
        """Returns a number of each repetition, seconds or bytes."""
        return [getattr(one, name) for one in self.repetitions]

    @property
    def step(self) -> Middle:
        """Seconds of a step."""
        return middle(self.of("seconds_per_step"))

    @property
    def state(self) -> float:
        """Bytes that the optimizer keeps for each parameter."""
        return statistics.median(self.of("state_bytes_per_parameter"))


def rows(found: Sequence[Record], study: Study) -> list[Row]:
    """Returns a row for each optimizer that was timed, in the study's order."""
    times = [taken(record) for record in found]
    own = {entry.label: [one for one in times if one.label == entry.label] for entry in study.optimizers}
    reference = next((e.label for e in study.optimizers if plain(e) and own[e.label]), "")
    base = middle([one.seconds_per_step for one in own[reference]]).median if reference else None
    return [Row(label, group, reference, base) for label, group in own.items() if group]


def plain(entry: Entry) -> bool:
    """Returns whether an entry is plain SGD on mini-batches, which the others' steps are set against."""
    return (entry.optimizer, entry.batch) == ("sgd", "mini") and not entry.hyperparameters.get("momentum")


def middle(values: Sequence[float]) -> Middle:
    """Returns median and quartiles of some values, at least one."""
    low, high = (float(value) for value in np.percentile(values, (25, 75)))
    return Middle(statistics.median(values), low, high)


def columns(reference: str) -> tuple[Column[Row], ...]:
    """Returns the columns of the table, given the label of plain SGD; without it there is nothing to divide by."""
    return (
        Column("optimizer", "optimizer", lambda row: row.label),
        Column(
            "seconds_per_step_median", "ms a step: median [quartiles]", lambda row: row.step.median,
            text=lambda row: "{} [{}, {}]".format(*(_three(1e3 * value) for value in row.step)),
        ),
        Column("seconds_per_step_low_quartile", "", lambda row: row.step.low),
        Column("seconds_per_step_high_quartile", "", lambda row: row.step.high),
        Column("steps_per_second", "", lambda row: 1 / row.step.median),
        Column(
            "times_sgd", f"÷ that of {reference or 'SGD'}", lambda row: row.base and row.step.median / row.base,
            "{:.2f}".format,
        ),
        Column(
            "seconds_per_pass_median", "ms a pass", lambda row: statistics.median(row.of("seconds_per_pass")),
            lambda seconds: _three(1e3 * seconds),
        ),
        Column(
            "seconds_compiling_median", "seconds of compiling",
            lambda row: middle(row.of("seconds_compiling")).median, "{:.2f}".format,
        ),
        Column("seconds_compiling_low_quartile", "", lambda row: middle(row.of("seconds_compiling")).low),
        Column("seconds_compiling_high_quartile", "", lambda row: middle(row.of("seconds_compiling")).high),
        Column("peak_resident_bytes", "peak memory, MiB", lambda row: max(row.of("peak_resident_bytes")), _mebibytes),
        Column(
            "peak_device_bytes", "peak on the GPU, MiB",
            lambda row: None if math.isnan(most := max(row.of("peak_device_bytes"))) else most, _mebibytes,
        ),
        Column(
            "state_bytes_per_parameter", "bytes of state for each parameter", lambda row: row.state, "{:.3g}".format
        ),
        Column("repetitions", "repetitions", lambda row: len(row.repetitions)),
    )  # fmt: skip


def lines(found: Sequence[Row]) -> list[str]:
    """Returns a line for each row, as a terminal shows it."""
    said = []
    for row in found:
        _, step, ratio, whole, compiling, resident, _, state, count = cells(columns(row.reference), row)
        times = "" if row.base is None else f", {ratio} times that of {row.reference}"
        said.append(
            f"{row.label}: {step} ms a step{times}, {whole} ms a pass, compiled in {compiling} s, {resident} MiB at "
            f"most, {state} bytes of state for each parameter; {count} repetitions"
        )
    return said


def _mebibytes(value: float) -> str:
    return f"{value / MIB:,.0f}"


def _three(value: float) -> str:
    """Returns a number with three digits that count, without exponent.

    >>> _three(0.01234), _three(12.34), _three(1234.0)
    ('0.0123', '12.3', '1,234')
    """
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
