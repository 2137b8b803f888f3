"""What cannot be profiled is refused in one sentence that names argument, value and way out."""

import math

import pytest

from experiments.analysis.profiles import (
    data_profile,
    pairwise_profiles,
    performance_profile,
    without_best,
)

REFUSED = {
    "a time of 0": ({"A": [1, 0]}, r"times\['A'\] must be above 0, got 0: a miss is infinity\."),
    "NaN": ({"A": [1, 2], "B": [1, math.nan]}, r"times\['B'\] must not hold NaN"),
    "other numbers of problems": ({"A": [1, 2], "B": [1]}, r"A and B must have one shape, got \(2,\) and \(1,\)\."),
    "no solvers": ({}, r"times must hold at least one of them, got \{\}\."),
}


@pytest.mark.parametrize(("times", "words"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("profile", [performance_profile, pairwise_profiles, without_best])
def test_times_that_are_none_are_refused(profile, times, words):
    """A failure is infinite; nothing else stands for one."""
    with pytest.raises(ValueError, match=words):
        profile(times)


def test_what_cannot_be_profiled_is_refused_in_one_sentence():
    """Each with the argument and the value received."""
    with pytest.raises(ValueError, match=r"needs other solvers, but A, B share the best score\."):
        without_best({"A": [1, 2], "B": [1, 2]})
    with pytest.raises(ValueError, match=r"A and dimensions must have one shape, got \(2,\) and \(1,\)\."):
        data_profile({"A": [1, 2]}, [2])
    with pytest.raises(ValueError, match=r"dimensions must be at least 1, got 0\."):
        data_profile({"A": [1, 2]}, [2, 0])
