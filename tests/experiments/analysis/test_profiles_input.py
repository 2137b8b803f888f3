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
    "a negative time": ({"A": [1, 2], "B": [1, -3]}, r"times\['B'\] must be above 0, got -3"),
    "NaN": ({"A": [1, math.nan]}, r"times\['A'\] must not hold NaN, got it 1 times among 2"),
    "other numbers of problems": ({"A": [1, 2], "B": [1]}, r"times\['A'\] and times\['B'\].*\(2,\) and \(1,\)\."),
    "no problems": ({"A": []}, r"times\['A'\] must have the shape \(problems\).*got the shape \(0,\)"),
    "no solvers": ({}, r"times must map each solver, at least one.*got \{\}\."),
    "no mapping": ([[1, 2]], r"times must map each solver.*got \[\[1, 2\]\]\."),
    "seeds too": ({"A": [[1, 2]]}, r"shape \(problems\).*got the shape \(1, 2\)"),
    "words": ({"A": ["1"]}, r"times\['A'\] must be numbers"),
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
    with pytest.raises(ValueError, match=r"costs\['A'\] and dimensions must have one shape, got \(2,\) and \(1,\)\."):
        data_profile({"A": [1, 2]}, [2])
    with pytest.raises(ValueError, match=r"dimensions must be at least 1, got 0\."):
        data_profile({"A": [1, 2]}, [2, 0])
    with pytest.raises(ValueError, match=r"costs\['A'\] must be at least 0, got -1"):
        data_profile({"A": [1, -1]})
