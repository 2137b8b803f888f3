"""Tables, one row a mapping and all with the same keys: as CSV, and by groups; names in a sentence; and durations."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Table = Sequence[Mapping[str, Any]]


def group(table: Table, key: str = "optimizer") -> dict[str, list[Mapping[str, Any]]]:
    """Returns the rows of each optimizer, or of each value of another column, in the order they first appear."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in table:
        found.setdefault(row[key], []).append(row)
    return found


def to_csv(rows: Table) -> str:
    """Returns rows, at least one, as CSV text with a heading; numbers are unrounded."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def from_csv(text: str, numbers: Mapping[str, Callable[[str], Any]] | None = None) -> list[dict[str, Any]]:
    """Returns the rows of a CSV text as strings, but those in `numbers` as what is given there makes of them."""
    kinds: Mapping[str, Callable[[str], Any]] = numbers or {}
    return [
        {key: kinds.get(key, str)(value) for key, value in row.items()} for row in csv.DictReader(io.StringIO(text))
    ]


def listed(names: Sequence[str]) -> str:
    """Returns names as a sentence has them.

    >>> listed(["GD"]), listed(["GD", "SGD", "Adam"])
    ('GD', 'GD, SGD and Adam')
    """
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def clock(seconds: float) -> str:
    """Returns a duration as a person would say it.

    >>> clock(42.3), clock(254)
    ('42 s', '4 min 14 s')
    """
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
