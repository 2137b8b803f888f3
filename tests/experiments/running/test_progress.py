"""Progress is told in plain lines where there is no terminal, and in words a person would use."""

import pytest

from experiments.running import progress
from experiments.running.progress import Meter
from experiments.text import clock


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (42.3, "42 s"), (59.7, "1 min 00 s"), (254, "4 min 14 s")]
)
def test_durations_are_told_in_minutes_and_seconds(seconds, words):
    """Nobody reads 254 seconds."""
    assert clock(seconds) == words


def test_finished_runs_are_counted_with_the_time_left(capsys):
    """One line a run, for logs; the time left is that of the passes still to come."""
    with Meter("Comparing", runs=2, epochs=20) as meter:
        meter.reach("a", 10)
        meter.finish("the first")
        meter.reach("b", 10)
        meter.finish("the last")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Comparing: 2 runs of 20 epochs in total"
    assert lines[1].startswith("[1/2] the first; about 0 s left")
    assert lines[2] == "[2/2] the last"


def test_passes_trained_before_an_interruption_do_not_count_as_fast_ones(capsys, monkeypatch):
    """Of twenty passes ten were there; after five more in ten seconds, five more take another ten."""
    seconds = iter([0.0, 10.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(seconds))
    meter = Meter("Comparing", runs=1, epochs=20)
    meter.begin("a", 10)
    meter.reach("a", 15)
    meter.finish("nearly")
    assert capsys.readouterr().err == "[1/1] nearly; about 10 s left\n"


def test_a_run_that_is_tried_again_is_counted_once():
    """Its passes are those of the last try."""
    meter = Meter("Comparing", runs=1, epochs=20)
    for epochs in (15, 0, 20):
        meter.reach("a", epochs)
    assert meter.done == 20
