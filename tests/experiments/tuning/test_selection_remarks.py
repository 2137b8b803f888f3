"""What breaks no rule and should be known of a choice: that its best is the outermost value tried (rule B7)."""

import dataclasses

import pytest

from experiments.tuning import choosing
from tests.experiments.small import middle, study
from tests.experiments.tuning.test_selection import GD, edge, trials_with_best


def outermost():
    """Eight points, none of which lies above .897 of the range, and trials whose best is the one there."""
    whole = study(task="mnist_orig", budget="laptop")
    search = choosing.searches(whole, GD)[0]
    highest = max(search.points, key=lambda point: point.units[0])
    return whole, search, highest, trials_with_best(search, highest.index)


def test_a_best_that_is_the_outermost_tried_is_told_where_it_is_no_edge():
    """The eight points of mnist_orig end at .897 of the range, short of the outer tenth that rule B7 speaks of."""
    whole, _, highest, trials = outermost()
    trials += [dataclasses.replace(t, seed=1001) for t in trials]
    assert highest.units[0] == pytest.approx(0.897, abs=5e-4)
    choices = {"GD": choosing.settle(whole, GD, trials)}
    assert (choices["GD"].widenings, choices["GD"].boundary) == (0, False)
    (said,) = choosing.remarks(whole, choices, trials)
    assert said.startswith("The best of GD has the highest learning rate that was tried, 0.385992: the outer tenth")


def test_a_best_with_others_on_both_sides_is_not_remarked_on():
    """Nor one at an edge, which is a rule's matter, nor one of which there are no trials."""
    whole, search, _, _ = outermost()
    for index in (middle(search), edge(search)):
        trials = trials_with_best(search, index)
        values = search.points[index].values
        choice = choosing.Choice(values, (1e-4, 1.0), 0, index == edge(search), 0.9, (8, 8))
        assert choosing.remarks(whole, {"GD": choice}, trials) == []
        assert choosing.remarks(whole, {"GD": choice}, []) == []
