"""What all figures share: the style, the labels at the lines, and how a figure is saved."""

from __future__ import annotations

import dataclasses
import html
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments import records

DPI = 200
WIDTH, HEIGHT = 8.4, 5.4
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
    """The words of a figure.

    Attributes:
        title: what is shown, on which data and model.
        lines: what one has to know to read it, under the title.
        footer: where the numbers come from and the command that draws it again.
        description: what one would tell a person who cannot see it.
    """

    title: str
    lines: tuple[str, ...]
    footer: tuple[str, ...]
    description: str


def sheet(caption: Caption) -> tuple[Figure, Axes]:
    """Returns an empty figure with its words and one pair of axes."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, HEIGHT), dpi=DPI, facecolor="white")
        axes = figure.add_axes((0.085, 0.19, 0.72, 0.635))
    figure.text(0.012, 0.975, caption.title, fontsize=12, fontweight="bold", va="top")
    figure.text(0.012, 0.928, "\n".join(caption.lines), fontsize=8.2, va="top", color=QUIET)
    figure.text(0.012, 0.018, "\n".join(caption.footer), fontsize=8, va="bottom", color=QUIET)
    return figure, axes


def apart(places: Sequence[float], gap: float) -> list[float]:
    """Returns places at least `gap` apart, in the same order and moved as little as possible.

    Args:
        places: where labels would like to be.
        gap: least distance between neighbours.

    >>> apart([0.0, 1.0, 1.1], 0.5)
    [0.0, 0.8, 1.3]
    """
    order = sorted(range(len(places)), key=places.__getitem__)
    blocks: list[list[float]] = []  # each block: the shifted places that must stay together
    for rank, index in enumerate(order):
        blocks.append([places[index] - rank * gap])
        while len(blocks) > 1 and _mean(blocks[-2]) > _mean(blocks[-1]):
            last = blocks.pop()
            blocks[-1] += last
    shifted = [_mean(block) for block in blocks for _ in block]
    moved = [0.0] * len(places)
    for rank, index in enumerate(order):
        moved[index] = round(shifted[rank] + rank * gap, 9)
    return moved


def label_ends(axes: Axes, ends: Sequence[tuple[float, float, str, Mapping[str, Any]]]) -> None:
    """Writes each line's label right of the axes at the height of its end, moved apart.

    Args:
        axes: the axes, with their final limits.
        ends: for each line its last point, its label and the look of the line.
    """
    points = axes.get_position().height * HEIGHT * 72
    to_axes = axes.transData + axes.transAxes.inverted()
    heights = [float(to_axes.transform((x, y))[1]) for x, y, _, _ in ends]
    for (x, y, text, look), height in zip(ends, apart(heights, 15 / points), strict=True):
        start = to_axes.transform((x, y))
        axes.plot(
            [start[0], 1.025], [start[1], height], color=look["color"], linewidth=0.7,
            transform=axes.transAxes, clip_on=False,
        )  # fmt: skip
        axes.plot(
            [1.025, 1.0475, 1.07], [height] * 3, markevery=[1], markersize=5, linewidth=1.8,
            transform=axes.transAxes, clip_on=False, **look,
        )  # fmt: skip
        axes.text(1.082, height, text, transform=axes.transAxes, va="center", fontsize=9.5)


def save(figure: Figure, folder: Path, slug: str, caption: Caption, numbers: str) -> list[Path]:
    """Writes a figure as PNG and SVG and its numbers as CSV; the same figure gives the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{slug}.{kind}" for kind in ("png", "svg", "csv")]
    png, svg = io.BytesIO(), io.BytesIO()
    with mpl.rc_context(STYLE):
        figure.savefig(png, format="png", dpi=DPI, metadata={"Software": None})
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": "tfoptim"})
    paths[0].write_bytes(png.getvalue())
    records.write(paths[1], _described(svg.getvalue().decode(), caption))
    records.write(paths[2], numbers)
    return paths


def _described(svg: str, caption: Caption) -> str:
    """Returns an SVG with a title and a description, which screen readers tell."""
    words = f"<title>{html.escape(caption.title)}</title>\n <desc>{html.escape(caption.description)}</desc>\n "
    svg = re.sub(r"<svg ", '<svg role="img" ', svg, count=1)
    svg = re.sub(r"[ \t]+$", "", svg, flags=re.MULTILINE)
    return svg.replace("<metadata>", words + "<metadata>", 1)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
