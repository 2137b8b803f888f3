"""Rows of what was learned of rare and of frequent words."""

from __future__ import annotations

from typing import Any

from experiments.analysis.evidence import Evidence, origin
from experiments.text import from_csv

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
