"""What breaks no rule and should be known of a choice: that its best is the outermost value tried (rule B7)."""

import dataclasses

import pytest

from experiments.studies import Tuning
from experiments.tuning import choosing
from experiments.tuning.search import LogUniform, Search
from tests.experiments.small import middle, study
from tests.experiments.tuning.test_selection import GD, edge, trials_with_best


def outermost(edges="tenth"):
    """Eight points, none of which lies above .897 of the range, and trials whose best is the one there."""
    whole = study(task="mnist_orig", budget="laptop", tuning=Tuning((1000,), edges=edges))
    search = choosing.searches(whole, GD)[0]
    highest = max(search.points, key=lambda point: point.units[0])
    return whole, search, highest, trials_with_best(search, highest.index)


def test_a_best_that_is_the_outermost_tried_is_told_where_it_is_no_edge():
    """The eight points of mnist_orig end at .897 of the range, short of the outer tenth that rule B7 speaks of."""
    whole, _, highest, trials = outermost()
    assert highest.units[0] == pytest.approx(0.897, abs=5e-4)
    choices = {"GD": choosing.settle(whole, GD, trials)}
    assert (choices["GD"].widenings, choices["GD"].boundary) == (0, False)
    (said,) = choosing.remarks(whole, choices, trials)
    assert said.startswith("The best of GD has the highest learning rate that was tried, 0.385992: the outer tenth")


def test_the_outermost_value_tried_is_an_edge_and_widens_the_search():
    """Until the best lies inside, and the value is not remarked on."""
    whole, search, highest, trials = outermost("outermost")
    assert search.sides(highest.index) == (1,)
    (wider,) = choosing.settle(whole, GD, trials)
    assert (wider.widenings, wider.space[0].high / search.space[0].high) == (1, pytest.approx(10))
    trials += trials_with_best(wider, middle(wider))
    choice = choosing.settle(whole, GD, trials)
    assert (choice.widenings, choice.boundary) == (1, False)
    assert choosing.remarks(whole, {"GD": choice}, trials) == []


def test_a_range_that_ends_there_has_no_edge():
    """A momentum cannot be below 0; a smaller 1 - momentum is always possible."""
    axis = LogUniform("momentum", 0.05, 1.0, one_minus=True)
    search = Search("mnist_orig", 0, (LogUniform("learning_rate", 1e-4, 1.0), axis), 8, outermost=True)
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
    old = study(budget="standard", tuning=Tuning((1000,), edges="tenth"))
    assert [axis.name for axis in choosing.searches(old, dataclasses.replace(GD, optimizer="adamw"))[0].space] == [
        "learning_rate"
    ]


def test_a_best_with_others_on_both_sides_is_not_remarked_on():
    """Nor one at an edge, which is a rule's matter, nor one of which there are no trials."""
    whole, search, _, _ = outermost()
    for index in (middle(search), edge(search)):
        trials = trials_with_best(search, index)
        values = search.points[index].values
        choice = choosing.Choice(values, (1e-4, 1.0), 0, index == edge(search), 0.9, (8, 8))
        assert choosing.remarks(whole, {"GD": choice}, trials) == []
        assert choosing.remarks(whole, {"GD": choice}, []) == []
