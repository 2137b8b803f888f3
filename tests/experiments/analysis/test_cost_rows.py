"""Costs add up to all that was computed (rule B23); seconds are those of the timing pass and no others (rule B16)."""

import dataclasses
import math

import pytest

from experiments.analysis import cost_rows, curves
from experiments.records.costs import Cost
from tests.experiments.evidence import APART, THREE, evidence, result, study
from tests.experiments.figures.drawn import reading

RUN = Cost(1, 0, 0, 10, 4000, 3600.0)
WIDENED = Cost(1, 1, 0, 10, 1000, 1800.0).parted()
KILLED = Cost(0, 0, 1, 5, 500, 900.0).parted()
TIMES = {"GD": 0.5, "Adam": 0.02, "Momentum": 0.01}
TIMED = evidence(THREE, times=TIMES)
NOT = evidence(THREE)


def known():
    """Evidence with the costs of two optimizers, of which one was widened and one was killed."""
    told = {
        ("tuning", "GD"): RUN + WIDENED,
        ("evaluation", "GD"): RUN + KILLED,
        ("tuning", "Adam"): RUN,
        ("evaluation", "Adam"): RUN,
    }
    return dataclasses.replace(evidence(APART), costs=told)


def test_parts_add_up_to_all_that_was_spent():
    """Widened searches and failed attempts are parts of their own, and in no other."""
    own = [row for row in cost_rows.spent_rows(known()) if row["optimizer"] == "GD"]
    assert {row["part"]: row["gradients"] for row in own} == {
        "tuning": 4000, "tuning, widened": 1000, "evaluation": 4000, "without a result": 500,
    }  # fmt: skip
    assert [row["core_hours"] for row in own] == [1.0, 0.5, 1.0, 0.25]
    assert sum(row["gradients"] for row in own) == (RUN + WIDENED + RUN + KILLED).gradients


def test_parts_of_a_cost_are_kept_when_costs_are_added():
    """A run that is neither has none of them."""
    both = RUN.parted() + WIDENED + KILLED
    assert (both.widened_gradients, both.failed_gradients) == (1000, 500)
    assert (both.widened_seconds, both.failed_seconds) == (1800.0, 900.0)


def test_without_a_timing_pass_there_are_no_times():
    """The caption says which command measures them; memory is then what optimizers declare to keep."""
    table = cost_rows.cost_rows(NOT, result(NOT))
    assert all(math.isnan(row["seconds_per_step"]) for row in table)
    assert "python -m experiments time small measures them" in reading("costs", NOT)
    assert cost_rows.timing_rows(NOT) == []


def test_costs_are_those_of_the_timing_pass():
    """The median second of a step, 1.2 times what was given, and the bytes that were found."""
    table = {row["optimizer"]: row for row in cost_rows.cost_rows(TIMED, result(TIMED))}
    assert {k: row["seconds_per_step"] for k, row in table.items()} == pytest.approx(
        {label: 1.2 * second for label, second in TIMES.items()}
    )
    assert table["Adam"]["state_bytes_per_parameter"] == 8
    assert "timing pass" in reading("costs", TIMED)


def plain():
    """The timed evidence, in which Momentum is plain SGD."""
    whole = study()
    sgd = dataclasses.replace(whole.optimizers[2], optimizer="sgd", hyperparameters={}, label="Momentum")
    return dataclasses.replace(TIMED, study=dataclasses.replace(whole, optimizers=(*whole.optimizers[:2], sgd)))


def test_a_step_is_set_against_that_of_plain_sgd():
    """By medians; without SGD nothing is divided."""
    assert "Numbers with x" not in reading("timing", TIMED, cost_rows.timing_rows(TIMED))
    assert "the median divided by that of Momentum" in reading("timing", plain(), cost_rows.timing_rows(plain()))


def test_optimizers_say_what_they_keep():
    """Adam two numbers for each parameter, momentum one, plain descent none, in float32."""
    assert [cost_rows.state_bytes(entry) for entry in study().optimizers] == [0, 8, 4]


def test_what_depends_on_shapes_is_not_shown_as_nothing():
    """Muon keeps other things for matrices than for vectors: without a timing pass it is left out, and named."""
    gd, adam, momentum = NOT.study.optimizers
    muon = dataclasses.replace(momentum, optimizer="muon", hyperparameters={})
    whole = dataclasses.replace(NOT, study=dataclasses.replace(NOT.study, optimizers=(gd, adam, muon)))
    assert math.isnan(cost_rows.state_bytes(muon))
    assert {row["optimizer"] for row in cost_rows.cost_rows(whole, result(whole))} == {"GD", "Adam"}
    assert "depends on the shapes of weights: Momentum." in reading("costs", whole)
    assert "depends on the shapes" not in reading("costs", NOT)


def test_trajectories_begin_at_the_published_start_and_end_lowest():
    """All take as many steps, at a rate that no other of its range beats."""
    table = curves.path_rows(study().optimizers[:2], ("rosenbrock",), 12)
    for label in ("GD", "Adam"):
        own = [row for row in table if row["optimizer"] == label]
        assert [row["step"] for row in own] == list(range(13))
        assert (own[0]["x"], own[0]["y"], own[0]["f"]) == (-0.5, 1.5, 158.5)
        assert own[-1]["f"] < 158.5 / 10
