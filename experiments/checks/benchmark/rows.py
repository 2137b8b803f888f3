"""What is written down of a measurement: one row for each rule, variable set and contender."""

from __future__ import annotations

import dataclasses
import datetime as dt
import importlib.metadata
import platform
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from experiments import environment
from experiments.checks.benchmark.memory import cores
from experiments.checks.benchmark.plan import has_torch
from experiments.text import from_csv, to_csv

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Row:
    """One contender on one pair of rule and variable set. What could not be measured is None.

    Attributes:
        rule: name of the rule.
        set: name of the variable set.
        contender: name of the contender.
        calls: how many steps were timed.
        median_ms: milliseconds of a step, their median.
        lower_ms: lower quartile.
        upper_ms: upper quartile.
        minimum_ms: the fastest.
        ratio: how many times as long as ours in graph mode, median of the repetitions.
        ratio_low: lowest repetition.
        ratio_high: highest repetition.
        first_call_s: seconds of the first call, tracing and compiling included.
        operations_per_variable: operations in the graph and all functions that it calls, for each variable.
        extra_bytes: most memory that a step takes besides variables, slots and gradients.
        extra_share: the same as a share of the variables' size.
        traffic_bytes: the least that the rule can move: weights, slots, gradients.
        bandwidth_share: traffic in the median time, as a share of the measured speed of memory.
        failure: why there are no times.
    """

    rule: str
    set: str
    contender: str
    calls: int = 0
    median_ms: float | None = None
    lower_ms: float | None = None
    upper_ms: float | None = None
    minimum_ms: float | None = None
    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None
    first_call_s: float | None = None
    operations_per_variable: float | None = None
    extra_bytes: int | None = None
    extra_share: float | None = None
    traffic_bytes: int | None = None
    bandwidth_share: float | None = None
    failure: str | None = None


def surroundings(command: str, **more: Any) -> dict[str, Any]:
    """Returns where and with what the figures were measured; the same in every row."""
    about = environment.describe(1)
    found = {key: about[key] for key in ("system", "python", "tensorflow", "keras", "numpy", "commit")}
    found["torch"] = importlib.metadata.version("torch") if has_torch() else ""
    today = dt.datetime.now(dt.UTC).date().isoformat()
    return {"cpu": processor(), "cores": cores(), **found, **more, "date": today, "command": command}


def processor() -> str:
    """Returns the name of the processor, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def as_csv(rows: Iterable[Any], about: Mapping[str, Any]) -> str:
    """Returns measurements, at least one, as CSV, each with its surroundings; nothing stands for None."""
    return to_csv([dataclasses.asdict(row) | dict(about) for row in rows])


def read(cls: type[T], text: str) -> tuple[list[T], dict[str, str]]:
    """Returns measurements and surroundings out of a CSV.

    Raises:
        ValueError: it is not a table of this kind.
    """
    fields = typing.get_type_hints(cls)
    table = from_csv(text)
    if not table or not set(fields) <= set(table[0]):
        raise ValueError(f"It must have the columns {', '.join(fields)}, and a row.")
    rows = [cls(**{name: _value(raw[name], kind) for name, kind in fields.items()}) for raw in table]
    return rows, {key: str(value) for key, value in table[0].items() if key not in fields}


def _value(text: str, kind: Any) -> Any:
    """Returns a value from its text in a CSV; nothing stands for None where None is allowed."""
    if isinstance(kind, types.UnionType):
        return _value(text, typing.get_args(kind)[0]) if text else None
    return kind(text)


def where(rows: Sequence[Row], **wanted: str) -> list[Row]:
    """Returns the rows that have all the given values."""
    return [row for row in rows if all(getattr(row, key) == value for key, value in wanted.items())]


def one(rows: Sequence[Row], **wanted: str) -> Row | None:
    """Returns the row that has all the given values, None where there is none with times."""
    return next((row for row in where(rows, **wanted) if row.median_ms is not None), None)
