"""The page of a study of several problems: one picture of all, and the way to the report of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.analysis.columns import Column, number
from experiments.analysis.overview import Overview, chance_table, map_table
from experiments.analysis.score_rows import critical_rows
from experiments.analysis.statistics.aggregates import LEAST_PROBLEMS
from experiments.analysis.time_rows import pair_rows, profile_rows, reference_of, speed_rows
from experiments.figures import profiles, ranks, times
from experiments.figures.canvas import Caption, Context
from experiments.records import files
from experiments.report.captions import FOOT, Captions
from experiments.report.declared import Figure, Shown, show
from experiments.report.page import render
from experiments.report.tables import ReportTable
from experiments.studies import Style
from experiments.text import Table

NAME = "overview"


def write(overview: Overview, pages: Sequence[Path], title: str, folder: Path) -> list[Path]:
    """Writes the page, its figures and their numbers; returns the files."""
    styles = {entry.label: entry.style for entry in overview.evidence[0].study.optimizers}
    if all(one.task.toy for one in overview.evidence):
        title = f"{title} (illustration, not evidence)"  # rule B20
    else:
        title += overview.claims.mark
    shown = figures(overview, styles, title, folder)
    page = render(
        "overview.html",
        f"Overview: {title}",
        said=overview.words(),
        pages={name: page.relative_to(folder).as_posix() for name, page in zip(overview.problems, pages, strict=True)},
        optimizers=overview.evidence[0].study.optimizers,
        problems={name: name for name in overview.problems},
        results=_table(overview, next(path for path in shown[0].files if path.suffix == ".csv")),
        figures=shown,
    )
    files.write(folder / f"{NAME}.html", page)
    return [*(path for figure in shown for path in figure.files), folder / f"{NAME}.html"]


def figures(overview: Overview, styles: Mapping[str, Style], title: str, folder: Path) -> list[Shown]:
    """Draws every figure of several problems that they allow."""
    evidence = overview.evidence
    first, seeds = Captions(evidence[0]), len(evidence[0].study.seeds)
    studies = ", ".join(f"{n} {one.identity}" for n, one in zip(overview.problems, evidence, strict=True))
    source = f"studies: {studies}; {first.versions}; {first.footer[-1]}"
    foot = first.command if len(first.command) <= FOOT else f"study {first.name.partition('.')[0]}"[:FOOT]
    subtitle = f"{title}: {len(overview.problems)} problems, {seeds} {'seeds' if seeds > 1 else 'seed'}"

    def caption(figure: Figure, shown: str, how: str, key: str) -> Caption:
        lines = tuple(filter(None, (subtitle, key)))
        return Caption(shown, lines, (foot,), f"{shown}. {subtitle}. {how}", source)

    context = Context(Caption("", (), (), ""), styles)
    return list(show(FIGURES, "overview", overview, caption, context, folder))


def _ranks(overview: Overview) -> Table:
    """Returns the rows of the critical-difference diagram: none below eight problems, or where nothing is claimed."""
    few = len(overview.problems) < LEAST_PROBLEMS or len(overview.labels) < 2 or not overview.claims.allowed
    return [] if few else critical_rows(overview.ranks(), overview.identity, len(overview.problems))


def _speed(overview: Overview) -> Table:
    return speed_rows(overview.times, reference_of(overview.evidence[0].study.optimizers))


FIGURES = (
    Figure(NAME, map_table, ranks.draw_overview),
    Figure("chances", chance_table, ranks.draw_chances),
    Figure("critical_differences", _ranks, ranks.draw_critical),
    Figure("speed_ups", _speed, times.draw_speed_ups),
    Figure("profiles", lambda overview: profile_rows(overview.times), profiles.draw),
    Figure("profiles_pairwise", lambda overview: pair_rows(overview.times), profiles.draw_pairs),
)


def _table(overview: Overview, saved: Path) -> ReportTable[Mapping[str, Any]]:
    higher = all(one.higher for one in overview.evidence)
    columns: tuple[Column[Mapping[str, Any]], ...] = (
        Column("", "optimizer", lambda row: row["optimizer"]),
        Column("", "problem", lambda row: row["problem"]),
        Column("", "mean test score", lambda row: row["score"], number, falling=higher),
        Column(
            "", "95 % CI", lambda row: row["low"], text=lambda row: f"{number(row['low'])} to {number(row['high'])}"
        ),
        Column("", "place, 0 to 1", lambda row: row["normalised"], "{:.3f}".format, falling=True),
        Column("", "verdict", lambda row: row["verdict"]),
        Column("", "diverged", lambda row: row["diverged"]),
    )
    return ReportTable(
        "results", "Results", "Test scores on every problem", saved.name, columns, map_table(overview),
        lambda row: [row["optimizer"]], lambda row: row["problem"], tied=lambda row: row["tied"],
        saved=saved.read_text(encoding="utf-8"),
    )  # fmt: skip
