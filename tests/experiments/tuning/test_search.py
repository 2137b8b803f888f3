"""Searches try equally many points in spaces of one rule, and widen them by another."""

import pytest

from experiments.errors import UserError
from experiments.studies.budgets import BUDGETS, budget_named
from experiments.tuning import search
from experiments.tuning.search import LogUniform, Search, space

ADAM = ("beta_1", "beta_2", "epsilon")


def at(unit, axis, widenings=0):
    """Returns a search of one axis and the index of its point nearest to a place on it."""
    of_one = Search("mnist_mlp", 0, (axis,), 100, widenings)
    return of_one, min(range(100), key=lambda i: abs(of_one.points[i].units[0] - unit))


def test_spaces_map_places_to_values():
    """Ends, middles and both forms of a scale."""
    rate, decay = LogUniform("learning_rate", 1e-5, 1e-1), LogUniform("beta_1", 0.005, 0.3, one_minus=True)
    assert [rate.value(unit) for unit in (0, 0.25, 0.5, 1)] == [1e-5, 1e-4, 1e-3, 1e-1]
    assert [decay.value(unit) for unit in (0, 1)] == [0.995, 0.7]


def test_values_have_six_digits():
    """The last bit of a machine's power function is no part of a run's identity."""
    trial = Search("beale", 0, (LogUniform("a", 1e-9, 1e9), LogUniform("b", 1e-3, 1)), 1).points[0]
    for value in trial.values.values():
        assert value == float(f"{value:.6g}")


@pytest.mark.parametrize(
    ("trials", "expected"),
    [
        (8, []),
        (10, ["beta_1"]),
        (24, ["beta_1"]),
        (25, ["beta_1", "epsilon"]),
        (50, ["beta_1", "epsilon", "beta_2"]),
    ],
)
def test_more_trials_tune_more(trials, expected):
    """One order for all optimizers."""
    assert [axis.name for axis in space(1e-3, ADAM, trials=trials)] == ["learning_rate", *expected]


def test_spaces_are_the_declared_ones():
    """Four decades around the default rate, and the ranges of the rule; knobs that it does not name are not tuned."""
    assert space(0.01, ["momentum", "nesterov"], trials=50) == (
        LogUniform("learning_rate", 1e-4, 1.0),
        LogUniform("momentum", 0.005, 0.3, one_minus=True),
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


def test_after_six_widenings_nothing_is_widened_any_more():
    """The best is then still at an edge, which every table tells."""
    last, best = at(0.97, LogUniform("learning_rate", 1e-5, 1e-1))
    for _ in range(6):
        last = last.widened(best)
    assert last.space == (LogUniform("learning_rate", 1e-5, 1e5),)
    assert last.sides(best) == (1,)
    assert last.widened(best) is None


def test_one_widening_serves_all_axes_at_their_edges():
    """Ranges of 1 - β end at 1; an axis whose best is inside stays."""
    axes = (LogUniform("beta_1", 0.2, 0.3, one_minus=True), LogUniform("epsilon", 1e-10, 1.0))
    tried = Search("beale", 0, (LogUniform("learning_rate", 1e-5, 1e-1), *axes), 4_000)
    best = next(t.index for t in tried.points if t.units[0] < 0.1 and t.units[1] > 0.9 and 0.4 < t.units[2] < 0.6)
    assert tried.sides(best) == (-1, 1, 0)
    rate, decay, *rest = tried.widened(best).space
    assert (rate.low, rate.high) == (1e-6, 1e-1)
    assert (decay.low, decay.high) == (0.2, 1.0)
    assert tuple(rest) == axes[1:]


def test_budgets_are_those_of_the_protocol():
    """K, S and rounds; few points are tried at two seeds; 12 optimizers on 6 problems are 2,160 standard runs."""
    assert {name: (t.trials, t.seeds, t.rounds) for name, t in BUDGETS.items()} == {
        "smoke": (3, 2, 1),
        "laptop": (8, 5, 1),
        "standard": (20, 10, 1),
        "paper": (50, 20, 3),
    }
    assert [t.tuning_seeds for t in BUDGETS.values()] == [2, 2, 1, 1]
    assert [t.trials * t.tuning_seeds * t.rounds for t in BUDGETS.values()] == [6, 16, 20, 150]
    assert [t.claims for t in BUDGETS.values()] == [False, False, True, True]
    assert 12 * 6 * (20 + BUDGETS["standard"].seeds) == 2_160


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
    assert search.unequal({}) == []


def test_an_unknown_budget_is_refused_with_the_nearest():
    """And with all that there are."""
    with pytest.raises(
        UserError, match=r"^Unknown budget 'labtop': did you mean 'laptop'\? Known: smoke, laptop, stand"
    ):
        budget_named("labtop")
    assert budget_named("paper").trials == 50
