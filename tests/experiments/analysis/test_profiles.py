"""Profiles keep failures in the denominator, jump upwards at the right place, and are not read as rankings."""

import itertools
import math

import numpy as np
import pytest

from experiments.analysis.profiles import (
    data_profile,
    error_rows,
    of_rows,
    pairwise_profiles,
    performance_profile,
    scores,
    without_best,
)
from experiments.analysis.statistics.resampling import generator

INF = math.inf
TWO = {"1": [10, 30, 40, INF], "2": [20, 30, INF, INF]}
# Median epochs to DeepOBS's targets on fmnist_2c2d, cifar10_3c3d and quadratic_deep.
DEEPOBS = {"SGD": [37.5, 41, 55], "Momentum": [50.5, 42.5, 69], "Adam": [43.5, 36, 40]}
FLIP = {"A": [1, 1, 1, 1, 1], "B": [1.9, 1.9, 9, 9, 9], "C": [2.1, 2.1, 3, 3, 3]}


def rng():
    """The random generator of a table."""
    return generator("study", "table")


def random_times(seed, problems=7, solvers="ABC"):
    """Times with ties and failures; the first problem is solved by nobody, the second by all."""
    times = np.random.default_rng(seed).integers(1, 9, size=(len(solvers), problems)).astype(float)
    times[times > 6] = INF
    times[:, 0], times[:, 1] = INF, range(1, len(solvers) + 1)
    return dict(zip(solvers, times, strict=True))


def test_two_solvers_on_four_problems():
    """Known answer: a tie counts for both, and the problem that nobody solves against both."""
    profile = performance_profile(TWO)
    assert profile.at(1) == {"1": 0.75, "2": 0.25}
    assert profile.at(np.nextafter(2, 1))["2"] == 0.25
    assert profile.at(2)["2"] == 0.5
    assert profile.at(1e9) == {"1": 0.75, "2": 0.5}


def test_profile_of_deepobs_epochs():
    """Known answers of the protocol, scores with six decimals."""
    profile = performance_profile(DEEPOBS)
    third = 1 / 3
    assert list(profile.at(1).values()) == pytest.approx([third, 0, 2 * third])
    assert list(profile.at(1.2).values()) == pytest.approx([2 * third, third, 1])
    assert list(profile.at(1.4).values()) == pytest.approx([1, 2 * third, 1])
    assert list(scores(profile).values()) == pytest.approx([0.942901, 0.860864, 0.982222], abs=5e-7)


def test_scores_of_ratios():
    """Ratios (1, 2, inf) make 5/9, 4 makes 0, and 2.5 a half."""
    profile = performance_profile({"ours": [1, 2, INF, 4, 2.5], "best": [1, 1, 1, 1, 1]})
    each = [float(scores(performance_profile({"a": [t], "b": [1]}))["a"]) for t in (1, 2, INF, 4, 2.5)]
    assert each == pytest.approx([1, 2 / 3, 0, 0, 0.5])
    assert np.mean(each[:3]) == pytest.approx(5 / 9)
    assert scores(profile)["ours"] == pytest.approx(np.mean(each))


@pytest.mark.parametrize("seed", range(4))
def test_score_is_a_third_of_the_area_from_1_to_4(seed):
    """By adding up the steps of the curve."""
    profile = performance_profile(random_times(seed))
    for solver, score in scores(profile).items():
        jumps, _ = profile.steps(solver)
        edges = np.unique([1.0, *jumps[jumps < 4], 4.0])
        area = sum(profile.at(low)[solver] * (high - low) for low, high in itertools.pairwise(edges))
        assert score == pytest.approx(area / 3)


@pytest.mark.parametrize("seed", range(4))
def test_profiles_equal_counting(seed):
    """Problem by problem, as the definition says."""
    times = random_times(seed)
    for tau in (1, 1.5, 2, 3, 100):
        for solver, share in performance_profile(times).at(tau).items():
            solved = [
                t[solver] < INF and t[solver] <= tau * min(t.values())
                for t in (dict(zip(times, row, strict=True)) for row in zip(*times.values(), strict=True))
            ]
            assert share == pytest.approx(np.mean(solved))


def test_unit_and_order_of_problems_do_not_matter():
    """Ratios have no unit."""
    times = random_times(5)
    order = [3, 1, 6, 0, 5, 2, 4]
    one = performance_profile(times)
    other = performance_profile({solver: 0.25 * row[order] for solver, row in times.items()})
    assert all(one.at(tau) == other.at(tau) for tau in (1, 1.5, 2, 4))
    assert scores(one) == pytest.approx(scores(other))


def test_one_changed_ratio_moves_a_profile_by_one_problem():
    """Changing one of n times of a solver that is not the best moves its curve by 1/n at most."""
    times = {"best": np.ones(5), "other": np.array([2.0, 3, 4, 5, 6])}
    before = performance_profile(times)
    times["other"][1] = INF
    after = performance_profile(times)
    moved = [abs(before.at(tau)["other"] - after.at(tau)["other"]) for tau in np.linspace(1, 7, 61)]
    assert max(moved) == pytest.approx(1 / 5)


def test_steps_are_where_the_curve_jumps_and_the_upper_values():
    """Two equal ratios are one jump; a solver that fails everywhere has none."""
    profile = performance_profile({"A": [1, 2, 4, INF], "B": [1, 1, 2, INF], "C": [INF] * 4})
    jumps, shares = profile.steps("A")
    assert (jumps.tolist(), shares.tolist()) == ([1, 2], [0.25, 0.75])
    assert all(profile.at(x)["A"] == y for x, y in zip(jumps, shares, strict=True))
    assert [part.tolist() for part in profile.steps("C")] == [[], []]


def test_the_axis_ends_beyond_the_last_finite_ratio():
    """At 4 at least; failures never draw it out, nor are they drawn as wins when all finite ratios tie."""
    assert performance_profile(TWO).end == 4
    assert performance_profile({"A": [1, 1], "B": [10, INF]}).end == pytest.approx(11)
    assert performance_profile({"A": [INF], "B": [INF]}).end == 4
    tied = performance_profile({"A": [1, 1], "B": [1, INF]})
    assert tied.at(tied.end) == {"A": 1, "B": 0.5}


def test_three_solvers_turn_the_order_of_two_round():
    """The flaw that Gould and Scott describe: beside A, B looks better than C at twice the best; alone, C does."""
    assert performance_profile(FLIP).at(2) == {"A": 1, "B": 0.4, "C": 0}
    alone = pairwise_profiles(FLIP)["B", "C"]
    assert alone.at(2) == {"B": 0.4, "C": 1}
    assert alone.at(1) == {"B": 0.4, "C": 0.6}


def test_pairwise_profiles_know_no_third_solver():
    """Each pair has the profile it would have if nobody else had run."""
    times = random_times(6, solvers="ABCD")
    found = pairwise_profiles(times)
    assert list(found) == list(itertools.combinations("ABCD", 2))
    for (a, b), profile in found.items():
        alone = performance_profile({a: times[a], b: times[b]})
        assert profile.at(1.5) == alone.at(1.5)
        assert set(profile.costs) == {a, b}


def test_the_profile_without_the_best_shows_who_is_next():
    """Drawn beside the one of all."""
    best, rest = without_best(FLIP)
    assert best == ["A"]
    assert rest.at(2) == {"B": 0.4, "C": 1}


def test_data_profile_counts_what_it_is_given():
    """Gradient evaluations, which the axis has to say."""
    assert data_profile({"A": [0, 12, INF]}).at(11.9)["A"] == pytest.approx(1 / 3)


@pytest.mark.parametrize("profile", [performance_profile, pairwise_profiles, without_best])
@pytest.mark.parametrize(
    ("times", "words"), [({"A": [1, 2], "B": [1, math.nan]}, "NaN"), ({"A": [1, 2], "B": [1]}, "inhomogeneous")]
)
def test_times_that_are_none_are_refused(profile, times, words):
    """A failure is infinite; nothing else stands for one."""
    with pytest.raises(ValueError, match=words):
        profile(times)


def test_data_profiles_do_not_change_when_a_solver_leaves():
    """They do not refer to the best; the flip of performance profiles cannot happen."""
    whole, without = data_profile(FLIP), data_profile({k: FLIP[k] for k in "BC"})
    assert all(whole.at(budget)[k] == without.at(budget)[k] for k in "BC" for budget in (1, 2, 2.5, 5, 10))


ERRORS = {
    "digits": {"Adam": 0.03, "SGD": 0.04, "GD": 0.30},
    "brains": {"Adam": 0.15, "SGD": 0.12, "GD": 0.24, "Lion": 0.2, "Muon": 0.1},
    "spam": {"Adam": 0.01, "SGD": 0.02, "GD": INF},
    "shirts": {"Adam": 0.2, "Lion": 0.1, "Muon": 0.1},
    "cars": {"Adam": 0.3, "Lion": 0.6, "Muon": 0.3},
    "toy": {"Adam": 0.0, "Lion": 0.1, "Muon": 0.2},
}


def test_errors_are_compared_where_all_met_the_same_problems():
    """Known answers; a problem without errors has no ratios, and one that failed stays in the denominator."""
    first, second = of_rows(error_rows(ERRORS)).items()
    assert first[0] == "3 optimizers on 3 problems: digits, brains, spam"
    assert {k: list(v) for k, v in first[1].costs.items()} == {
        "Adam": pytest.approx([1, 1.25, 1]), "SGD": pytest.approx([4 / 3, 1, 2]), "GD": pytest.approx([10, 2, INF]),
    }  # fmt: skip
    assert second[0] == "3 optimizers on 3 problems: brains, shirts, cars"
    assert {k: list(v) for k, v in second[1].costs.items()} == {
        "Adam": pytest.approx([1.5, 2, 1]), "Lion": pytest.approx([2, 1, 2]), "Muon": pytest.approx([1, 1, 1]),
    }  # fmt: skip


def test_two_problems_or_two_optimizers_make_no_profile():
    """All of Adam's problems are no panel: nobody else met them."""
    assert error_rows({name: ERRORS[name] for name in ("digits", "brains")}) == []
    assert error_rows({name: {"Adam": 0.1, "GD": 0.2} for name in ERRORS}) == []
