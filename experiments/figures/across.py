"""What learning curves are drawn over: passes, and steps or gradients where these tell something else."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from experiments.figures.base import Table, group


@dataclasses.dataclass(frozen=True)
class Across:
    """A horizontal axis.

    Attributes:
        column: of the table.
        words: name of the axis.
        title: what is added to the title of the figure.
        suffix: of the files.
        log: whether it is logarithmic from 1 on; 0 then stands left of 1.
    """

    column: str
    words: str
    title: str
    suffix: str
    log: bool = False

    def scale(self, axes: Axes, last: float) -> None:
        """Makes an axis go from 0 to the last place."""
        if self.log:
            axes.set_xscale("symlog", linthresh=1, linscale=0.4)
            decades = [10**k for k in range(math.floor(math.log10(max(last, 1))) + 1)]
            axes.xaxis.set_major_locator(FixedLocator([0, *decades]))
            axes.xaxis.set_minor_locator(NullLocator())
            axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.0f}"))
        else:
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlim(0, last)
        axes.set_xlabel(self.words)


EPOCHS = Across("epoch", "epochs (passes over the training set)", "", "")
STEPS = Across("step", "steps of the optimizer (logarithmic axis)", " over steps", "_by_step", log=True)
GRADIENTS = Across(
    "example_gradients", "gradients of single examples (logarithmic axis)", " over gradients", "_by_gradient", log=True
)
OVER_STEPS = ("loss", "test_accuracy", "test_dice")  # figures that are drawn over steps as well, where that tells more


def telling(table: Table) -> list[Across]:
    """Returns the axes that tell something else than passes do: their numbers a pass differ between optimizers.

    Entries with full gradients make one step a pass and the others many; gradients are as many, unless a rule takes
    several at one place.
    """
    return [across for across in (STEPS, GRADIENTS) if _differ(table, across.column)]


def _differ(table: Table, column: str) -> bool:
    ends = [max(own, key=lambda row: float(row["epoch"])) for own in group(table).values()]
    rates = [row[column] / row["epoch"] for row in ends if row["epoch"]]
    return bool(rates) and max(rates) > 1.02 * min(rates)  # a last batch that is not full is no other currency


def every(axes: Axes, x: Sequence[float], count: int, place: int) -> list[int]:
    """Returns which of a line's points have a marker: as many, evenly spaced on the axis, whatever the points are.

    Args:
        axes: with its final limits.
        x: where the points are, ascending.
        count: how many markers.
        place: number of the line; neighbouring lines have theirs at other places.
    """
    drawn = axes.transData.transform(np.column_stack([x, np.full(len(x), np.mean(axes.get_ylim()))]))[:, 0]
    left, right = axes.transAxes.transform([(0, 0), (1, 0)])[:, 0]
    wanted = left + (right - left) * (np.arange(count) + 0.2 + 0.6 * (place % 4) / 3) / count
    wanted = wanted[(wanted >= drawn[0]) & (wanted <= drawn[-1])]
    return sorted({int(np.abs(drawn - where).argmin()) for where in wanted})
