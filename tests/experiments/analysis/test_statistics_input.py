"""What cannot be summed up or compared is refused in one sentence that names argument, value and way out."""

import math
import re

import numpy as np
import pytest

from experiments.analysis import statistics as st

NAN, INF = math.nan, math.inf
RNG = st.generator("study", "table")
SEEDS = {"A": {1: 0.1, 2: 0.2, 3: 0.3}, "B": {1: 0.1, 2: 0.2, 3: 0.4}}


def compare(table, **how):
    """Compares scores, greater being better, unless told otherwise."""
    return st.compare(table, RNG, **{"higher_is_better": True, **how})


def met(steps, values, target=0.5):
    """Time to a target, greater being better."""
    return st.time_to_target(steps, values, target, higher_is_better=True)


CASES = {
    # Nothing there.
    "spread of nothing": (
        lambda: st.spread([]),
        "values must have the shape (runs), none of them 0, got the shape (0,).",
    ),
    "mean of nothing": (
        lambda: st.mean([]),
        "values must have at least one number on the last axis, got the shape (0,).",
    ),
    "iqm of nothing": (
        lambda: st.iqm([[], []]),
        "values must have at least one number on the last axis, got the shape (2, 0).",
    ),
    "bootstrap of nothing": (lambda: st.bootstrap([], RNG), "values must have the shape (seeds) or (rows, seeds)"),
    "best of no trials": (lambda: st.best_of([]), "scores must have at least one number"),
    "band of no trials": (lambda: st.best_of_band([], RNG), "scores must have the shape (trials)"),
    "percentile of no draws": (lambda: st.percentile(np.array([])), "draws must have the shape (resamples,)"),
    "flips of nothing": (lambda: st.sign_flip([]), "differences must have the shape (seeds)"),
    "Holm of nothing": (lambda: st.holm([]), "p must have the shape (comparisons)"),
    "P of nothing": (lambda: st.superiority([], [1], paired=False), "a must have the shape (runs)"),
    "no optimizers": (lambda: compare({}), "table must map each optimizer, at least one, to its runs by seed, got {}."),
    "no means": (lambda: st.tie_group({}, [], higher_is_better=True), "means must map each optimizer, at least one"),
    "no ranks": (lambda: st.ranks({}), "scores must map each optimizer, at least one, to its numbers, got {}."),
    "no times": (lambda: st.summarise_times([]), "times must have the shape (runs)"),
    "no evaluations": (lambda: met([], []), "steps must have the shape (evaluations)"),
    # NaN is neither a result nor a gap.
    "NaN in spread": (lambda: st.spread([1, NAN]), "values must not hold NaN, got it 1 times among 2: leave out"),
    "NaN in iqm": (lambda: st.iqm([NAN, NAN, 1]), "values must not hold NaN, got it 2 times among 3"),
    "NaN in bootstrap": (lambda: st.bootstrap([1, NAN], RNG), "values must not hold NaN"),
    "NaN in differences": (lambda: st.differences([NAN], [1]), "a must not hold NaN"),
    "NaN in t": (lambda: st.paired_t([NAN, 1]), "differences must not hold NaN"),
    "NaN in P": (lambda: st.superiority([1], [NAN], paired=True), "b must not hold NaN"),
    "NaN in Holm": (lambda: st.holm([0.1, NAN]), "p must not hold NaN"),
    "NaN in ranks": (lambda: st.ranks({"A": [1], "B": [NAN]}), "scores['B'] must not hold NaN"),
    "NaN in times": (lambda: st.summarise_times([1, NAN]), "times must not hold NaN"),
    "NaN in trials": (lambda: st.best_of([1, NAN]), "scores must not hold NaN"),
    "NaN in scores": (lambda: st.normalised([NAN], 0, 1), "values must not hold NaN"),
    "NaN for a diverged score": (
        lambda: compare({**SEEDS, "A": {1: 0.1, 2: NAN, 3: 0.1}}),
        "A, seed 2: a value must be a number, got nan; leave out a run that is missing, and write -inf",
    ),
    "NaN for a diverged loss": (
        lambda: compare({**SEEDS, "A": {1: NAN}}, higher_is_better=False),
        "A, seed 1: a value must be a number, got nan; leave out a run that is missing, and write inf for",
    ),
    "NaN as a mean": (
        lambda: st.tie_group({"A": NAN}, [], higher_is_better=True),
        "to its mean, not NaN, got {'A': nan}.",
    ),
    # Infinity where it has no meaning.
    "infinitely good": (lambda: compare({**SEEDS, "A": {1: INF}}), "A, seed 1: a value must be a number, got inf;"),
    "infinitely good, normalised": (lambda: st.normalised([INF], 0, 1), "values must not be infinitely good"),
    "infinite spread": (lambda: st.spread([1, INF]), "values must be finite, got infinity 1 times among 2."),
    "infinite t": (lambda: st.paired_t([1, INF]), "differences must be finite"),
    "infinite flips": (lambda: st.sign_flip([1, INF]), "differences must be finite"),
    "infinite target": (lambda: met([0], [1], INF), "target must be a finite number, got inf."),
    "endless passes": (lambda: st.void({"A": [1]}, INF), "budget must be a finite number, got inf."),
    "infinite budget": (lambda: st.speed_up([1], [1], [INF]), "budgets must be finite"),
    # Unequal lengths.
    "unpaired differences": (lambda: st.differences([1, 2], [1]), "a and b must have one shape, got (2,) and (1,)."),
    "unpaired P": (lambda: st.superiority([1, 2], [1], paired=True), "a and b must have one shape"),
    "unequal problems": (lambda: st.ranks({"A": [1, 2], "B": [1]}), "scores['A'] and scores['B'] must have one shape"),
    "unequal seeds": (
        lambda: st.centres({"A": [1, 2], "B": [1]}, RNG),
        "values['A'] and values['B'] must have one shape",
    ),
    "unequal runs": (lambda: st.void({"A": [1, 2], "B": [1]}, 9), "passes['A'] and passes['B'] must have one shape"),
    "unequal rows": (lambda: st.bootstrap([[1, 2], [1]], RNG), "values must have rows of equal length"),
    "unequal curves": (lambda: met([0, 1], [0.5]), "steps and values must have one shape, got (2,) and (1,)."),
    "unequal medians": (lambda: st.speed_up([1, 2], [1], [9, 9]), "reference and other must have one shape"),
    "unequal budgets": (lambda: st.speed_up([1, 2], [1, 2], [9]), "reference and budgets must have one shape"),
    "unequal pools": (
        lambda: st.improvement([[1, 2]], [[1, 2], [1, 2]], RNG),
        "a and b must have one shape, got (1, 2) and (2, 2).",
    ),
    # One seed where two are needed.
    "t of one": (lambda: st.paired_t([1]), "differences must have at least 2 seeds, got 1."),
    "expanded of one": (lambda: st.expanded(np.zeros(9), 1), "An expanded interval needs at least 2 seeds, got 1."),
    # Wrong shapes and types.
    "rows in spread": (
        lambda: st.spread([[1, 2]]),
        "values must have the shape (runs), none of them 0, got the shape (1, 2).",
    ),
    "a number": (lambda: st.iqm(3), "at least one number on the last axis, got the shape ()."),
    "seeds alone": (
        lambda: st.stratified([1, 2], RNG),
        "values must have the shape (problems, seeds) or (rows, problems, seeds)",
    ),
    "rows of draws": (
        lambda: st.percentile(np.zeros((2, 3))),
        "draws must have the shape (resamples,), at least one, got the shape (2, 3).",
    ),
    "words": (lambda: st.spread(["a"]), "values must be numbers, got the type <U1 from list."),
    "none": (lambda: st.iqm(None), "values must be numbers, got the type object from NoneType."),
    "truth values": (
        lambda: st.superiority([True], [False], paired=True),
        "a must be numbers, got the type bool from list.",
    ),
    "a dict of runs": (lambda: st.spread({1: 0.5}), "values must be numbers, got the type object from dict."),
    "a list of runs": (lambda: compare({"A": [0.1, 0.2]}), "table['A'] must map each seed to a value, got list."),
    "a list of optimizers": (
        lambda: compare([[1, 2]]),
        "table must map each optimizer, at least one, to its runs by seed",
    ),
    "a word for a value": (lambda: compare({"A": {1: "0.5"}}), "A, seed 1: a value must be a number, got '0.5';"),
    "a seed for rng": (
        lambda: st.bootstrap([1, 2], 42),
        "rng must be a NumPy generator, such as generator(study, table) gives, got 42.",
    ),
    "no rng for many flips": (lambda: st.sign_flip(range(17)), "rng must be a NumPy generator"),
    # Out of range.
    "a level of 95": (lambda: st.percentile(np.zeros(9), 95), "level must be above 0 and below 1, got 95."),
    "p above 1": (lambda: st.holm([0.1, 1.2]), "p must be from 0 to 1, got values from 0.1 to 1.2."),
    "p below 0": (lambda: st.holm([-0.1, 0.2]), "p must be from 0 to 1, got values from -0.1 to 0.2."),
    "nothing learned": (lambda: st.normalised([1], 2, 2), "start and best must differ, got 2.0 for both"),
    "steps that fall": (lambda: met([0, 2, 1], [1, 1, 1]), "steps must ascend from 0 or later, got [0.0, 2.0, 1.0]."),
    "steps below 0": (lambda: met([-1, 2], [1, 1]), "steps must ascend from 0 or later"),
    "a negative time": (lambda: st.reached([1, -1]), "times must be at least 0, got -1: a miss is infinity."),
    "a negative time to void": (lambda: st.void({"A": [-1]}, 9), "passes['A'] must be at least 0, got -1"),
    "a time of 0": (lambda: st.speed_up([0], [1], [9]), "reference must be above 0, got 0: a miss is infinity."),
    "too few problems": (
        lambda: st.friedman({k: [1] * 7 for k in "ABC"}),
        "Tests of ranks need at least 8 problems, got 7: show",
    ),
    "too few to rank": (
        lambda: st.friedman({k: [1] * 8 for k in "AB"}),
        "Friedman's test needs at least 3 optimizers, got 2",
    ),
    "too few to differ": (
        lambda: st.critical_difference(1, 8),
        "A critical difference needs at least 2 optimizers, got 1.",
    ),
    "too few for Nemenyi": (lambda: st.critical_difference(3, 7), "Tests of ranks need at least 8 problems, got 7"),
    "a wild alpha": (lambda: st.critical_difference(3, 8, 5), "alpha must be above 0 and below 1, got 5."),
    "the best not compared": (
        lambda: st.tie_group({"A": 1, "B": 2, "C": 3}, compare(SEEDS), higher_is_better=True),
        "The best, C, must be compared with all others, not so with A, B.",
    ),
}


@pytest.mark.parametrize(("call", "words"), CASES.values(), ids=CASES)
def test_what_cannot_be_computed_is_refused_in_one_sentence(call, words):
    """Before anything is computed, and without a warning, which would be an error here."""
    with pytest.raises(ValueError, match=re.escape(words)) as caught:
        call()
    assert "\n" not in str(caught.value)
