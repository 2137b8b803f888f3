"""Rows of what was learned of rare and of frequent words."""

from __future__ import annotations

import math
import statistics
from typing import Any

from experiments.analysis.evidence import Evidence, origin
from experiments.text import Table, from_csv, group

NUMBERS = {"mails_from": int, "mails_to": int, "words": int, "test_mails": int}


def frequency_rows(evidence: Evidence) -> list[dict[str, Any]]:
    """Returns a row for each finished run and band of frequencies; none of other problems than words."""
    return [
        {
            **origin(evidence),
            "optimizer": label,
            "seed": record.run.seed,
            **{key: NUMBERS.get(key, float)(value) for key, value in row.items()},
        }
        for label in evidence.labels
        for record in evidence.of(label)
        if "words" in record.files
        for row in from_csv(record.files["words"].read_text(encoding="utf-8"))
    ]


def finding(rows: Table) -> str:
    """Returns how much farther than the rarest words the most frequent ones moved, in a sentence; empty if none did."""
    found = _growth(rows)
    if not found:
        return ""
    ends = [f"{ratio:.{1 if ratio < 10 else 0}f} ({label})" for ratio, label in dict.fromkeys((found[0], found[-1]))]
    return f"The most frequent words moved {' to '.join(ends)} times as far as the rarest"


def _growth(rows: Table) -> list[tuple[float, str]]:
    """Returns the ratio of the most frequent band to the rarest, of each optimizer that has one, ascending."""
    found = []
    for label, own in group(rows).items():
        bands = [statistics.fmean(row["update"] for row in band) for band in group(own, "mails_from").values()]
        ratio = bands[-1] / bands[0] if bands[0] else math.nan
        found += [(ratio, label)] if math.isfinite(ratio) else []
    return sorted(found)
