"""All studies at a glance: a table and a page from the reports that are there. Nothing here reads a record."""

from __future__ import annotations

import dataclasses
import functools
import html
import math
import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments import studies
from experiments.analysis import standing
from experiments.analysis.columns import Column, bracketed, flat
from experiments.analysis.profiles import error_rows, of_rows, scores
from experiments.analysis.statistics.summaries import Interval
from experiments.figures import canvas
from experiments.figures.canvas import Caption, Context
from experiments.figures.profiles import draw_errors
from experiments.problems import tasks
from experiments.records import files
from experiments.report.captions import say
from experiments.report.page import render
from experiments.report.tables import ReportTable
from experiments.studies import Style
from experiments.text import from_csv

NAME, PROFILES = "results", "error_profiles"
NO_CLAIM = "no claim"  # the verdict on one that was tuned too little
MEAN = re.compile(r"(test_\w+)_mean")
TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)


@dataclasses.dataclass(frozen=True)
class Reported:
    """The report of one problem of a study, as its files have it."""

    name: str  # of the study
    title: str  # of the study
    folder: Path  # of the report
    rows: Sequence[Mapping[str, str]]  # its result table, the best mean first
    tuned: bool = False  # whether each optimizer's rate was chosen for it
    styles: Mapping[str, Style] = dataclasses.field(default_factory=dict)  # of its optimizers

    @property
    def problem(self) -> str:
        """Model and data."""
        first = self.rows[0]
        task = tasks.get(first["model"])
        if task.toy:
            return f"{task.title} (illustration, not evidence)"  # rule B20
        model = re.sub(r" \([\d,]+ parameters?\)", "", task.title)
        return model if first["model"] == first["data"] else f"{model} on {first['data']}"

    @property
    def seeds(self) -> int:
        """Runs of each optimizer, of the one that has most."""
        return max(int(row["runs"]) for row in self.rows)

    @property
    def ties(self) -> list[str]:
        """The best mean and all that are known to tie with it; nothing where no claim is made."""
        return standing.best(self.rows)

    @property
    def worse(self) -> int:
        """How many are worse than the best."""
        return sum(row["verdict"].startswith("worse") for row in self.rows)

    @property
    def first(self) -> str:
        """The optimizer with the best mean."""
        return self.rows[0]["optimizer"]

    @functools.cached_property
    def score(self) -> tuple[float, Interval]:
        """The best mean and its interval; NaN where there is none."""
        name = next(found[1] for key in self.rows[0] if (found := MEAN.fullmatch(key)))
        mean, low, high = (float(self.rows[0][f"{name}_{end}"] or math.nan) for end in ("mean", "low", "high"))
        return mean, Interval(low, high)

    @property
    def errors(self) -> dict[str, float]:
        """The mean test error of each optimizer, infinite where runs diverged; nothing where they say nothing of it.

        Errors are compared where hyperparameters were chosen, claims are made, and a score is a share that is right.
        Of those that were tuned too little nothing is claimed, and so they are left out.
        """
        task, name = tasks.get(self.rows[0]["model"]), next(key for key in self.rows[0] if MEAN.fullmatch(key))
        if not (self.tuned and task.has_error and not task.toy and standing.claimed(self.rows)):
            return {}
        return {
            row["optimizer"]: 1 - float(row[name]) if row[name] else math.inf
            for row in self.rows
            if row["optimizer"] in self.styles and row["verdict"] != NO_CLAIM
        }

    @property
    def verdict(self) -> str:
        """What the verdicts of the table allow to say."""
        if against := standing.against(self.rows):
            return against
        if not self.ties:
            return "no claim"
        if len(self.ties) == len(self.rows):
            return "no winner: all tie" if len(self.rows) > 1 else "nothing to compare"
        return f"{'best' if len(self.ties) == 1 else f'{len(self.ties)} tie'}; {self.worse} worse"

    @property
    def finding(self) -> str:
        """The title of its first figure; where there is none, the best and the verdict."""
        found = TITLE.search(self.drawing)
        if found:
            return html.unescape(found[1])
        mark = " has the best mean;" if standing.reference(self.rows) and self.ties else ":"
        return f"{_best(self)}{mark} {self.verdict}"

    @functools.cached_property
    def drawing(self) -> str:
        """Its first figure, an SVG; empty where there is none."""
        path = self.folder / "scores.svg"
        return path.read_text(encoding="utf-8") if path.is_file() else ""

    def page(self, folder: Path) -> str:
        """Returns the way from a folder to its report: the page, or the Markdown where that alone is there."""
        names = ("report.html", "report.md")
        name = next((name for name in names if (self.folder / name).is_file()), names[1])
        return Path(os.path.relpath(self.folder / name, folder)).as_posix()


def reported() -> list[Reported]:
    """Returns every problem of the project's studies that has a report."""
    found = []
    for name in studies.names():
        study = studies.declared(studies.find(name))
        slugs = [problem.slug for problem in study.problems] or ["."]
        for slug in slugs:
            folder = Path(study.figures) / slug
            table = folder / "report.csv"
            if table.is_file():
                rows = from_csv(table.read_text(encoding="utf-8"))
                styles = {entry.label: entry.style for entry in study.optimizers}
                found.append(
                    Reported(studies.find(name).stem, study.title, folder, rows, study.track == "tuned", styles)
                )
    return found


def _best(one: Reported) -> str:
    return ", ".join(one.ties) or one.first


COLUMNS: tuple[Column[Reported], ...] = (
    Column("study", "study", lambda one: one.name),
    Column("problem", "problem", lambda one: one.problem),
    Column("optimizers", "optimizers", lambda one: len(one.rows)),
    Column("seeds", "seeds", lambda one: one.seeds),
    Column(
        "best",
        "best mean, and ties",
        _best,
        help="and all that the runs do not tell from it; with a reference, the best mean alone",
    ),
    Column("score", "best score [95 % CI]", lambda one: one.score[0], text=lambda one: bracketed(*one.score)),
    Column("low", "", lambda one: one.score[1].low),
    Column("high", "", lambda one: one.score[1].high),
    Column("verdict", "verdict", lambda one: one.verdict),
)


def profiled(found: Sequence[Reported]) -> tuple[list[dict[str, Any]], list[str]]:
    """Returns the rows of profiles of the errors of all reports, and the problems on which somebody makes no error."""
    of_study = Counter(one.name for one in found)
    of_model = Counter((one.name, one.rows[0]["model"]) for one in found)
    errors = {}
    for one in found:
        model, data = one.rows[0]["model"], one.rows[0]["data"]
        more = [model] if of_study[one.name] > 1 else []
        more += [data] if of_model[one.name, model] > 1 else []
        errors[f"{one.name} ({', '.join(more)})" if more else one.name] = one.errors
    errors = {problem: own for problem, own in errors.items() if own}
    return error_rows(errors), [problem for problem, own in errors.items() if min(own.values()) <= 0]


def profile(found: Sequence[Reported], folder: Path) -> tuple[list[Path], str]:
    """Draws how near each optimizer's test errors are to the lowest of each problem; nothing where few share any.

    Returns:
        The files of the figure, and how to read it.
    """
    table, faultless = profiled(found)
    if not table:
        for path in folder.glob(f"{PROFILES}.*"):  # of reports that are gone
            path.unlink()
        return [], ""
    nearest = []
    for shown in of_rows(table).values():
        points = scores(shown)
        best = [name for name, value in points.items() if value == max(points.values())]
        nearest.append(f"{' and '.join(best)} on {len(next(iter(shown.costs.values())))} problems")
    title = f"Nearest to the lowest test errors shown: {', '.join(nearest)}"
    key, how = (say("glance", NAME, part, found, faultless=faultless) for part in ("key", "how"))
    caption = Caption(title, (key,), ("python -m experiments results",), f"{title}. {how}", "reports of all studies")
    styles = {label: style for one in found for label, style in one.styles.items()}
    return canvas.write(draw_errors, table, Context(caption, styles), folder, PROFILES), how


def write(found: Sequence[Reported], folder: Path) -> list[Path]:
    """Writes the table of all reports as Markdown and CSV, the page with the first figure of each, and a profile."""
    table = ReportTable(
        NAME, "All studies", "The best of each study", f"{NAME}.csv", COLUMNS, found,
        lambda one: [], lambda one: one.problem,
    )  # fmt: skip
    cards: list[dict[str, Any]] = [
        {"finding": one.finding, "title": one.title, "problem": one.problem, "seeds": one.seeds,
         "page": one.page(folder), "drawing": one.drawing}
        for one in found
    ]  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{NAME}.{kind}" for kind in ("html", "md", "csv")]
    drawn, how = profile(found, folder)
    drawing = drawn[1].read_text(encoding="utf-8") if drawn else ""
    files.write(
        paths[0],
        render(
            "results.html",
            "All studies at a glance",
            table=table,
            cards=cards,
            profile=drawing,
            how=how,
        ),
    )
    files.write(paths[1], markdown(found, table, folder))
    files.write(paths[2], table.csv)
    return [*paths, *drawn]


def markdown(found: Sequence[Reported], table: ReportTable[Reported], folder: Path) -> str:
    """Returns the table, and a line with the finding of each report."""
    lines = ["# All studies at a glance", "", *table.markdown(), ""]
    lines += [f"- [{flat(one.problem)}]({one.page(folder)}): {flat(one.finding)}" for one in found]
    return "\n".join([*lines, ""])
