"""What cannot be summed up or compared is refused in one sentence that names argument, value and way out."""

import math
import re

import numpy as np
import pytest

from experiments.analysis.statistics.aggregates import critical_difference, friedman, ranks
from experiments.analysis.statistics.comparing import compare
from experiments.analysis.statistics.resampling import expanded, generator, percentile
from experiments.analysis.statistics.significance import holm, paired_t, sign_flip
from experiments.analysis.statistics.summaries import as_array, iqm, spread
from experiments.analysis.statistics.times import time_to_target
from experiments.analysis.statistics.verdicts import tie_group

NAN, INF = math.nan, math.inf
RNG = generator("study", "table")
SEEDS = {"A": {1: 0.1, 2: 0.2, 3: 0.3}, "B": {1: 0.1, 2: 0.2, 3: 0.4}}


def compared(table, **how):
    """Compares scores, greater being better, unless told otherwise."""
    return compare(table, RNG, **{"higher_is_better": True, **how})


def met(steps, values, target=0.5):
    """Time to a target, greater being better."""
    return time_to_target(steps, values, target, higher_is_better=True)


CASES = {
    # Arrays.
    "nothing": (lambda: as_array("values", []), "values must be numbers, at least one, got the shape (0,)."),
    "another shape": (
        lambda: as_array("values", [[1, 2]], 1, 3),
        "values must be numbers on 1 or 3 axes, at least one, got the shape (1, 2).",
    ),
    "NaN": (lambda: as_array("values", [1, NAN]), "values must not hold NaN: leave out what did not run, and give"),
    "infinity": (lambda: as_array("values", [1, -INF]), "values must be finite, got infinity."),
    "no optimizer": (lambda: ranks({}), "scores must be numbers on 2 axes, at least one, got the shape (0,)."),
    "NaN of one": (lambda: ranks({"A": [1], "B": [NAN]}), "scores must not hold NaN"),
    "no optimizers": (
        lambda: compared({}),
        "table must map each optimizer, at least one, to its runs by seed, got {}.",
    ),
    "no means": (lambda: tie_group({}, [], higher_is_better=True), "means must map each optimizer, at least one"),
    "NaN in spread": (lambda: spread([1, NAN]), "values must not hold NaN"),
    "NaN in iqm": (lambda: iqm([NAN, NAN, 1]), "values must not hold NaN"),
    "NaN for a diverged score": (
        lambda: compared({**SEEDS, "A": {1: 0.1, 2: NAN, 3: 0.1}}),
        "A, seed 2: a value must be a number, got nan; leave out a run that is missing, and write -inf",
    ),
    "NaN for a diverged loss": (
        lambda: compared({**SEEDS, "A": {1: NAN}}, higher_is_better=False),
        "A, seed 1: a value must be a number, got nan; leave out a run that is missing, and write inf for",
    ),
    "NaN as a mean": (
        lambda: tie_group({"A": NAN}, [], higher_is_better=True),
        "to its mean, not NaN, got {'A': nan}.",
    ),
    "infinitely good": (lambda: compared({**SEEDS, "A": {1: INF}}), "A, seed 1: a value must be a number, got inf;"),
    "infinite spread": (lambda: spread([1, INF]), "values must be finite, got infinity."),
    "infinite t": (lambda: paired_t([1, INF]), "differences must be finite"),
    "infinite flips": (lambda: sign_flip([1, INF]), "differences must be finite"),
    "unequal problems": (lambda: ranks({"A": [1, 2], "B": [1]}), "inhomogeneous shape"),
    "t of one": (lambda: paired_t([1]), "differences must be of at least 2 seeds, got 1."),
    "expanded of one": (lambda: expanded(np.zeros(9), 1), "An expanded interval needs at least 2 seeds, got 1."),
    "rows of draws": (
        lambda: percentile(np.zeros((2, 3))),
        "draws must have the shape (resamples,), at least one, got the shape (2, 3).",
    ),
    "no rng for many flips": (lambda: sign_flip(range(17)), "rng must be given for more than 16 seeds, got 17."),
    "p above 1": (lambda: holm([0.1, 1.2]), "p must be from 0 to 1, got values from 0.1 to 1.2."),
    "p below 0": (lambda: holm([-0.1, 0.2]), "p must be from 0 to 1, got values from -0.1 to 0.2."),
    "steps that fall": (lambda: met([0, 2, 1], [1, 1, 1]), "steps must ascend from 0 or later, got [0.0, 2.0, 1.0]."),
    "steps below 0": (lambda: met([-1, 2], [1, 1]), "steps must ascend from 0 or later"),
    "too few problems": (
        lambda: friedman({k: [1] * 7 for k in "ABC"}),
        "Tests of ranks need at least 8 problems, got 7: show",
    ),
    "too few to rank": (
        lambda: friedman({k: [1] * 8 for k in "AB"}),
        "Friedman's test needs at least 3 optimizers, got 2",
    ),
    "too few to differ": (
        lambda: critical_difference(1, 8),
        "A critical difference needs at least 2 optimizers, got 1.",
    ),
    "too few for Nemenyi": (lambda: critical_difference(3, 7), "Tests of ranks need at least 8 problems, got 7"),
    "the best not compared": (
        lambda: tie_group({"A": 1, "B": 2, "C": 3}, compared(SEEDS), higher_is_better=True),
        "The best, C, must be compared with all others, not so with A, B.",
    ),
}


@pytest.mark.parametrize(("call", "words"), CASES.values(), ids=CASES)
def test_what_cannot_be_computed_is_refused_in_one_sentence(call, words):
    """Before anything is computed, and without a warning, which would be an error here."""
    with pytest.raises(ValueError, match=re.escape(words)) as caught:
        call()
    assert "\n" not in str(caught.value)
