"""Exactly one process carries out a run; a dead one is followed by exactly one other."""

import dataclasses
import json
import os
import subprocess
import sys
import time

import pytest

from experiments.records import leases


def placed(folder, **changes):
    """Puts a lease of this process there, altered, as if another had made it; returns its owner."""
    owner = dataclasses.replace(leases.Owner.here(), **changes)
    (folder / "lease").mkdir()
    (folder / "lease" / "owner.json").write_text(json.dumps(dataclasses.asdict(owner)), encoding="utf-8")
    return owner


def age(folder, seconds):
    """Lets the last heartbeat lie some seconds back."""
    beat = time.time() - seconds
    os.utime(folder / "lease" / "owner.json", (beat, beat))


def test_a_run_has_one_owner_at_a_time(tmp_path):
    """A second one is refused until the first lets go, and nothing is left behind."""
    with leases.claim(tmp_path) as lease:
        assert leases.claim(tmp_path) is None
        assert leases.held(tmp_path)
        lease.check()
    assert [] == list(tmp_path.iterdir())
    with leases.claim(tmp_path):
        pass


@pytest.mark.parametrize("changed", [{"start": "1"}, {"boot": "another"}, {"pid": 2**22 + 1}], ids=str)
def test_a_dead_owner_is_followed_at_once(tmp_path, changed):
    """Its process has gone, its number is used again, or the machine was started again."""
    owner = placed(tmp_path, **changed)
    assert not leases.held(tmp_path)
    with leases.claim(tmp_path) as lease:
        assert lease.owner.token != owner.token
        assert (tmp_path / f"lease.stale-{owner.token}" / "owner.json").exists()


def test_an_owner_on_another_machine_is_believed_as_long_as_it_is_heard(tmp_path):
    """Nothing is known of its process but the heartbeat."""
    placed(tmp_path, host="elsewhere", pid=1, start="1")
    age(tmp_path, leases.STALE_SECONDS / 2)
    assert leases.claim(tmp_path) is None
    age(tmp_path, leases.STALE_SECONDS * 2)
    with leases.claim(tmp_path) as lease:
        assert lease is not None


def test_a_heartbeat_from_the_future_is_one_from_before_the_clock_was_set_back(tmp_path):
    """Else a dead owner on another machine would be waited for until the clock is where it was."""
    placed(tmp_path, host="elsewhere", pid=1, start="1")
    age(tmp_path, -leases.STALE_SECONDS / 2)
    assert leases.claim(tmp_path) is None
    age(tmp_path, -leases.STALE_SECONDS * 2)
    with leases.claim(tmp_path) as lease:
        assert lease is not None


def test_an_owner_that_slept_and_wakes_up_finds_that_it_is_one_no_more(tmp_path):
    """What it made is not published, and what it releases is not the new owner's lease."""
    sleeper = leases.claim(tmp_path)
    age(tmp_path, leases.STALE_SECONDS * 2)
    taker = leases.claim(tmp_path)
    with pytest.raises(leases.Lost, match="was taken over by another process"):
        sleeper.check()
    sleeper.release()
    taker.check()
    taker.release()


def test_a_lease_that_cannot_be_read_is_followed_when_it_is_old(tmp_path):
    """A torn owner is nobody, but perhaps one that is just being born elsewhere."""
    placed(tmp_path)
    (tmp_path / "lease" / "owner.json").write_text("{", encoding="utf-8")
    assert leases.claim(tmp_path) is None
    age(tmp_path, leases.STALE_SECONDS * 2)
    with leases.claim(tmp_path) as lease:
        assert lease is not None


def test_a_heartbeat_keeps_a_lease_fresh(tmp_path, monkeypatch):
    """As long as its process lives."""
    monkeypatch.setattr(leases, "HEARTBEAT_SECONDS", 0.01)
    with leases.claim(tmp_path):
        age(tmp_path, 1000)
        for _ in range(1000):
            if leases._silence(tmp_path / "lease") < 900:
                break
            time.sleep(0.01)
        assert leases._silence(tmp_path / "lease") < 900


def test_a_taker_that_was_too_slow_puts_back_what_it_took(tmp_path, monkeypatch):
    """The stale lease it saw has been followed by a living one in the meantime."""
    stale = placed(tmp_path, start="1")
    first = leases.claim(tmp_path)
    (tmp_path / f"lease.stale-{stale.token}" / "owner.json").unlink()
    (tmp_path / f"lease.stale-{stale.token}").rmdir()
    monkeypatch.setattr(leases, "_stale_mark", lambda folder: stale.token)
    assert leases.claim(tmp_path) is None
    monkeypatch.undo()
    first.check()
    first.release()


def test_a_lease_that_follows_the_judged_one_is_not_retired_in_its_place(tmp_path, monkeypatch):
    """Between the verdict on a dead owner and the move, another process has taken the run over."""
    placed(tmp_path, start="1")
    gone, follower = leases.Owner.gone, []

    def overtaken(owner):
        verdict = gone(owner)
        if verdict and not follower:
            follower.append(None)
            follower[0] = leases.claim(tmp_path)
        return verdict

    monkeypatch.setattr(leases.Owner, "gone", overtaken)
    assert leases.claim(tmp_path) is None
    follower[0].check()
    follower[0].release()


def test_a_look_between_retiring_and_following_finds_nothing_to_retire(tmp_path, monkeypatch):
    """The lease is missing at the first look, and another process has it at the second."""
    taken = []

    def looked(lease, read=leases._owner):
        owner = read(lease)
        if not taken:
            taken.append(None)
            taken[0] = leases.claim(tmp_path)
        return owner

    monkeypatch.setattr(leases, "_owner", looked)
    assert leases.claim(tmp_path) is None
    taken[0].check()
    taken[0].release()


TAKER = """
import sys
from pathlib import Path
from experiments.records import leases
wins = 0
sys.stdin.readline()
for number in range(10):
    lease = leases.claim(Path(sys.argv[1]) / str(number))
    wins += lease is not None
print(wins, flush=True)
sys.stdin.readline()
"""


@pytest.mark.parametrize("dead", [False, True])
def test_of_processes_that_want_a_run_at_once_exactly_one_gets_it(tmp_path, dead):
    """Ten runs, four processes: ten claims are granted, whether the runs are free or their owner has died."""
    for number in range(10):
        (tmp_path / str(number)).mkdir()
        if dead:
            placed(tmp_path / str(number), start="1")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    takers = [subprocess.Popen([sys.executable, "-c", TAKER, tmp_path], **pipes) for _ in range(4)]
    for taker in takers:
        taker.stdin.write("\n")
        taker.stdin.flush()
    wins = [int(taker.stdout.readline()) for taker in takers]
    for taker in takers:
        taker.communicate("\n", timeout=60)
    assert sum(wins) == 10
