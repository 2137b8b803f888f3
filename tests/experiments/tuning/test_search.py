"""Searches try equally many points in spaces of one rule, widen them by another, and refuse what they cannot do."""

import doctest
import importlib
import math

import pytest

from experiments.errors import UserError
from experiments.tuning import search
from experiments.tuning.search import Choice, LogUniform, Search, Uniform, space

ADAM = ("beta_1", "beta_2", "epsilon")


def at(unit, axis, widenings=0):
    """Returns a search of one axis and the index of its point nearest to a place on it."""
    of_one = Search("mnist_mlp", 0, (axis,), 100, widenings)
    return of_one, min(range(100), key=lambda i: abs(of_one.points[i].units[0] - unit))


def test_spaces_map_places_to_values():
    """Ends, middles and both forms of a scale; a choice has equal parts."""
    rate, decay = LogUniform("learning_rate", 1e-5, 1e-1), LogUniform("beta_1", 0.005, 0.3, one_minus=True)
    assert [rate.value(unit) for unit in (0, 0.25, 0.5, 1)] == [1e-5, 1e-4, 1e-3, 1e-1]
    assert [decay.value(unit) for unit in (0, 1)] == [0.995, 0.7]
    assert [Uniform("dropout", -1, 3).value(unit) for unit in (0, 0.25, 1)] == [-1, 0, 3]
    last = 1 - 2**-53
    assert [Choice("norm", ("a", "b", "c")).value(unit) for unit in (0, 0.34, 0.66, last)] == ["a", "b", "b", "c"]


def test_values_have_six_digits():
    """The last bit of a machine's power function is no part of a run's identity."""
    trial = Search("beale", 0, (LogUniform("a", 1e-9, 1e9), Uniform("b", 0, 1)), 1).points[0]
    for value in trial.values.values():
        assert value == float(f"{value:.6g}")


@pytest.mark.parametrize(
    ("trials", "decay", "expected"),
    [
        (8, True, []),
        (10, True, ["beta_1"]),
        (24, False, ["beta_1"]),
        (25, False, ["beta_1", "epsilon"]),
        (25, True, ["beta_1", "weight_decay"]),
        (50, False, ["beta_1", "epsilon", "beta_2"]),
        (50, True, ["beta_1", "weight_decay", "beta_2"]),
    ],
)
def test_more_trials_tune_more(trials, decay, expected):
    """One order for all optimizers; weight decay, where the problem allows it, takes the place of epsilon."""
    assert [axis.name for axis in space(1e-3, ADAM, trials=trials, decay=decay)] == ["learning_rate", *expected]


def test_spaces_are_the_declared_ones():
    """Four decades around the default rate, and the ranges of the rule; knobs that it does not name are not tuned."""
    assert space(0.01, ["momentum", "nesterov"], trials=50, decay=True) == (
        LogUniform("learning_rate", 1e-4, 1.0),
        LogUniform("momentum", 0.005, 0.3, one_minus=True),
        LogUniform("weight_decay", 1e-6, 1e-1),
    )
    assert space(0.01, ADAM, trials=50)[2:] == (
        LogUniform("epsilon", 1e-10, 1.0),
        LogUniform("beta_2", 1e-4, 0.2, one_minus=True),
    )


def test_the_outer_tenth_of_a_scale_is_its_edge():
    """Below 0.1 and above 0.9, not at them; a range of 1 - β that ends at β = 0 does not go on there."""
    rate = LogUniform("learning_rate", 1e-5, 1e-1)
    assert [rate.side(unit) for unit in (0.0999, 0.1, 0.5, 0.9, 0.9001)] == [-1, 0, 0, 0, 1]
    decay = LogUniform("beta_1", 0.05, 1.0, one_minus=True)
    assert [decay.side(unit) for unit in (0.05, 0.95)] == [-1, 0]


def test_a_best_trial_at_the_edge_widens_that_side_by_a_decade():
    """All points are tried again, at the same places; the other side stays."""
    for unit, expected in ((0.03, (1e-6, 1e-1)), (0.97, (1e-5, 1.0))):
        first, best = at(unit, LogUniform("learning_rate", 1e-5, 1e-1))
        then = first.widened(best)
        assert (then.space[0].low, then.space[0].high) == expected
        assert [trial.units for trial in then.points] == [trial.units for trial in first.points]


def test_a_best_trial_inside_settles_the_search():
    """Nothing is widened."""
    first, best = at(0.5, LogUniform("learning_rate", 1e-5, 1e-1))
    assert first.widened(best) is None
    assert first.sides(best) == (0,)


def test_after_two_widenings_nothing_is_widened_any_more():
    """The best is then still at an edge, which every table tells."""
    scale = LogUniform("learning_rate", 1e-5, 1e-1)
    first, best = at(0.97, scale)
    second = first.widened(best)
    third = second.widened(best)
    assert third.space == (LogUniform("learning_rate", 1e-5, 10.0),)
    assert third.sides(best) == (1,)
    assert third.widened(best) is None


def test_one_widening_serves_all_axes_at_their_edges():
    """Ranges of 1 - β end at 1; choices and plain ranges have no decade to add."""
    axes = (LogUniform("beta_1", 0.2, 0.3, one_minus=True), Uniform("dropout", 0, 0.5), Choice("norm", (1, 2)))
    tried = Search("beale", 0, (LogUniform("learning_rate", 1e-5, 1e-1), *axes), 4_000)
    best = next(t.index for t in tried.points if t.units[0] < 0.1 and t.units[1] > 0.9 and t.units[2] > 0.9)
    assert tried.sides(best) == (-1, 1, 0, 0)
    rate, decay, *rest = tried.widened(best).space
    assert (rate.low, rate.high) == (1e-6, 1e-1)
    assert (decay.low, decay.high) == (0.2, 1.0)
    assert tuple(rest) == axes[1:]


def test_tiers_are_those_of_the_protocol():
    """K, S and rounds; few points are tried at two seeds; 12 optimizers on 6 problems are 2,160 standard runs."""
    tiers = search.TIERS
    assert {name: (t.trials, t.seeds, t.rounds) for name, t in tiers.items()} == {
        "smoke": (3, 2, 1),
        "laptop": (8, 5, 1),
        "standard": (20, 10, 1),
        "paper": (50, 20, 3),
    }
    assert [t.tuning_seeds for t in tiers.values()] == [2, 2, 1, 1]
    assert [t.tuning_runs for t in tiers.values()] == [6, 16, 20, 150]
    assert [t.claims for t in tiers.values()] == [False, False, True, True]
    assert 12 * 6 * (tiers["standard"].tuning_runs + tiers["standard"].seeds) == 2_160


def test_unequal_searches_are_told():
    """Each difference a sentence; different numbers of hyperparameters are none."""
    adam, sgd = Search("beale", 0, space(1e-3, ADAM, trials=20), 20), Search("beale", 0, space(0.1, [], trials=20), 20)
    assert search.unequal({"Adam": adam, "SGD": sgd}) == []
    narrow = Search("branin", 1, (LogUniform("learning_rate", 1e-2, 1.0),), 8)
    assert search.unequal({"Adam": adam, "Narrow": narrow}) == [
        "Adam and Narrow must have the same problem, got 'beale' and 'branin'.",
        "Adam and Narrow must have the same round, got 0 and 1.",
        "Adam and Narrow must have the same number of trials, got 20 and 8.",
        "Adam and Narrow must have the same decades of learning rate, got 4.0 and 2.0.",
    ]
    rateless = Search("beale", 0, (Choice("norm", (1, 2)),), 20)
    assert search.unequal({"SGD": sgd, "Rateless": rateless}) == [
        "SGD and Rateless must have the same decades of learning rate, got 4.0 and None."
    ]
    assert search.unequal({}) == []


REFUSED = {
    "no trials": (
        lambda: Search("beale", 0, space(1, [], trials=1), 0),
        r"^trials must be a whole number from 1, got 0",
    ),
    "half a trial": (lambda: Search("beale", 0, space(1, [], trials=1), 1.5), r"^trials must be .*, got 1\.5\.$"),
    "a round before the first": (lambda: Search("beale", -1, space(1, [], trials=1), 1), r"^round must be .*got -1\.$"),
    "no axes": (lambda: Search("beale", 0, (), 1), r"^space must have 1 to 6 axes, each of another name, got \[\]\.$"),
    "an axis twice": (lambda: Search("beale", 0, (Choice("a", (1, 2)),) * 2, 1), r"got \['a', 'a'\]\.$"),
    "an empty range": (lambda: Uniform("a", 1, 1), r"^The range of a must be finite and ascend, got 1 to 1\.$"),
    "an endless range": (lambda: LogUniform("a", 1, math.inf), r"^The range of a must be finite and ascend"),
    "a range with NaN": (lambda: Uniform("a", math.nan, 1), r"^The range of a must be finite and ascend, got nan to 1"),
    "a scale from 0": (lambda: LogUniform("a", 0, 1), r"^The range of a must lie above 0 to have a logarithm, got 0"),
    "words": (lambda: LogUniform("a", "1", 2), r"^The range of a must be a number, got '1'\.$"),
    "1 minus more than 1": (lambda: LogUniform("b", 0.1, 2, one_minus=True), r"^The range of 1 - b must end at 1 or"),
    "one option": (lambda: Choice("a", (1,)), r"^a must have at least 2 options, all different, got \(1,\)\.$"),
    "an option twice": (lambda: Choice("a", (1, 1)), r"^a must have at least 2 options, all different"),
    "no default rate": (lambda: space(0, [], trials=1), r"^learning_rate must be a finite number above 0, got 0\.$"),
    "a rate that is true": (lambda: space(True, [], trials=1), r"^learning_rate must be a number, got True\.$"),
    "a seventh axis": (lambda: search.halton("a", 0, 6, 0), r"^axis must be a whole number from 0 to 5, got 6\.$"),
    "a point before the first": (lambda: search.halton("a", 0, 0, -1), r"^index must be a whole number from 0, got -1"),
    "a best trial that is none": (
        lambda: Search("beale", 0, space(1, [], trials=1), 3).widened(3),
        r"^best must be the index of a trial, 0 to 2, got 3\.$",
    ),
    "a widened search": (
        lambda: search.unequal({"A": Search("beale", 0, space(1, [], trials=1), 1, widenings=1)}),
        r"^searches must be those before any widening, got A after a widening\.$",
    ),
}


@pytest.mark.parametrize(("make", "words"), REFUSED.values(), ids=REFUSED)
def test_bad_input_is_refused_in_one_sentence(make, words):
    """At the earliest moment, with the argument, the value received and what is allowed."""
    with pytest.raises(ValueError, match=words):
        make()


def test_what_is_no_tier_is_refused_with_the_nearest():
    """And with all that there are."""
    with pytest.raises(UserError, match=r"^Unknown tier 'labtop': did you mean 'laptop'\? Known: smoke, laptop, stand"):
        search.tier("labtop")
    assert search.tier("paper").trials == 50


@pytest.mark.parametrize("module", ["experiments.tuning.search"])
def test_examples_in_the_docstrings_are_true(module):
    """They run, and there is at least one."""
    outcome = doctest.testmod(importlib.import_module(module))
    assert outcome.failed == 0
    assert outcome.attempted > 0
