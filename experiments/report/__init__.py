"""The report of a study: one page with tables and figures, the same in Markdown and CSV. Nothing here trains."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from experiments.analysis.evidence import Evidence
from experiments.analysis.lint import Finding, claims, findings
from experiments.analysis.overview import several
from experiments.analysis.results import Result, result
from experiments.analysis.test_scores import broken, note_of, opened
from experiments.records import files
from experiments.report import cases, gallery, preliminary, summary, tables, text
from experiments.report.captions import Captions
from experiments.report.page import page

__all__ = ["Evidence", "Report", "broken", "note_of", "opened", "result", "write", "write_overview"]

NAME = "report"


@dataclasses.dataclass(frozen=True)
class Report:
    """What was written: from what, the result table, the rules that are broken, and the files."""

    evidence: Evidence
    result: Result
    findings: Sequence[Finding]
    files: Sequence[Path]

    @property
    def page(self) -> Path:
        """The page."""
        return next(path for path in self.files if path.name == f"{NAME}.html")


def write(evidence: Evidence, study: Path, folder: Path, *, illustrations: bool = True) -> Report:
    """Draws all figures of a study, and writes page, Markdown and CSV; the same evidence gives the same bytes."""
    styles = {entry.label: entry.style for entry in evidence.study.optimizers}
    ruled = findings(evidence.study, [*evidence.found, *evidence.timings], path=study, target=evidence.target)
    said = sorted({*ruled, *broken(evidence.name, study, evidence.wanted[0])})
    allowed = claims(evidence.study, said)
    table = result(evidence, allowed)
    shown = gallery.draw(evidence, table, folder, styles, illustrations=illustrations)
    drawn = [path for figure in shown for path in figure.files]
    drawn += cases.write(evidence.study, evidence.found, Captions(evidence, allowed), folder)
    paths = [folder / f"{NAME}.{kind}" for kind in ("html", "md", "csv")]
    files.write(paths[0], page(evidence, table, shown, said))
    files.write(paths[1], text.markdown(evidence, table, said))
    files.write(paths[2], tables.of_results(evidence, table).csv)
    if not evidence.untimed:
        steps = tables.of_steps(evidence)
        paths.append(folder / steps.file)
        files.write(paths[-1], steps.csv)
    preliminary.remove(folder)
    return Report(evidence, table, said, [*drawn, *paths])


def write_overview(reports: Sequence[Report], title: str, folder: Path) -> list[Path]:
    """Writes one page over the reports of several problems, and returns its files.

    Nothing is written over one problem, or while runs are missing.
    """
    whole = several([one.evidence for one in reports], [one.result for one in reports])
    return [] if whole is None else summary.write(whole, [one.page for one in reports], title, folder)
