"""Words of figures have room: names stay in the axes, and numbers of an axis do not touch."""

import itertools
import math

import pytest

from experiments.figures import costs, scores
from experiments.figures.canvas import Context
from tests.experiments.figures.drawn import CAPTION, STYLES


@pytest.mark.parametrize("timed", [False, True], ids=["one panel", "two"])
def test_names_of_costs_stay_within_the_axes_and_apart(timed):
    """Seventeen of nearly one score and neighbouring costs, far above another: no name leaves the axes or hits one."""
    labels = ["ScheduleFreeAdamW", *(f"method {number}" for number in range(16))]
    table = [
        {"optimizer": label, "score": 0.85 + number / 1000 if number < 16 else 0.0, "low": math.nan, "high": math.nan,
         "seconds_per_step": 0.01 + 0.0001 * number if timed else math.nan, "higher_is_better": True,
         "state_bytes_per_parameter": 12 - 0.3 * number if timed else 8}
        for number, label in enumerate(labels)
    ]  # fmt: skip
    figure = costs.draw(table, Context(CAPTION, dict.fromkeys(labels, next(iter(STYLES.values()))), "Dice"))
    figure.draw_without_rendering()
    assert len(figure.axes) == 1 + timed
    for axes in figure.axes:
        boxes = [text.get_tightbbox() for text in axes.texts if text.get_text() in labels]
        assert len(boxes) == len(labels)
        assert max(box.y1 for box in boxes) <= axes.bbox.y1 + 6  # points of half a letter
        assert all(axes.bbox.x0 <= box.x0 and box.x1 <= axes.bbox.x1 + 2 for box in boxes)
        for one, other in itertools.combinations(boxes, 2):
            beside = one.x1 <= other.x0 or other.x1 <= one.x0
            assert beside or abs(one.y0 - other.y0) > (one.height + other.height) / 2 - 4  # tails of letters


def test_numbers_of_an_axis_do_not_touch():
    """Differences from a hundredth to one, of both signs."""
    row = {"best": "Adam", "says": "", "mean": 0.0, "low": math.nan, "high": math.nan}
    table = [{**row, "optimizer": "GD", "difference": size} for size in (-0.012, -0.01, 0.002, 0.003, 0.004, 0.01, 1.0)]
    figure = scores.draw_differences(table, Context(CAPTION, STYLES))
    figure.draw_without_rendering()
    boxes = [tick.label1.get_window_extent() for tick in figure.axes[0].xaxis.get_major_ticks()]
    ends = sorted((box.x0, box.x1) for box in boxes if box.width)
    assert len(ends) > 3
    assert all(left[1] < right[0] for left, right in itertools.pairwise(ends))
