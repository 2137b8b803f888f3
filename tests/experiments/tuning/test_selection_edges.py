"""What is an edge of a range, so that it is widened (rule B7), and what is tuned at all."""

import dataclasses

import pytest

from experiments.studies import Tuning
from experiments.tuning import choosing
from experiments.tuning.search import LogUniform, Search
from tests.experiments.small import middle, study
from tests.experiments.tuning.test_selection import GD, trials_with_best


def test_the_outermost_value_tried_is_an_edge_and_widens_the_search():
    """Until the best lies inside. The eight points of mnist_orig end at .897 of the range, short of its outer tenth."""
    whole = study(task="mnist_orig", budget="laptop", tuning=Tuning((1000,)))
    search = choosing.searches(whole, GD)[0]
    highest = max(search.points, key=lambda point: point.units[0])
    assert highest.units[0] == pytest.approx(0.897, abs=5e-4)
    assert search.sides(highest.index) == (1,)
    trials = trials_with_best(search, highest.index)
    (wider,) = choosing.settle(whole, GD, trials)
    assert (wider.widenings, wider.space[0].high / search.space[0].high) == (1, pytest.approx(10))
    choice = choosing.settle(whole, GD, trials + trials_with_best(wider, middle(wider)))
    assert (choice.widenings, choice.boundary) == (1, False)


def test_a_range_that_ends_there_has_no_edge():
    """A momentum cannot be below 0; a smaller 1 - momentum is always possible."""
    axis = LogUniform("momentum", 0.05, 1.0, one_minus=True)
    search = Search("mnist_orig", 0, (LogUniform("learning_rate", 1e-4, 1.0), axis), 8)
    units = [point.units[1] for point in search.points]
    assert search.sides(units.index(max(units)))[1] == 0
    assert search.sides(units.index(min(units)))[1] == -1


def test_what_an_entry_fixes_is_not_tuned_and_what_its_rule_inherits_is():
    """SGD stays without momentum, whatever else its class can do; AdamW has the ranges of Adam."""
    whole = study(budget="standard")

    def names(**changes):
        return [axis.name for axis in choosing.searches(whole, dataclasses.replace(GD, **changes))[0].space]

    assert names(optimizer="sgd", hyperparameters={"momentum": 0.0}) == ["learning_rate"]
    assert names(optimizer="adamw") == ["learning_rate", "beta_1"]
