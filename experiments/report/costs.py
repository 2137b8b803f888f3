"""What each optimizer cost (rule B23): the search, its widened parts, the evaluation, and attempts without a result."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from experiments.analysis.evidence import Evidence
from experiments.records.costs import Cost
from experiments.report.markup import Cell, download, element, table
from experiments.studies.runs import EVALUATION, TUNING
from experiments.text import to_csv

HEADINGS = (
    "optimizer",
    "tuning runs",
    "of these after widening",
    "evaluation runs",
    "attempts without a result",
    "optimizer steps",
    "gradients of examples",
    "core hours",
)
WORDS = (
    "Costs: every run that is recorded here, those that diverged among them, and attempts whose result does not count: "
    "interrupted, failed, or made again after a change of code. Core hours are told only where all runs are recorded "
    "here: committed evidence has none."
)
ALL = "all"


def rows(evidence: Evidence) -> list[dict[str, Any]]:
    """Returns a row for each optimizer and one for all of them together; none where nothing is known of costs."""
    found = {
        label: {kind: cost for (kind, of), cost in evidence.costs.items() if of == label} for label in evidence.labels
    }
    if not any(found.values()):
        return []
    told = [_row(label, own) for label, own in found.items()]
    whole = {key: sum(row[key] for row in told) for key in HEADINGS[1:]}
    return [*told, {HEADINGS[0]: ALL, **whole}]


def section(evidence: Evidence, problem: str) -> str:
    """Returns the table as a part of the page; empty where nothing is known of costs."""
    told = rows(evidence)
    if not told:
        return ""
    shown: list[list[Cell]] = [[(_text(value), value) for value in row.values()] for row in told]
    names = [evidence.labels if row[HEADINGS[0]] == ALL else [row[HEADINGS[0]]] for row in told]
    about = [{"optimizer": labels, "problem": [problem]} for labels in names]
    csv = download("costs_in_all.csv", to_csv(told), "the numbers as CSV")
    return "\n".join([element("h2", "Costs"), table("costs", f"{WORDS} {csv}", HEADINGS, shown, about)])


def lines(evidence: Evidence) -> list[Sequence[str]]:
    """Returns the rows as text, the headings first; none where nothing is known of costs."""
    told = rows(evidence)
    return [HEADINGS, *([_text(value) for value in row.values()] for row in told)] if told else []


def _row(label: str, own: dict[str, Cost]) -> dict[str, Any]:
    whole, tuning = sum(own.values(), Cost()), own.get(TUNING, Cost())
    values = (
        label,
        tuning.runs,
        tuning.widened,
        own.get(EVALUATION, Cost()).runs,
        whole.failed,
        whole.steps,
        whole.gradients,
        whole.seconds / 3600,
    )
    return dict(zip(HEADINGS, values, strict=True))


def _text(value: Any) -> str:
    if isinstance(value, float):
        return "-" if math.isnan(value) else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else value
