"""Published claims are answered by the intervals of planted runs, and by nothing where runs are missing."""

import dataclasses
import math

import pytest

from experiments.analysis import claimed
from experiments.studies.forms import Claim
from tests.experiments.evidence import evidence, result

NOISE = [0.0, 0.001, -0.001, 0.0005, -0.0005]


def answer(ends, than=("GD",), *, shown=True):
    """What the report says of the claim that Adam gains 0.02 over others, given final accuracies."""
    made = evidence(ends)
    whole = dataclasses.replace(
        made, study=dataclasses.replace(made.study, claims=(Claim("Someone, 2020", ("Adam",), than, 0.02),))
    )
    (said,) = claimed.answers(whole)
    assert not shown or said in result(whole).headline
    return said


NOT = "do not confirm it here"


@pytest.mark.parametrize(
    ("gain", "verb"), [(0.05, "confirm it here"), (0.0, NOT), (-0.05, NOT), (0.02, "leave it open")]
)
def test_the_interval_decides(gain, verb):
    """All of it at the gain or above, all of it below, or some on both sides."""
    said = answer({"GD": [0.9] * 5, "Adam": [0.9 + gain + noise for noise in NOISE]})
    assert said.startswith(f"Someone, 2020: Adam gains at least 0.02 over GD. These runs {verb}: Adam minus GD ")
    assert said.endswith(" (mean difference over 5 seeds, 95 % CI of each by itself).")


def test_a_claim_on_several_is_answered_one_by_one():
    """Where they differ, comparisons are counted."""
    ends = {"GD": [0.9] * 5, "Momentum": [0.95 + noise for noise in NOISE], "Adam": [0.95] * 5}
    said = answer(ends, than=("GD", "Momentum"))
    assert (
        "over GD and Momentum. These runs confirm it here in 1 of 2 comparisons and do not confirm it here in 1 of 2"
        in said
    )
    assert said.index("Adam minus GD 0.0500") < said.index("Adam minus Momentum")


def test_where_runs_diverged_there_is_no_number():
    """One of five as the worst there is leaves an interval without an end."""
    said = answer({"GD": [0.9] * 5, "Adam": [0.95] * 4 + [math.nan]})
    assert "leave it open: Adam minus GD is not finite, since runs diverged" in said


def test_a_seed_that_both_lack_is_missing_too():
    """Others of the study have it."""
    said = answer({"GD": [0.9] * 4 + [None], "Adam": [0.9] * 4 + [None], "Momentum": [0.9] * 5}, shown=False)
    assert said.endswith("Not answered yet: GD has no run of seed 4.")


def test_missing_runs_leave_it_unanswered():
    """Rather than answered by those that are there."""
    said = answer({"GD": [0.9] * 5, "Adam": [0.9] * 4 + [None]})
    assert said == "Someone, 2020: Adam gains at least 0.02 over GD. Not answered yet: Adam has no run of seed 4."
