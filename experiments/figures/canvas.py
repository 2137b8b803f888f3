"""What all figures share: the style, the caption, an empty sheet, and how a figure is saved."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import html
import io
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path
from PIL import Image  # comes with matplotlib
from PIL.PngImagePlugin import PngInfo

from experiments.records import files
from experiments.studies import Style
from experiments.text import Table, to_csv

DPI, COLORS = 200, 256
WIDTH, HEIGHT = 9.0, 5.8
CAPTION = 8.2  # points
LETTERS = 150  # that fit in a line of the caption
TITLE = 11.5  # points
SLACK = 0.95  # of the width that words may take: browsers round the width of small letters up
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

    title: str  # the finding
    lines: tuple[str, ...]  # under the title: model, data, seeds, and a key
    footer: tuple[str, ...]  # the command that draws it again, or the study
    description: str  # the figure in words and how to read it, for screen readers and in the files
    source: str = ""  # where the numbers come from, in the files


@dataclasses.dataclass(frozen=True)
class Context:
    """What a figure is drawn with besides its rows."""

    caption: Caption  # the words
    # the look of each optimizer, in the order of the study
    styles: Mapping[str, Style] = dataclasses.field(default_factory=dict)
    score: str = "score"  # what the score is called
    step: float = 1e-4  # the smallest difference that the score can show
    kept: Sequence[str] = ()  # optimizers that keep their colour among many, as GD does
    best: Sequence[str] = ()  # the best mean and all that tie with it: their bands are drawn


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
    title = broken(caption.title, 0.975 * SLACK * WIDTH * 72, TITLE, bold=True)
    lines, footer = wrapped(caption.lines), wrapped(caption.footer)
    right = 1 - (room_for_ends(room) if room else 0.02)
    top = 1 - ((20 if grid == (1, 1) else 38) + 16 * len(title) + 12 * len(lines)) / 72 / height
    bottom = (foot + 12 * len(footer)) / 72 / height
    figure = Figure(figsize=(WIDTH, height), dpi=DPI, facecolor="white")
    spaces = {"wspace": gap[0], "hspace": gap[1], "width_ratios": widths}
    axes = figure.subplots(*grid, sharex=share, sharey=share, squeeze=False, gridspec_kw=spaces)
    figure.subplots_adjust(left=left, right=right, bottom=bottom, top=top)
    points = height * 72
    say(figure, 8, points - 10, "\n".join(title), f"{WORDS}title", fontsize=TITLE, fontweight="bold", va="top")
    say(figure, 8, points - 14 - 16 * len(title), "\n".join(lines), f"{WORDS}lines", fontsize=CAPTION, va="top")
    say(figure, 8, 8, "\n".join(footer), f"{WORDS}footer", fontsize=8, va="bottom")
    return figure, list(axes.flat)


def say(figure: Figure, x: float, y: float, text: str, gid: str, **how: Any) -> None:
    """Writes words into a figure, at some points from its lower left corner."""
    width, height = (72 * side for side in figure.get_size_inches())
    color = INK if gid == f"{WORDS}title" else QUIET
    figure.text(x / width, y / height, plain(text), color=color, gid=gid, **how)


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
    return broken(sentence, 0.975 * SLACK * WIDTH * 72, CAPTION, most=LETTERS)


def broken(text: str, room: float, size: float, *, bold: bool = False, most: int = 200) -> list[str]:
    """Returns a text as lines that fit into some points at a size of letters, of at most so many letters each."""
    found: list[str] = []
    for word in text.split():
        longer = f"{found[-1]} {word}" if found else word
        if found and len(longer) <= most and width_of(longer, size, bold=bold) <= room:
            found[-1] = longer
        else:
            found.append(word)
    return found


@functools.cache
def width_of(text: str, size: float, *, bold: bool = False) -> float:
    """Returns how wide a text is, in points; by the outlines of its letters it would take seconds a report."""
    font = FontProperties(family="DejaVu Sans", size=size, weight="bold" if bold else "normal")
    with _boxes():
        width, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
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
    said = {"Title": caption.title, "Description": caption.description, "Source": caption.source}
    said = {key: text for key, text in said.items() if text}
    svg = io.BytesIO()
    with mpl.rc_context(STYLE), _boxes():
        png = _picture(figure, said)
        figure.savefig(svg, format="svg", metadata={**said, "Date": None, "Creator": "tfoptim"})
    paths[0].write_bytes(png)
    files.write(paths[1], _described(svg.getvalue().decode(), caption))
    files.write(paths[2], numbers)
    return paths


def _picture(figure: Figure, said: Mapping[str, str]) -> bytes:
    """Returns a figure as PNG of few colours, which takes a third of the bytes, with some words in it."""
    whole, small, words = io.BytesIO(), io.BytesIO(), PngInfo()
    figure.savefig(whole, format="png", dpi=DPI, pil_kwargs={"compress_level": 1})
    for key, text in said.items():
        words.add_itxt(key, text)
    picture = Image.open(whole).convert("RGB")
    few = picture.quantize(COLORS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    few.save(small, "PNG", dpi=(DPI, DPI), pnginfo=words, optimize=True)
    return small.getvalue()


def _described(svg: str, caption: Caption) -> str:
    """Returns an SVG with a title and a description, for screen readers."""
    words = f"<title>{html.escape(caption.title)}</title>\n <desc>{html.escape(caption.description)}</desc>\n "
    svg = re.sub(r"<svg ", '<svg role="img" ', svg, count=1)
    svg = re.sub(r"[ \t]+$", "", svg, flags=re.MULTILINE)
    for mark, name in ((OF, "optimizer"), (WORDS, "words")):
        svg = re.sub(rf'\bid="{mark}([^"]*)"', rf'data-{name}="\1"', svg)
    return svg.replace("<metadata>", words + "<metadata>", 1)
