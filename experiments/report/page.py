"""The report as one page that needs nothing else: no network, and to be read no script."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.analysis.evidence import Evidence
from experiments.analysis.lint import Finding
from experiments.analysis.results import Result
from experiments.report import tables
from experiments.report.captions import Captions
from experiments.report.gallery import Shown
from experiments.report.markup import render
from experiments.report.text import notes


def page(evidence: Evidence, result: Result, shown: Sequence[Shown], findings: Sequence[Finding]) -> str:
    """Returns the page; the same evidence gives the same bytes.

    Args:
        evidence: the study's.
        result: its table.
        shown: its figures, drawn.
        findings: the rules that it breaks.
    """
    return render(
        "page.html",
        Captions(evidence, result.claims).title("Report"),
        evidence=evidence,
        result=result,
        findings=findings,
        problems={tables.problem(evidence): f"{evidence.task.title} on {evidence.study.data}"},
        results=tables.of_results(evidence, result),
        notes=notes(evidence, result),
        pairs=tables.of_pairs(evidence, result.comparisons),
        runs=tables.of_runs(evidence),
        steps=tables.of_steps(evidence),
        figures=shown,
        costs=tables.of_costs(evidence),
        origin=Captions(evidence).footer[:-1],
    )
