"""Progress is told in plain lines where there is no terminal, and in words a person would use."""

import pytest

from experiments.progress import Meter, clock


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (42.3, "42 s"), (59.7, "1 min 00 s"), (254, "4 min 14 s")]
)
def test_durations_are_told_in_minutes_and_seconds(seconds, words):
    """Nobody reads 254 seconds."""
    assert clock(seconds) == words


def test_finished_runs_are_counted_with_the_time_left(capsys):
    """One line a run, for logs; the time left is that of the passes still to come."""
    with Meter("Comparing", runs=2, passes=20) as meter:
        meter.step(10)
        meter.tell("the first")
        meter.step(10)
        meter.tell("the last")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Comparing: 2 runs of 20 passes in all"
    assert lines[1].startswith("[1/2] the first; about 0 s left")
    assert lines[2] == "[2/2] the last"
