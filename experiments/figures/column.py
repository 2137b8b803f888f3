"""A figure as wide as a column of a paper: one panel, letters of 8 points, and room as its labels need it."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures import canvas
from experiments.figures.canvas import SLACK, Caption, broken, say, width_of

WIDTH = 252.0  # points, 3.5 inches
LETTERS, TITLE = 8.0, 9.0  # points
LINE, TITLE_LINE = 11.0, 12.5  # points from one line to the next
EDGE = 5.0  # points left free around everything
FOOT = 30.0  # points for the numbers and the name of the horizontal axis
LEAD = 24.0  # points from the axes to the labels at the ends of lines
LEAST = 78.0  # points that the axes are wide at least; longer labels make the figure wider


def sheet(
    caption: Caption, body: float, left: float, right: float, above: float = 4, least: float = LEAST
) -> tuple[Figure, Axes]:
    """Returns an empty figure with its words and one axes.

    Args:
        caption: the words.
        body: height of the axes, points.
        left: points left of the axes.
        right: points right of them.
        above: points between the words and the axes.
        least: points that the axes are wide at least.
    """
    width = max(WIDTH, left + least + right)
    room = SLACK * (width - 2 * EDGE)
    title = broken(caption.title, room, TITLE, bold=True)
    lines = [part for line in caption.lines for part in broken(line, room, LETTERS)]
    footer = [part for line in caption.footer for part in broken(line, room, LETTERS)]
    head = EDGE + TITLE_LINE * len(title) + LINE * len(lines) + 6
    foot = FOOT + LINE * len(footer) + EDGE
    height = head + above + body + foot
    figure = Figure(figsize=(width / 72, height / 72), dpi=canvas.DPI, facecolor="white")
    axes = figure.add_axes((left / width, foot / height, (width - left - right) / width, body / height))
    axes.tick_params(labelsize=LETTERS, length=2.5, pad=2)
    axes.xaxis.label.set_fontsize(LETTERS)
    axes.yaxis.label.set_fontsize(LETTERS)
    axes.xaxis.labelpad = axes.yaxis.labelpad = 2
    spacing = {"linespacing": 1.17}
    say(figure, EDGE, height - EDGE, "\n".join(title), f"{canvas.WORDS}title", fontsize=TITLE, fontweight="bold",
        va="top", **spacing)  # fmt: skip
    under = height - EDGE - TITLE_LINE * len(title) - 2
    say(figure, EDGE, under, "\n".join(lines), f"{canvas.WORDS}lines", fontsize=LETTERS, va="top", **spacing)
    say(figure, EDGE, EDGE, "\n".join(footer), f"{canvas.WORDS}footer", fontsize=LETTERS, va="bottom", **spacing)
    return figure, axes


def widest(texts: Sequence[str]) -> float:
    """Returns the points that the widest of some labels needs."""
    return max((width_of(text, LETTERS) for text in texts), default=0.0) / SLACK


def for_ends(texts: Sequence[str]) -> float:
    """Returns the points that labels at the ends of lines take, right of the axes."""
    return LEAD + widest(texts) + EDGE
