"""A run whose loss is lost ends there, as a result, also when it was interrupted on the way."""

import itertools

import pytest

from experiments.running.training import train
from tests.experiments.digits import kept, small, splits


@pytest.fixture(scope="module")
def data():
    """Small splits; the sizes divide by no batch size."""
    return splits()


@pytest.fixture(scope="module")
def long(data):
    """The same for runs of nine passes."""
    return train.Program(small(epochs=9), data)


def test_a_run_that_diverges_stops_and_says_so(long):
    """Not a number is a result: the run ends, and nothing follows."""
    found = list(long.run(small(learning_rate=1e20, epochs=9)))
    assert [evaluation["diverged"] for evaluation in found[:-1]] == [False] * (len(found) - 1)
    assert found[-1]["diverged"]
    assert len(found) < 10


def lose(program, monkeypatch):
    """Lets a program find a loss two thousand times too high after each pass."""
    losses = itertools.chain([1.0], itertools.repeat(2000.0))

    def evaluation(step, loss, count, seconds, last=False):
        scores = {"train_loss": next(losses), "diverged": False}
        return {"step": step, "epoch": step / 5, "example_gradients": count, "seconds": seconds, **scores}

    monkeypatch.setattr(program, "_evaluation", evaluation)


def test_a_loss_that_stays_a_thousand_times_too_high_counts_as_diverged(long, monkeypatch):
    """Three evaluations in a row; finite numbers do not save a lost run."""
    lose(long, monkeypatch)
    found = list(long.run(small(epochs=9)))
    assert [evaluation["epoch"] for evaluation in found] == [0, 1, 2, 3]
    assert found[-1]["diverged"]


def test_patience_goes_on_where_it_was(long, monkeypatch):
    """A run that was interrupted while its loss was too high diverges at the same pass."""
    lose(long, monkeypatch)
    found = list(itertools.islice(long.run(small(epochs=9)), 3))
    rest = list(long.run(small(epochs=9), kept(long, found)))
    assert [evaluation["epoch"] for evaluation in rest] == [3]
    assert rest[-1]["diverged"]
