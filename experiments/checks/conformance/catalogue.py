"""All rows, in order."""

from __future__ import annotations

import re
from collections.abc import Sequence

from experiments.checks.conformance import arguments, gradients, replicas, resuming, state
from experiments.checks.conformance.rows import ROWS, Row
from experiments.errors import unknown

MODULES = (arguments, gradients, replicas, resuming, state)
"""Importing a module declares its rows."""

NOT_HERE = {
    "D16": "concerns Adafactor, which tfoptim does not have",
    "D17": "concerns ScheduleFreeAdamW, which tfoptim does not have",
    "D27": "is the same in both on purpose: all variables share one step counter",
    "D34": "is about the classes of others, whose constructors run when a file names them; ours touch nothing outside",
}
"""Faults without a row."""


def rows(wanted: Sequence[str] = ()) -> list[Row]:
    """Returns the rows asked for by id or by fault (D3 for D3a, D3b ...), or all, in the order of their numbers.

    Raises:
        UserError: there is no such row.
    """
    known = sorted(ROWS.values(), key=lambda row: (int(re.findall(r"\d+", row.id)[0]), row.id))
    names = {name.lower() for row in known for name in (row.id, row.fault)}
    for name in wanted:
        if name.lower() not in names:
            raise unknown("row", name, [row.id for row in known])
    chosen = {name.lower() for name in wanted}
    return [row for row in known if not chosen or {row.id.lower(), row.fault.lower()} & chosen]
