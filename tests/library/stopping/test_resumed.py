"""Stopping conditions count on after an interruption, as if there had been none."""

import itertools

import pytest

import tfoptim
from tests.library import interrupted
from tfoptim.callbacks import Budget, NoImprovement, NonFinite, RelativeDecreaseBelow
from tfoptim.stopping import condition as stopping


def stopped(folder, condition, interruption=None, seed=0):
    """Runs the program of `tests.library.interrupted` with a condition; returns model, Resume and condition."""
    arguments = {"make": lambda: tfoptim.SGD(0.05, momentum=0.9), "epochs": 6, "callbacks": [condition]}
    model, resume = interrupted.train(folder, interruption, seed=seed, run_eagerly=True, **arguments)
    return model, resume, condition


CONDITIONS = {
    "budget": lambda: NonFinite() | Budget(gradients=16 * 2 + 9),
    "patience": lambda: NoImprovement(2, "loss", min_delta=0.5) | Budget(steps=99),
    "decrease": lambda: RelativeDecreaseBelow(1.0, checks=3) & Budget(steps=3),
}


@pytest.mark.parametrize("name", CONDITIONS)
def test_interrupted_training_stops_where_an_uninterrupted_one_does(name, tmp_path):
    """Interrupted after every third batch, the last time at the very batch that stops it: same step, same bits."""
    model, resume, condition = stopped(tmp_path / "whole", CONDITIONS[name]())
    steps = condition.cost.steps
    assert 3 < steps < 24
    for seed, step in enumerate([*range(3, steps, 3), steps]):
        stopped(tmp_path / "parts", CONDITIONS[name](), step, seed)
    again, resumed, other = stopped(tmp_path / "parts", CONDITIONS[name](), seed=99)
    assert condition.reason.rpartition(", ")[0] == other.reason.rpartition(", ")[0]  # but for the seconds
    assert [bits for _, bits in interrupted.state(model)] == [bits for _, bits in interrupted.state(again)]
    assert (resume.history, resume.epoch) == (resumed.history, 6)


def test_seconds_of_all_parts_are_added_up(tmp_path, monkeypatch):
    """With a second a batch and three programs: the first update of each is not counted."""
    monkeypatch.setattr(stopping.time, "monotonic", itertools.count().__next__)
    for step in (5, 10, None):
        *_, condition = stopped(tmp_path, Budget(seconds=11), step)
    assert condition.cost.seconds == 11
    assert condition.reason.startswith(
        "budget: 11.0 seconds are spent; after 14 steps, 56 gradients of examples, 11.0 s"
    )


def test_checkpoint_of_other_conditions_is_refused(tmp_path):
    """Their counters would not fit."""
    stopped(tmp_path, Budget(steps=9) | NonFinite(), 3)
    with pytest.raises(ValueError, match=r"callbacks is \['Both\(.*\)'\] here and \['Either\(Budget\(\), NonFinite"):
        stopped(tmp_path, Budget(steps=9) & NonFinite())
