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


def growth(rows: Table) -> list[tuple[float, str]]:
    """Returns how many times as far as the rarest words the most frequent ones moved, by optimizer, ascending."""
    found = []
    for label, own in group(rows).items():
        bands = [statistics.fmean(row["update"] for row in band) for band in group(own, "mails_from").values()]
        ratio = bands[-1] / bands[0] if bands[0] else math.nan
        found += [(ratio, label)] if math.isfinite(ratio) else []
    return sorted(found)
