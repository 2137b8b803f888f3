"""A table declared once: a list of columns, from which CSV, Markdown, the terminal and the page are made."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, TypeVar

from experiments.analysis.statistics.summaries import Interval

Row = TypeVar("Row")
NONE = "-"  # the cell of a value that does not exist


@dataclasses.dataclass(frozen=True)
class Column(Generic[Row]):
    """One column of a table."""

    name: str  # in the CSV; empty for a column that is only shown
    heading: str  # where the table is read; empty for a column that is only in the CSV
    value: Callable[[Row], Any]  # of a row, unrounded: what the CSV has, and what rows are sorted by
    form: Callable[[Any], str] = str  # the value as text; a value that is None or NaN is shown as a dash
    text: Callable[[Row], str] | None = None  # the cell as text, where it takes more of the row than the value
    key: Callable[[Row], Any] | None = None  # what rows are sorted by, where it is not the value
    falling: bool = False  # whether the highest value is the best, so that the first click puts it at the top
    help: str = ""  # what the heading leaves open; the page shows it over the heading

    def cell(self, row: Row) -> str:
        """Returns the cell of a row as text."""
        if self.text is not None:
            return self.text(row)
        value = self.value(row)
        return NONE if value is None or value != value else self.form(value)

    def sorted_by(self, row: Row) -> Any:
        """Returns what a row is sorted by."""
        return (self.key or self.value)(row)


def shown(columns: Iterable[Column[Row]]) -> list[Column[Row]]:
    """Returns the columns that are read, not only computed with."""
    return [column for column in columns if column.heading]


def headings(columns: Iterable[Column[Row]]) -> list[str]:
    """Returns the headings of a table that is read."""
    return [column.heading for column in shown(columns)]


def cells(columns: Iterable[Column[Row]], row: Row) -> list[str]:
    """Returns a row as text, a cell for each heading."""
    return [column.cell(row) for column in shown(columns)]


def numbers(columns: Iterable[Column[Row]], row: Row) -> dict[str, Any]:
    """Returns a row as the CSV has it: by name, unrounded."""
    return {column.name: column.value(row) for column in columns if column.name}


def markdown(
    columns: Sequence[Column[Row]], rows: Iterable[Row], bold: Callable[[Row], bool] = lambda row: False
) -> list[str]:
    """Returns the lines of a table in Markdown; the first cell of a row is bold where `bold` says so."""
    head = headings(columns)
    lines = [_line(map(flat, head)), _line(["---"] * len(head))]
    for row in rows:
        first, *rest = map(flat, cells(columns, row))
        lines.append(_line([f"**{first}**" if bold(row) else first, *rest]))
    return lines


def flat(text: str) -> str:
    """Returns a text that Markdown shows as it is, in a cell as well: names may hold anything."""
    for sign in ("\\", "|", "<", "*", "[", "`"):
        text = text.replace(sign, f"\\{sign}")
    return text


def _line(texts: Iterable[str]) -> str:
    return "| " + " | ".join(texts) + " |"


def number(value: float) -> str:
    """Returns a score or loss for reading; infinity says that runs diverged.

    >>> number(0.92337), number(87.0411), number(float("-inf"))
    ('0.9234', '87.04', 'diverged')
    >>> number(4.3e-13), number(1e-18)  # the latter is what is left of a difference by rounding
    ('4.3e-13', '0.0000')
    """
    if math.isnan(value):
        return NONE
    if math.isinf(value):
        return "diverged"
    if 1e-15 < abs(value) < 1e-3:
        return f"{value:.2g}"
    return f"{value:.4f}" if abs(value) < 10 else f"{value:.4g}"


def bracketed(value: float, interval: Interval) -> str:
    """Returns a number with its interval, where it has one that is finite."""
    if not all(map(math.isfinite, (value, *interval))):
        return number(value)
    return f"{number(value)} [{number(interval.low)}, {number(interval.high)}]"
