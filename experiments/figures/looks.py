"""How optimizers look in all figures: colours, line ends and their labels, and the rows that they have."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes

from experiments.figures.canvas import DASHES, HEIGHT, OF, WIDTH, Caption, plain, wrapped
from experiments.studies import Style

FEW = 6  # rows and panels that fit without further room
LIT = 5  # lines whose colours can be distinguished
FAINT = "#8C8C8C"  # of lines beyond those: 3.4 to 1 on white


def ended(value: float) -> str:
    """Returns the number at the end of a line: three decimals, or two digits of one that is smaller.

    >>> ended(0.96961), ended(4.27e-13)
    ('0.970', '4.3e-13')
    """
    return f"{value:.2g}" if 0 < abs(value) < 1e-3 else f"{value:.3f}"


def look(style: Style) -> dict[str, Any]:
    """Returns how an optimizer's line is drawn, for matplotlib."""
    return {"color": style.color, "linestyle": DASHES[style.line], "marker": style.marker}


def looks(
    merits: Mapping[str, float], styles: Mapping[str, Style], kept: Sequence[str] = ()
) -> dict[str, dict[str, Any]]:
    """Returns how the lines of several optimizers are drawn: those kept and the best few as ever, the rest in grey."""
    always = [label for label in merits if label in kept][:LIT]
    others = sorted((label for label in merits if label not in always), key=lambda label: -merits[label])
    lit = [*always, *others[: LIT - len(always)]]
    faint = {"color": FAINT, "linewidth": 0.8, "zorder": 2}
    return {label: {**look(styles[label]), **({} if label in lit else faint)} for label in merits}


def dot(style: Style) -> dict[str, Any]:
    """Returns how an optimizer's points are drawn, without a line."""
    return {"color": style.color, "linestyle": "none", "marker": style.marker}


def under(caption: Caption, height: float = HEIGHT) -> float:
    """Returns the place, a share of the figure's height in inches, of a label between axes and footer."""
    return (18 + 12 * len(wrapped(caption.footer))) / 72 / height


def name_rows(axes: Axes, labels: Sequence[str]) -> None:
    """Gives each optimizer a row of the axes, the first at the top."""
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.set_yticks(range(len(labels)), labels=list(map(plain, labels)))
    axes.grid(visible=False, axis="y")


def room_for(labels: Sequence[str]) -> float:
    """Returns the share of the width that the longest of some names takes, left of the axes."""
    return min(0.35, (max(map(len, labels)) * 6.2 + 22) / 72 / WIDTH)


def apart(places: Sequence[float], gap: float, ceiling: float = math.inf, floor: float = -math.inf) -> list[float]:
    """Returns places at least `gap` apart, in the same order and moved as little as possible.

    Args:
        places: where labels would like to be.
        gap: least distance between neighbours.
        ceiling: no place is above it, whatever is pushed down.
        floor: no place is below it, whatever is pushed up; where too little room is left, the ceiling gives way.

    >>> apart([0.0, 1.0, 1.1], 0.5)
    [0.0, 0.8, 1.3]
    >>> apart([0.0, 1.0, 1.1], 0.5, ceiling=1.0)
    [0.0, 0.5, 1.0]
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
        highest = ceiling - (len(order) - 1 - rank) * gap
        moved[index] = round(max(min(shifted[rank] + rank * gap, highest), floor + rank * gap), 9)
    return moved


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def label_ends(
    axes: Axes, ends: Sequence[tuple[float, float, str, Mapping[str, Any]]], size: float = 9.5, lead: float = 34
) -> None:
    """Writes each line's label right of the axes at the height of its end, moved apart.

    Args:
        axes: the axes, with their final limits.
        ends: for each line its last point, its label, after two spaces perhaps with a number, and its look.
        size: of the letters, points.
        lead: points from the axes to the label; a piece of the line with its marker stands there.
    """
    box = axes.get_position()
    figure: Any = axes.figure
    inches = figure.get_size_inches()
    height, width = box.height * inches[1] * 72, box.width * inches[0] * 72
    to_axes = axes.transData + axes.transAxes.inverted()
    starts = [to_axes.transform((x, y)) for x, y, _, _ in ends]
    gap = min((1.25 * size + 3) / height, 1.0 / max(1, len(ends) - 1))
    places = apart([float(start[1]) for start in starts], gap, 1.0, 0.0)  # above is the caption, below the footer
    free: Any = {"transform": axes.transAxes, "clip_on": False}
    left, middle, right, text_at = (1 + share * lead / width for share in (0.24, 0.53, 0.82, 1.0))
    for (_, _, text, look), start, place in zip(ends, starts, places, strict=True):
        with of(text.partition("  ")[0], axes):
            axes.plot([start[0], left], [start[1], place], color=look["color"], linewidth=0.7, **free)
            sample = [left, middle, right], [place] * 3
            axes.plot(*sample, **{"markevery": [1], "markersize": 0.53 * size, "linewidth": 1.8, **look, **free})
            axes.text(text_at, place, plain(text), transform=axes.transAxes, va="center", fontsize=size)


@contextlib.contextmanager
def of(label: str, axes: Axes) -> Iterator[None]:
    """Marks what is drawn in some axes meanwhile as an optimizer's, so that the page can hide all of it."""
    before = set(map(id, axes.get_children()))
    yield
    for artist in axes.get_children():
        if id(artist) not in before and artist.get_gid() is None:
            artist.set_gid(f"{OF}{label}")
