"""What the figures of a comparison share: tables of numbers, and how an optimizer looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes

from experiments.figures import canvas
from experiments.studies import Style

Table = Sequence[Mapping[str, Any]]
FEW = 6  # lines whose bands can be told apart
FAINT = "#8C8C8C"  # of lines beyond those: 3.4 to 1 on white


def ended(value: float) -> str:
    """Returns the number at the end of a line: three decimals, or two digits of one that is smaller.

    >>> ended(0.96961), ended(4.27e-13)
    ('0.970', '4.3e-13')
    """
    return f"{value:.2g}" if 0 < abs(value) < 1e-3 else f"{value:.3f}"


def look(style: Style) -> dict[str, Any]:
    """Returns how an optimizer's line is drawn, for matplotlib."""
    return {"color": style.color, "linestyle": canvas.DASHES[style.line], "marker": style.marker}


def looks(merits: Mapping[str, float], styles: Mapping[str, Style]) -> dict[str, dict[str, Any]]:
    """Returns how the lines of several optimizers are drawn: the best few as ever, the rest as grey hairlines.

    Args:
        merits: what an optimizer reached, greater is better; of equals, the first comes first.
        styles: the look of each optimizer.
    """
    lit = sorted(merits, key=lambda label: -merits[label])[:FEW]
    faint = {"color": FAINT, "linewidth": 0.8, "zorder": 2}
    return {label: {**look(styles[label]), **({} if label in lit else faint)} for label in merits}


def dot(style: Style) -> dict[str, Any]:
    """Returns how an optimizer's points are drawn, without a line."""
    return {"color": style.color, "linestyle": "none", "marker": style.marker}


def group(table: Table, key: str = "optimizer") -> dict[str, list[Mapping[str, Any]]]:
    """Returns the rows of each optimizer, or of each value of another column, in the order they first appear."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in table:
        found.setdefault(row[key], []).append(row)
    return found


def under(caption: canvas.Caption, height: float = canvas.HEIGHT) -> float:
    """Returns the place, a share of the figure's height in inches, of a label between axes and footer."""
    return (18 + 12 * len(canvas.wrapped(caption.footer))) / 72 / height


def name_rows(axes: Axes, labels: Sequence[str]) -> None:
    """Gives each optimizer a row of the axes, the first at the top."""
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.set_yticks(range(len(labels)), labels=list(map(canvas.plain, labels)))
    axes.grid(visible=False, axis="y")


def room_for(labels: Sequence[str]) -> float:
    """Returns the share of the width that the longest of some names takes, left of the axes."""
    return min(0.35, (max(map(len, labels)) * 6.2 + 22) / 72 / canvas.WIDTH)
