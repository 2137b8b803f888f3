"""The timing pass in the report: the table of steps, compiling and memory, as a page, Markdown and CSV have it."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.analysis.evidence import Evidence
from experiments.analysis.timing_table import cells, headings, keys, numbers, rows
from experiments.report.markup import download, element, table
from experiments.text import to_csv

NAME = "step_times"
WORDS = (
    "Times of steps, from the timing pass: short runs, one at a time and each by a process of its own, the optimizers "
    "in turn."
)


def as_csv(evidence: Evidence) -> str:
    """Returns the table's numbers, unrounded, in seconds and bytes; times must be there."""
    origin = {"study": evidence.identity, "data": evidence.study.data, "model": evidence.study.task}
    return to_csv([{**origin, **numbers(row)} for row in rows(evidence.timings, evidence.study)])


def section(evidence: Evidence, problem: str) -> str:
    """Returns the table as a part of the page; empty where there are no times to show."""
    if evidence.untimed:
        return ""
    found = rows(evidence.timings, evidence.study)
    csv = download(f"{NAME}.csv", as_csv(evidence), "the numbers as CSV")
    shown = [list(zip(cells(row), keys(row), strict=True)) for row in found]
    about = [{"optimizer": [row.label], "problem": [problem]} for row in found]
    head = headings(found[0].reference)
    return "\n".join([element("h2", "What a step takes"), table(NAME, f"{WORDS} {csv}", head, shown, about)])


def lines(evidence: Evidence) -> list[Sequence[str]]:
    """Returns the rows as text, the headings first; none where there are no times to show."""
    found = [] if evidence.untimed else rows(evidence.timings, evidence.study)
    return [headings(found[0].reference), *map(cells, found)] if found else []
