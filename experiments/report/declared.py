"""Figures, declared: their files, captions, findings and places in the page follow; what has no rows has a sentence."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from experiments.figures import canvas
from experiments.figures.canvas import Caption, Context
from experiments.report.captions import say
from experiments.text import Table

HEADLINE, USUAL, APPENDIX = "headline", "usual", "appendix"


@dataclasses.dataclass(frozen=True)
class Shown:
    """One figure: what it shows, how to read it, and its files, PNG, SVG and CSV; none where `words` says why not."""

    title: str  # what it shows
    words: str  # how to read it, or why it is not there
    files: Sequence[Path] = ()
    finding: str = ""  # what it finds, where a sentence says it
    place: str = USUAL  # where the page has it

    @property
    def slug(self) -> str:
        """Name of its files."""
        return self.files[0].stem


@dataclasses.dataclass(frozen=True)
class Figure:
    """A figure, declared: tests, captions, the page and the files follow from it; its words are in `captions.toml`."""

    slug: str  # name of its files
    rows: Table | Callable[[Any], Table]  # or what makes them from the facts; without rows it is not drawn
    draw: Callable[[Table, Context], Any]  # draws the rows
    title: str = ""  # what it shows, where its words do not say so
    words: str = ""  # name of its words, where they are not its own
    step: float = 1e-4  # the smallest difference that its scores can show
    tuning: bool = False  # whether it shows the search, which has a caption of its own
    finding: Callable[[Any, Table], str] | None = None  # makes the sentence that is its title
    place: str = USUAL  # where the page has it: above the fold, after the table, or folded away


Words = Callable[[Figure, str, str, str], Caption]  # from a figure, its title, how to read it and its key


def show(
    figures: Iterable[Figure], kind: str, facts: Any, caption: Words, context: Context, folder: Path
) -> Iterator[Shown]:
    """Draws figures in their order, or yields the sentence in the place of one without rows.

    Args:
        figures: the figures.
        kind: of their words, `problem` or `overview`.
        facts: what they are drawn from.
        caption: makes the words inside the picture.
        context: what all of them are drawn with; caption and step are those of each.
        folder: where their files go.
    """
    for figure in figures:
        table, name = figure.rows(facts) if callable(figure.rows) else figure.rows, figure.words or figure.slug
        title = figure.title or say(kind, name, "title", facts)
        if table:
            how, key = (say(kind, name, part, facts, table) for part in ("how", "key"))
            finding = figure.finding(facts, table) if figure.finding else ""
            words = caption(figure, finding or title, how, key)
            own = dataclasses.replace(context, caption=words, step=figure.step)
            files = canvas.write(figure.draw, table, own, folder, figure.slug)
            yield Shown(title, how, files, words.title if finding else "", figure.place)
        elif why := say(kind, name, "refused", facts):
            yield Shown(title, why, place=figure.place)
