"""The line search accepts what the Wolfe conditions accept, steps back from where there is no value, and ends."""

import math

import numpy as np
import pytest

from tfoptim.solvers import Point, Wolfe
from tfoptim.solvers.line_search import MOST, _between, _Trial


class Line:
    """A function of one number with its derivative, which counts its evaluations."""

    def __init__(self, loss, slope):
        self.loss, self.slope, self.steps = loss, slope, []

    def __call__(self, x):
        """The point at a step."""
        self.steps.append(float(x[0]))
        return Point(x, self.loss(x[0]), np.array([self.slope(x[0])]))

    def search(self, rule=None, first=1.0):
        """The step that is found from 0 along 1."""
        start = Point(np.zeros(1), self.loss(0.0), np.array([self.slope(0.0)]))
        found = (rule or Wolfe())(self, start, np.ones(1), first)
        return None if found is None else float(found.x[0])


FUNCTIONS = {
    "bowl": (lambda a: (a - 3) ** 2, lambda a: 2 * (a - 3)),
    "narrow bowl": (lambda a: (50 * a - 3) ** 2, lambda a: 100 * (50 * a - 3)),
    "valleys": (lambda a: -math.sin(5 * a) / 2 - a, lambda a: -2.5 * math.cos(5 * a) - 1),
    "flat bottom": (lambda a: (a - 2) ** 4, lambda a: 4 * (a - 2) ** 3),
    "kink": (lambda a: abs(a - 1.7) + 0.01 * a**2, lambda a: math.copysign(1, a - 1.7) + 0.02 * a),
}


@pytest.mark.parametrize("curvature", [0.9, 0.1])
@pytest.mark.parametrize("first", [1e-3, 1.0, 40.0])
@pytest.mark.parametrize("name", ["bowl", "narrow bowl", "flat bottom"])
def test_the_step_satisfies_both_conditions(name, first, curvature):
    """Sufficient decrease and curvature, wherever the search begins."""
    line = Line(*FUNCTIONS[name])
    a = line.search(Wolfe(curvature=curvature), first)
    assert line.loss(a) <= line.loss(0.0) + 1e-4 * a * line.slope(0.0)
    assert abs(line.slope(a)) <= -curvature * line.slope(0.0)
    assert len(line.steps) <= MOST


@pytest.mark.parametrize("name", ["valleys", "kink"])
@pytest.mark.parametrize("first", [0.5, 1.0, 3.0])
def test_a_step_that_no_condition_fits_still_decreases_the_loss(name, first):
    """Where the derivative lies, or jumps, the lowest trial is the step."""
    line = Line(*FUNCTIONS[name])
    a = line.search(Wolfe(curvature=0.01), first)
    assert line.loss(a) < line.loss(0.0)


def test_the_search_is_exact_on_a_quadratic():
    """The cubic through two points is the quadratic itself."""
    line = Line(*FUNCTIONS["bowl"])
    assert line.search(Wolfe(1e-9, 1e-8)) == pytest.approx(3.0, abs=1e-7)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_step_without_value_is_halved(bad):
    """Far too far first, then while doubling, then within the bracket."""
    for edge, first in ((0.3, 8.0), (4.0, 1.0), (2.5, 2.4)):
        line = Line(lambda a, e=edge: (a - 3) ** 2 if a < e else bad, lambda a: 2 * (a - 3))
        a = line.search(first=first)
        assert 0 < a < edge
        assert line.loss(a) < line.loss(0.0)


def test_a_bracket_whose_inside_has_no_value_is_shrunk():
    """The end beyond is taken for infinitely high."""
    line = Line(lambda a: math.nan if 0.05 < a < 1 else (a - 0.1) ** 2, lambda a: 2 * (a - 0.1))
    a = line.search(Wolfe(curvature=0.5))
    assert 0 < a <= 0.05


def test_a_loss_without_bottom_is_followed_to_the_end_of_the_budget():
    """Each step goes on four times as far as the one before; the last is taken."""
    line = Line(lambda a: -a, lambda a: -1.0)
    assert line.search() == (4.0**MOST - 1) / 3
    assert len(line.steps) == MOST


def test_no_step_is_found_where_the_loss_only_rises():
    """The gradient was wrong, or the digits are used up."""
    line = Line(lambda a: a, lambda a: -1.0 if a == 0 else 1.0)
    assert line.search() is None
    assert len(line.steps) <= MOST


def test_a_bracket_whose_slope_promises_less_than_a_digit_ends_the_search():
    """What is left to find is rounding."""
    line = Line(lambda a: 1 / 3 + 1e-3 * (a > 0), lambda a: -5.6e-17)
    assert line.search(first=0.9) is None
    assert len(line.steps) == 1
    assert line.search(first=30.0) is None
    assert 2 < len(line.steps) < 20


def test_the_slope_is_followed_to_where_it_vanishes():
    """Beyond the first trial: on a quadratic at once."""
    line = Line(*FUNCTIONS["bowl"])
    assert line.search(Wolfe(curvature=0.1)) == 3.0
    assert line.steps == [1.0, 3.0]


def test_near_the_floor_the_slope_decides():
    """The loss is constant to its last digit: a step along which the slope falls is accepted."""
    line = Line(lambda a: 1e9, lambda a: a - 1)
    assert line.search(Wolfe(curvature=0.1)) == pytest.approx(1.0, abs=0.1)
    rising = Line(lambda a: 1e9 + (a > 0), lambda a: a - 1)
    assert rising.search(Wolfe(curvature=0.1)) is None


def test_a_bracket_without_a_cubic_minimum_is_halved():
    """It only rises from end to end: the formula has no real root."""
    low, high = (_Trial(step, loss, 1.0, None) for step, loss in ((0.0, 0.0), (1.0, 2 / 3)))
    assert _between(low, high) == 0.5
