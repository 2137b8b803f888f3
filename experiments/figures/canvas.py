"""What all figures share: the style, the caption, an empty sheet, and how a figure is saved."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import html
import io
import re
import textwrap
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from experiments.records import files
from experiments.studies import Style
from experiments.text import Table, to_csv

DPI = 200
WIDTH, HEIGHT = 9.0, 5.8
CAPTION = 8.2  # points
LETTERS = 150  # that fit in a line of the caption
TITLE = 84  # letters that fit in a title at its full size
OF, WORDS = "of:", "words:"  # what names of parts begin with: of an optimizer, and words that the page has outside
INK = "#222222"
QUIET = "#555555"
DASHES: Mapping[str, Any] = {
    "solid": "solid",
    "dashed": (0, (5, 2)),
    "dotted": (0, (1, 1.4)),
    "dashdot": (0, (6, 2, 1, 2)),
    "longdash": (0, (9, 2.5)),
    "dashdotdot": (0, (6, 2, 1, 2, 1, 2)),
}
STYLE: Any = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "tfoptim",  # the same figure gives the same bytes
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Arial", "Helvetica"],
    "font.size": 9.5,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.7,
}


@dataclasses.dataclass(frozen=True)
class Caption:
    """The words of a figure."""

    title: str  # what is shown, on which data and model
    lines: tuple[str, ...]  # what one has to know to read it, under the title
    footer: tuple[str, ...]  # where the numbers come from and the command that draws it again
    description: str  # the figure in words, for screen readers


@dataclasses.dataclass(frozen=True)
class Context:
    """What a figure is drawn with besides its rows."""

    caption: Caption  # the words
    # the look of each optimizer, in the order of the study
    styles: Mapping[str, Style] = dataclasses.field(default_factory=dict)
    score: str = "score"  # what the score is called
    step: float = 1e-4  # the smallest difference that the score can show


def write(
    draw: Callable[[Table, Context], Figure], table: Table, context: Context, folder: Path, slug: str
) -> list[Path]:
    """Draws rows, and writes the figure as PNG and SVG and the rows as CSV."""
    with mpl.rc_context(STYLE):
        figure = draw(table, context)
    return save(figure, folder, slug, context.caption, to_csv(table))


def sheet(
    caption: Caption,
    room: int,
    grid: tuple[int, int] = (1, 1),
    gap: tuple[float, float] = (0.08, 0.28),
    height: float = HEIGHT,
    foot: float = 50,
    *,
    left: float = 0.105,
    share: bool = True,
    widths: Sequence[float] | None = None,
) -> tuple[Figure, list[Axes]]:
    """Returns an empty figure with its words and its axes.

    Args:
        caption: the words.
        room: letters that the longest label right of the axes has; 0 when there are none.
        grid: rows and columns of axes.
        gap: between columns and between rows, shares of the width and height of an axes.
        height: of the figure, inches.
        foot: points left free above the footer, for the labels of the axes or a legend.
        left: share of the width that is left free at the left, for the labels there.
        share: whether all axes have one scale.
        widths: of the columns, in relation to each other.
    """
    lines, footer = wrapped(caption.lines), wrapped(caption.footer)
    right = 1 - (room_for_ends(room) if room else 0.02)
    top = 1 - ((36 if grid == (1, 1) else 54) + 12 * len(lines)) / 72 / height
    bottom = (foot + 12 * len(footer)) / 72 / height
    figure = Figure(figsize=(WIDTH, height), dpi=DPI, facecolor="white")
    spaces = {"wspace": gap[0], "hspace": gap[1], "width_ratios": widths}
    axes = figure.subplots(*grid, sharex=share, sharey=share, squeeze=False, gridspec_kw=spaces)
    figure.subplots_adjust(left=left, right=right, bottom=bottom, top=top)
    scale = HEIGHT / height
    size = 11.5 * min(1, TITLE / len(caption.title))
    figure.text(
        0.012, 1 - 0.025 * scale, plain(caption.title), fontsize=size, fontweight="bold", va="top", gid=f"{WORDS}title"
    )
    figure.text(
        0.012, 1 - 0.07 * scale, plain("\n".join(lines)), fontsize=CAPTION, va="top", color=QUIET, gid=f"{WORDS}lines"
    )
    figure.text(
        0.012, 0.018 * scale, plain("\n".join(footer)), fontsize=8, va="bottom", color=QUIET, gid=f"{WORDS}footer"
    )
    return figure, list(axes.flat)


def room_for_ends(letters: int) -> float:
    """Returns the share of the figure's width that labels at the ends of lines take."""
    return (letters * 5.6 + 45) / 72 / WIDTH


def plain(text: str) -> str:
    """Returns a text that matplotlib writes as it is: between two dollars it would read a formula."""
    return text.replace("$", r"\$")


def wrapped(sentences: Sequence[str]) -> list[str]:
    """Returns sentences as the lines of a caption, none wider than the figure."""
    return [part for sentence in sentences for part in _wrapped(sentence)]


@functools.cache
def _wrapped(sentence: str) -> list[str]:
    parts = textwrap.wrap(sentence, LETTERS)
    while any(_width(part) > 0.975 * WIDTH * 72 for part in parts):
        parts = textwrap.wrap(sentence, max(map(len, parts)) - 1)
    return parts


def _width(text: str) -> float:
    """Returns how wide a line of a caption is, in points; by the outlines of its letters it takes seconds a report."""
    with _boxes():
        width, _, _ = text_to_path.get_text_width_height_descent(text, FontProperties(size=CAPTION), ismath=False)
    return float(width)


@contextlib.contextmanager
def _boxes() -> Iterator[None]:
    """Draws a box for a letter of a name that the font lacks, without a warning for each; an SVG keeps the letter."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+", UserWarning)
        yield


def save(figure: Figure, folder: Path, slug: str, caption: Caption, numbers: str) -> list[Path]:
    """Writes a figure as PNG and SVG and its numbers as CSV; the same figure gives the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{slug}.{kind}" for kind in ("png", "svg", "csv")]
    png, svg = io.BytesIO(), io.BytesIO()
    with mpl.rc_context(STYLE), _boxes():
        # a fiftieth more bytes than by default, in two thirds of the time
        figure.savefig(png, format="png", dpi=DPI, metadata={"Software": None}, pil_kwargs={"compress_level": 3})
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": "tfoptim"})
    paths[0].write_bytes(png.getvalue())
    files.write(paths[1], _described(svg.getvalue().decode(), caption))
    files.write(paths[2], numbers)
    return paths


def _described(svg: str, caption: Caption) -> str:
    """Returns an SVG with a title and a description, for screen readers."""
    words = f"<title>{html.escape(caption.title)}</title>\n <desc>{html.escape(caption.description)}</desc>\n "
    svg = re.sub(r"<svg ", '<svg role="img" ', svg, count=1)
    svg = re.sub(r"[ \t]+$", "", svg, flags=re.MULTILINE)
    for mark, name in ((OF, "optimizer"), (WORDS, "words")):
        svg = re.sub(rf'\bid="{mark}([^"]*)"', rf'data-{name}="\1"', svg)
    return svg.replace("<metadata>", words + "<metadata>", 1)
