"""The page of a study of several problems: one picture of all, and the way to the report of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.analysis.overview import Overview, chance_table, map_table, times_table
from experiments.analysis.results import number
from experiments.figures import critical, profiles, ranks, speed, times
from experiments.figures import overview as figures
from experiments.figures.canvas import Caption
from experiments.records import files
from experiments.report.gallery import Shown
from experiments.report.markup import download, element, table, text
from experiments.report.page import document, drawn, filters
from experiments.studies import Style

NAME = "overview"


def write(overview: Overview, pages: Sequence[Path], title: str, folder: Path) -> list[Path]:
    """Writes the page, its figures and their numbers; returns the files.

    Args:
        overview: the problems.
        pages: the report of each, in their order, inside the folder.
        title: of the study.
        folder: where the files go.
    """
    styles = {entry.label: entry.style for entry in overview.evidence[0].study.optimizers}
    if all(one.task.toy for one in overview.evidence):
        title = f"{title} (illustration, not evidence)"  # rule B20
    else:
        title += overview.claims.mark
    rows = map_table(overview)
    shown = _figures(overview, rows, styles, title, folder)
    csv = next(path for path in shown[0].files if path.suffix == ".csv").read_text(encoding="utf-8")
    said = "".join(element("li", text(sentence)) for sentence in overview.words())
    links = "".join(
        element("li", element("a", text(name), href=page.relative_to(folder).as_posix()))
        for name, page in zip(overview.problems, pages, strict=True)
    )
    sections = [
        element("ul", said, class_="headline", id="headline"),
        element("h2", "The report of each problem"),
        element("ul", links, id="problems"),
        filters(overview.evidence[0], {name: name for name in overview.problems}),
        element("h2", "Results"),
        _table(rows, csv, higher=all(one.higher for one in overview.evidence)),
        *(drawn(place, figure) for place, figure in enumerate(shown)),
    ]
    path = folder / f"{NAME}.html"
    files.write(path, document(f"Overview: {title}", sections))
    return [*(path for figure in shown for path in figure.files), path]


def _figures(
    overview: Overview, rows: list[dict[str, Any]], styles: Mapping[str, Style], title: str, folder: Path
) -> list[Shown]:
    def caption(what: str, how: str) -> Caption:
        studies = ", ".join(f"{n} {one.identity}" for n, one in zip(overview.problems, overview.evidence, strict=True))
        words, seeds = overview.evidence[0].words, len(overview.evidence[0].study.seeds)
        footer = (f"studies: {studies}; {seeds} seeds; {words.versions}", words.footer[-1])
        whole = f"{what}: {title}"
        return Caption(whole, (how,), footer, f"{whole}. {how}")

    what = "Every problem"
    how = figures.map_how(overview.claims)
    shown = [Shown(what, how, figures.draw_map(rows, caption(what, how), folder))]
    what, chances = "Over all problems", chance_table(overview)
    words = caption(what, figures.CHANCES)
    shown.append(Shown(what, figures.CHANCES, ranks.draw_chances(chances, styles, "score", words, folder)))
    shown += _ranks(overview, styles, caption, folder)
    passes = times_table(overview)
    void = figures.void(passes)
    ratios = speed.table_of(passes, times.reference_of(overview.evidence[0].study.optimizers))
    if ratios:
        what, how = "Speed-ups", speed.HOW.format(reference=ratios[0]["reference"]) + void
        shown.append(Shown(what, how, speed.draw(ratios, styles, caption(what, how), folder)))
    if not profiles.drawable(passes):
        return [*shown, Shown("Profiles", profiles.REFUSED + void)]
    both = ("Profiles", figures.PROFILES, profiles.draw), ("Profiles two by two", figures.PAIRS, profiles.draw_pairs)
    for what, how, draw in both:
        shown.append(Shown(what, how + void, draw(passes, styles, caption(what, how + void), folder)))
    return shown


def _ranks(
    overview: Overview, styles: Mapping[str, Style], caption: Callable[[str, str], Caption], folder: Path
) -> list[Shown]:
    """Returns the critical-difference diagram, or below eight problems the sentence that refuses it (rule B18)."""
    what, few = "Ranks over problems", critical.refused(len(overview.problems), len(overview.labels))
    few = few or critical.unclaimed(overview.claims)
    if few:
        return [Shown(what, few)]
    table = critical.table_of(overview.ranks(), overview.identity, len(overview.problems))
    return [Shown(what, critical.HOW, critical.draw(table, styles, caption(what, critical.HOW), folder))]


def _table(rows: list[dict[str, Any]], csv: str, *, higher: bool) -> str:
    headings = ("optimizer", "problem", "mean test score", "95 % interval", "place, 0 to 1", "verdict", "diverged")
    cells = [
        [
            (row["optimizer"], row["optimizer"]),
            (row["problem"], row["problem"]),
            (number(row["score"]), row["score"]),
            (f"{number(row['low'])} to {number(row['high'])}", row["low"]),
            (f"{row['normalised']:.3f}", row["normalised"]),
            (row["verdict"], row["verdict"]),
            (str(row["diverged"]), row["diverged"]),
        ]
        for row in rows
    ]
    about = [
        {"optimizer": [row["optimizer"]], "problem": [row["problem"]], "class": "tied" if row["tied"] else None}
        for row in rows
    ]
    link = download(f"{NAME}.csv", csv, "the numbers as CSV")
    falling = ("place, 0 to 1", *(("mean test score",) if higher else ()))
    return table("results", f"Test scores on every problem, {link}", headings, cells, about, falling)
