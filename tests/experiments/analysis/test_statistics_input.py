"""What cannot be summed up or compared is refused in one sentence that names argument, value and way out."""

import math
import re

import numpy as np
import pytest

from experiments.analysis import statistics as st
from experiments.analysis.statistics.inputs import as_array

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
    # Arrays.
    "nothing": (lambda: as_array("values", []), "values must be numbers, at least one, got the shape (0,)."),
    "another shape": (
        lambda: as_array("values", [[1, 2]], 1, 3),
        "values must be numbers on 1 or 3 axes, at least one, got the shape (1, 2).",
    ),
    "NaN": (lambda: as_array("values", [1, NAN]), "values must not hold NaN: leave out what did not run, and give"),
    "infinity": (lambda: as_array("values", [1, -INF]), "values must be finite, got infinity."),
    "a time of 0": (lambda: st.speed_up([0], [1], [9]), "reference must be above 0, got 0: a miss is infinity."),
    "no optimizer": (lambda: st.ranks({}), "scores must hold at least one of them, got {}."),
    "NaN of one": (lambda: st.ranks({"A": [1], "B": [NAN]}), "scores['B'] must not hold NaN"),
    "no optimizers": (lambda: compare({}), "table must map each optimizer, at least one, to its runs by seed, got {}."),
    "no means": (lambda: st.tie_group({}, [], higher_is_better=True), "means must map each optimizer, at least one"),
    "NaN in spread": (lambda: st.spread([1, NAN]), "values must not hold NaN"),
    "NaN in iqm": (lambda: st.iqm([NAN, NAN, 1]), "values must not hold NaN"),
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
    "infinitely good": (lambda: compare({**SEEDS, "A": {1: INF}}), "A, seed 1: a value must be a number, got inf;"),
    "infinitely good, normalised": (lambda: st.normalised([INF], 0, 1), "values must not be infinitely good"),
    "infinite spread": (lambda: st.spread([1, INF]), "values must be finite, got infinity."),
    "infinite t": (lambda: st.paired_t([1, INF]), "differences must be finite"),
    "infinite flips": (lambda: st.sign_flip([1, INF]), "differences must be finite"),
    "unpaired differences": (lambda: st.differences([1, 2], [1]), "a and b must have one shape, got (2,) and (1,)."),
    "unpaired P": (lambda: st.superiority([1, 2], [1], paired=True), "a and b must have one shape"),
    "unequal problems": (lambda: st.ranks({"A": [1, 2], "B": [1]}), "A and B must have one shape, got (2,) and (1,)."),
    "unequal curves": (lambda: met([0, 1], [0.5]), "steps and values must have one shape, got (2,) and (1,)."),
    "unequal medians": (
        lambda: st.speed_up([1, 2], [1], [9, 9]),
        "reference and other and budgets must have one shape",
    ),
    "unequal pools": (
        lambda: st.improvement([[1, 2]], [[1, 2], [1, 2]], RNG),
        "a and b must have one shape, got (1, 2) and (2, 2).",
    ),
    "t of one": (lambda: st.paired_t([1]), "differences must be of at least 2 seeds, got 1."),
    "expanded of one": (lambda: st.expanded(np.zeros(9), 1), "An expanded interval needs at least 2 seeds, got 1."),
    "rows of draws": (
        lambda: st.percentile(np.zeros((2, 3))),
        "draws must have the shape (resamples,), at least one, got the shape (2, 3).",
    ),
    "no rng for many flips": (lambda: st.sign_flip(range(17)), "rng must be given for more than 16 seeds, got 17."),
    "p above 1": (lambda: st.holm([0.1, 1.2]), "p must be from 0 to 1, got values from 0.1 to 1.2."),
    "p below 0": (lambda: st.holm([-0.1, 0.2]), "p must be from 0 to 1, got values from -0.1 to 0.2."),
    "nothing learned": (lambda: st.normalised([1], 2, 2), "start and best must differ, got 2 for both"),
    "steps that fall": (lambda: met([0, 2, 1], [1, 1, 1]), "steps must ascend from 0 or later, got [0.0, 2.0, 1.0]."),
    "steps below 0": (lambda: met([-1, 2], [1, 1]), "steps must ascend from 0 or later"),
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
