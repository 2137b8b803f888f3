"""A tie is the default; "better" needs interval, corrected test and P(A > B) to agree."""

import dataclasses
import itertools
import math

import numpy as np
import pytest

from experiments.analysis.statistics.comparing import compare
from experiments.analysis.statistics.significance import holm, sign_flip
from experiments.analysis.statistics.summaries import Interval
from experiments.analysis.statistics.verdicts import Comparison, headline, tie_group
from tests.experiments.deepobs import LOSSES, by_seed, rng, table, told


def test_a_winner_is_better_the_loser_worse_whichever_comes_first_and_whatever_the_sign():
    """A score and its negative as a loss tell the same."""
    a, b = by_seed(LOSSES["Momentum"]), by_seed(LOSSES["Adam"])
    (swapped,) = compare({"Adam": b, "Momentum": a}, rng(), higher_is_better=False)
    assert (swapped.verdict, swapped.superiority) == ("worse", 0.0)
    assert swapped.words().startswith("Adam is worse than Momentum over 10 seeds (mean difference 0.0669")
    (scores,) = compare(
        {"Momentum": {k: -v for k, v in a.items()}, "Adam": {k: -v for k, v in b.items()}}, rng(), higher_is_better=True
    )
    assert scores.verdict == "better"
    assert scores.expanded == pytest.approx(swapped.expanded, abs=1e-12)


def test_the_same_optimizer_under_two_names_is_a_tie():
    """The control of the protocol: p = 1, P = 0.5, an interval of no width, and no division by 0."""
    runs = by_seed(np.random.default_rng(1).normal(0.9, 0.01, 6))
    (row,) = compare({"adam": runs, "also adam": dict(runs)}, rng(), higher_is_better=True)
    assert (row.p, row.exact_p, row.corrected_p, row.superiority, row.verdict) == (1.0, 1.0, 1.0, 0.5, "≈")
    assert row.percentile == row.expanded == (0.0, 0.0)


def test_an_optimizer_that_hardly_moves_loses():
    """The other control: six seeds, one comparison, confirmed by the exact test."""
    noise = np.random.default_rng(2)
    runs = {"sgd": by_seed(noise.normal(0.92, 0.01, 6)), "sgd / 100": by_seed(noise.normal(0.55, 0.03, 6))}
    (row,) = compare(runs, rng(), higher_is_better=True)
    assert (row.verdict, row.exact_p, row.mark) == ("better", 2**-5, "")


def test_five_seeds_carry_a_dagger():
    """The smallest exact p of five seeds is 0.0625."""
    runs = {"A": by_seed([0.9, 0.91, 0.9, 0.92, 0.91]), "B": by_seed([0.5, 0.52, 0.51, 0.5, 0.53])}
    (row,) = compare(runs, rng(), higher_is_better=True)
    assert (row.verdict, row.mark, row.exact_p) == ("better", "†", 0.0625)
    assert row.words().endswith("; † not confirmed by the exact test).")
    assert headline({"A": 0.908, "B": 0.512}, [row], higher_is_better=True) == "A is better than all others†."


PROTOCOL = [(1, 2, 6), (3, 3, 7), (6, 4, 8), (12, 5, 9), (25, 7, 10)]


@pytest.mark.parametrize(("confirmed", "optimizers", "seeds"), PROTOCOL)
def test_the_exact_test_confirms_as_many_comparisons_as_the_protocol_says(confirmed, optimizers, seeds):
    """Where the signs of all seeds agree, in each of them; of one comparison more, all have a dagger."""

    def marks(comparisons):
        corrected = holm([sign_flip(np.ones(seeds))] * comparisons)
        return {WIN.judged(0.01, exact, higher_is_better=True).mark for exact in corrected}

    assert marks(confirmed) == {""}
    assert marks(confirmed + 1) == {"†"}
    assert math.comb(optimizers, 2) <= confirmed < math.comb(optimizers + 1, 2)


@pytest.mark.parametrize(("confirmed", "optimizers", "seeds"), PROTOCOL)
def test_a_table_has_no_dagger_until_its_pairs_are_more_than_that(confirmed, optimizers, seeds):
    """Optimizers that are a whole apart with noise of a hundredth: every pair is won with every seed."""
    noise = np.random.default_rng(3).normal(0, 0.01, (optimizers + 1, seeds))

    def marks(count):
        rows = compare({f"A{i}": by_seed(noise[i] - i) for i in range(count)}, rng(), higher_is_better=True)
        assert (len(rows), {row.verdict for row in rows}) == (math.comb(count, 2), {"better"})
        return {row.mark for row in rows}

    assert marks(optimizers) == {""}
    assert marks(optimizers + 1) == {"†"}


WIN = Comparison("A", "B", 10, expanded=Interval(0.1, 0.2), superiority=0.9)


@pytest.mark.parametrize(
    ("change", "p", "verdict"),
    [
        ({}, 0.049, "better"),
        ({}, 0.05, "unclear"),
        ({}, math.nan, "≈"),
        ({"expanded": Interval(0.0, 0.2)}, 0.01, "≈"),
        ({"expanded": Interval(-math.inf, math.inf)}, 0.01, "≈"),
        ({"expanded": Interval(math.nan, math.nan)}, 0.01, "≈"),
        ({"superiority": 0.75}, 0.01, "better"),
        ({"superiority": 0.74}, 0.01, "≈"),
        ({"expanded": Interval(-0.2, -0.1), "superiority": 0.25}, 0.01, "worse"),
        ({"expanded": Interval(-0.2, -0.1), "superiority": 0.26}, 0.01, "≈"),
        ({"expanded": Interval(-0.2, -0.1), "superiority": 0.9}, 0.01, "≈"),
        ({"superiority": 0.1}, 0.01, "≈"),
    ],
)
def test_better_needs_three_witnesses(change, p, verdict):
    """One that is missing, or points the other way, makes a tie."""
    row = dataclasses.replace(WIN, **change)
    assert row.judged(p, 0.01, higher_is_better=True).verdict == verdict
    opposite = {"better": "worse", "worse": "better"}.get(verdict, verdict)
    mirrored = dataclasses.replace(row, superiority=1 - row.superiority)
    assert mirrored.judged(p, 0.01, higher_is_better=False).verdict == opposite


def test_words_of_a_tie_tell_the_numbers_that_it_rests_on():
    """Difference, interval, P and p, in one sentence."""
    row = told(table("F-MNIST"), "Adam", "SGD")
    assert row.words() == (
        "Adam ≈ SGD: 10 seeds do not tell them apart (mean difference 0.000691, 95 % interval "
        f"{row.expanded.low:.3g} to {row.expanded.high:.3g}, P(Adam better) = 0.60, corrected p = 0.52)."
    )


@pytest.mark.parametrize(
    ("a", "b", "missing"),
    [
        ({1: 0.1, 2: 0.2, 3: 0.3}, {1: 0.1, 3: 0.3}, "B has no run of seed 2"),
        ({1: 0.1, 2: 0.2, 3: 0.3}, {4: 0.1, 2: 0.2, 5: 0.3}, "A has no run of seed 4, 5"),
        ({1: 0.1, 2: 0.2}, {1: 0.2, 2: 0.3}, "2 seeds are fewer than 3"),
        ({}, {}, "0 seeds are fewer than 3"),
    ],
)
def test_missing_runs_and_too_few_seeds_have_no_verdict(a, b, missing):
    """Never a mean over those runs there happen to be."""
    (row,) = compare({"A": a, "B": b}, rng(), higher_is_better=True)
    assert (row.verdict, row.mark) == ("n/a", "")
    assert math.isnan(row.difference)
    assert row.words() == f"A and B cannot be compared: {missing}."


def test_a_missing_run_spoils_its_own_pairs_only():
    """The others are compared, and corrected for their own number."""
    runs = {label: by_seed(values) for label, values in {**LOSSES, "C": LOSSES["Adam"]}.items()}
    del runs["C"][45]
    rows = compare(runs, rng(), higher_is_better=False)
    assert [row.verdict for row in rows] == ["better", "n/a", "n/a"]
    assert rows[0].corrected_p == rows[0].p
    group = {"Momentum": 87.0, "Adam": 87.1, "C": 87.1}
    assert tie_group(group, rows, higher_is_better=False) == ["Momentum", "C"]
    assert headline(group, rows, higher_is_better=False) == (
        "Momentum is better than the others it is compared with. Momentum cannot be compared with C."
    )


def test_diverged_runs_count_as_the_worst():
    """All of A's diverged, none of B's: six seeds are enough to tell, five are not."""
    good = [0.9, 0.91, 0.92, 0.93, 0.94, 0.95]
    for seeds, verdict in ((6, "worse"), (5, "≈")):
        runs = {"A": by_seed([-math.inf] * seeds), "B": by_seed(good[:seeds])}
        (row,) = compare(runs, rng(), higher_is_better=True)
        assert (row.verdict, row.test, row.diverged, row.superiority) == (verdict, "signed ranks", (seeds, 0), 0.0)
        assert f"(diverged: {seeds} of A and 0 of B, P(A better) = 0.00" in row.words()


def test_one_diverged_run_of_ten_takes_a_win_away():
    """Without it, A wins; with it, its mean is as bad as can be."""
    runs = {label: by_seed(values) for label, values in LOSSES.items()}
    runs["Momentum"][42] = math.inf
    (row,) = compare(runs, rng(), higher_is_better=False)
    assert (row.verdict, row.difference) == ("≈", math.inf)


def test_the_order_of_seeds_and_of_other_optimizers_does_not_matter():
    """A pair has the same numbers in any table; only the correction knows the others."""
    runs = table("F-MNIST")
    shuffled = {label: dict(reversed(runs[label].items())) for label in ("Adam", "SGD")}
    one, other = told(shuffled, "Adam", "SGD"), told(runs, "Adam", "SGD")
    assert one == other
    among = compare({"Adam": runs["Adam"], **runs}, rng(), higher_is_better=True)
    (same,) = (row for row in among if (row.first, row.second) == ("Adam", "SGD"))
    assert (same.expanded, same.p, same.superiority) == (one.expanded, one.p, one.superiority)


def test_all_pairs_are_compared():
    """Each once, in the order of the table."""
    runs = table("F-MNIST")
    assert [(row.first, row.second) for row in compare(runs, rng(), higher_is_better=True)] == list(
        itertools.combinations(runs, 2)
    )


def test_seventeen_seeds_and_more_are_compared_too():
    """Signs are drawn then, and the study's generator makes them the same each time."""
    noise = np.random.default_rng(4)
    runs = {"A": by_seed(noise.normal(0.9, 0.01, 20)), "B": by_seed(noise.normal(0.88, 0.01, 20))}
    (row,), (again,) = (compare(runs, rng(), higher_is_better=True) for _ in range(2))
    assert row == again
    assert (row.verdict, row.mark) == ("better", "")


def test_a_single_optimizer_is_compared_with_nothing():
    """No comparison, and no winner."""
    runs = {"A": by_seed([1.0, 2.0, 3.0])}
    assert compare(runs, rng(), higher_is_better=True) == []
    assert tie_group({"A": 2.0}, [], higher_is_better=True) == ["A"]
    assert headline({"A": 2.0}, [], higher_is_better=True) == "A ran alone: there is nothing to compare it with."


def test_the_best_that_can_be_compared_with_nobody_is_not_called_the_best():
    """The headline says what is missing, and no more."""
    rows = compare({"A": {1: 0.5}, "B": {1: 0.4}}, rng(), higher_is_better=True)
    assert headline({"A": 0.5, "B": 0.4}, rows, higher_is_better=True) == "A cannot be compared with B."


def test_tables_of_equal_optimizers_seldom_claim_anything():
    """The chance of any claim among three pairs is at most 0.05; in 200 tables that is 10, and 3 deviations more 20."""
    noise, claims = np.random.default_rng(5), 0
    for _ in range(200):
        runs = {label: by_seed(noise.normal(size=10)) for label in "ABC"}
        claims += any(row.verdict != "≈" for row in compare(runs, rng(), higher_is_better=True))
    assert 0 < claims < 20


def test_large_differences_are_found():
    """Two standard deviations at ten seeds: the rule can say more than "tie"."""
    noise, found = np.random.default_rng(6), 0
    for _ in range(50):
        runs = {"A": by_seed(noise.normal(2, 1, 10)), "B": by_seed(noise.normal(0, 1, 10))}
        found += told(runs, "A", "B").verdict == "better"
    # The power of the paired t test is 0.98 here.
    assert found > 40


def test_a_comparison_turned_round_says_the_same():
    """What B is against A follows from what A is against B, but for draws of other seeds' order."""
    a, b = by_seed(LOSSES["Momentum"]), by_seed(LOSSES["Adam"])
    (row,) = compare({"Momentum": a, "Adam": b}, rng(), higher_is_better=False)
    (swapped,) = compare({"Adam": b, "Momentum": a}, rng(), higher_is_better=False)
    assert row.reversed().reversed() == row
    for field in ("first", "second", "verdict", "p", "exact_p", "superiority", "mark"):
        assert getattr(row.reversed(), field) == getattr(swapped, field)
    # Rounding of sums: the same draws of seeds, the other sign.
    assert row.reversed().expanded == pytest.approx(swapped.expanded, abs=1e-12)
    assert row.reversed().difference == pytest.approx(swapped.difference, abs=1e-12)
