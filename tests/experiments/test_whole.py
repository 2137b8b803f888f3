"""Whatever carries out a study, and whatever happens to it, its records are the same to the last bit."""

import contextlib
import json
import os
import random
import signal
import subprocess
import time

import pytest

from tests.experiments.whole import EPOCHS, attempts, finish, prepare, program, results, start

RUN = ("run", "whole.toml", "--jobs", "1", "--checkpoint", "0")


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """The records of the study by one process, in a folder whose name has a space and a letter beyond ASCII."""
    folder = prepare(tmp_path_factory.mktemp("whole") / "one procéss")
    code, said = program(folder, *RUN)
    assert code == 0, said
    found = results(folder)
    assert len(found) == 4
    assert all(len(rows) == EPOCHS + 1 for _, _, rows in found.values())
    assert attempts(folder) == dict.fromkeys(found, 1)
    return found


def test_two_runners_of_one_study_share_its_runs_and_count_none_twice(expected, tmp_path):
    """Two processes, each at runs that the other does not have; what the other has is waited for."""
    folder = prepare(tmp_path)
    runners = [start(folder, *RUN) for _ in range(2)]
    for code, said in map(finish, runners):
        assert code == 0, said
    assert results(folder) == expected
    assert attempts(folder) == dict.fromkeys(expected, 1)


def test_four_shards_make_all_runs_once(expected, tmp_path):
    """Each run is in one share; together they are the study."""
    folder = prepare(tmp_path)
    shards = [start(folder, *RUN, "--shard", f"{number}/4") for number in range(1, 5)]
    for code, said in map(finish, shards):
        assert code == 0, said
    assert results(folder) == expected
    assert attempts(folder) == dict.fromkeys(expected, 1)


def test_each_program_is_traced_once_and_status_says_so(expected, tmp_path):
    """Not once a run: rates and seeds share a trace."""
    folder = prepare(tmp_path)
    assert program(folder, *RUN)[0] == 0
    code, said = program(folder, "status", "whole")
    assert code == 0
    assert "4 runs, 0 begun and not finished; 2 traces of 2 programs." in said
    assert results(folder) == expected


def begun(folder, attempt=1):
    """Waits until some run has begun an attempt and passed its second evaluation."""
    for _ in range(3000):
        for path in folder.glob(f"runs/whole-*/trials/*/*/metrics-{attempt}.jsonl"):
            if not (path.parent / "DONE").exists() and path.read_bytes().count(b"\n") > 2:
                return path.parent
        time.sleep(0.01)
    raise AssertionError("no run has begun")


def test_an_interruption_keeps_a_checkpoint_two_stop_at_once_and_resume_goes_on(expected, tmp_path):
    """Exit codes 143 and 130; nothing is lost, and in the end the records are those without an interruption."""
    folder = prepare(tmp_path)
    words = ("whole.toml", "--jobs", "1")
    running = start(folder, "run", *words)
    run = begun(folder)
    running.send_signal(signal.SIGTERM)
    code, said = finish(running)
    assert code == 143, said
    assert "Keeping checkpoints; interrupt again to stop at once." in said
    assert f"the same command goes on: python -m experiments run {' '.join(words)}" in said
    assert json.loads((run / "ended-1.json").read_text(encoding="utf-8"))["status"] == "interrupted"
    assert len(list(run.glob("ckpt/epoch-*/MANIFEST.json"))) == 1
    assert "interrupted: " in program(folder, "status")[1]

    running = start(folder, "resume", "--jobs", "1")
    assert begun(folder, attempt=2) == run
    running.send_signal(signal.SIGINT)
    time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    code, said = finish(running)
    assert code in (0, 130), said

    code, said = program(folder, "resume")
    assert code == 0, said
    header = json.loads((run / "metrics-2.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert (header["attempt"], header["resumed_attempt"]) == (2, 1)
    assert header["resumed_epoch"] > 0
    assert program(folder, "run", *words)[0] == 0
    assert results(folder) == expected


KILLS = 20


def battered(folder, early, real=False):
    """Carries out the study, killed twenty times: the engine, its worker, or both; returns how often it was at work.

    Args:
        folder: where it is.
        early: share of the kills that come while the program starts, at random times; the others come after a
            random number of evaluations, on any machine.
        real: whether TensorFlow trains.
    """
    draw, interrupted = random.Random(6), 0
    for number in range(KILLS):
        running = start(folder, *RUN, real=real, stdout=None, stderr=subprocess.DEVNULL)
        if draw.random() < early:
            time.sleep(draw.uniform(0.0, 2.0))
        else:
            _evaluated(folder, running, draw.randint(1, 40))
            time.sleep(draw.uniform(0.0, 0.02))
        interrupted += running.poll() is None
        workers = _children(running.pid)
        for pid in ([running.pid], workers, [running.pid, *workers])[number % 3]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        running.kill()
        running.wait()
    code, said = program(folder, *RUN, real=real)
    assert code == 0, said
    return interrupted


def _evaluated(folder, running, count):
    """Waits for a number of further lines of metrics, or the program's end."""
    before = _lines(folder)
    while running.poll() is None and _lines(folder) < before + count:
        time.sleep(0.005)


def _lines(folder):
    return sum(path.read_bytes().count(b"\n") for path in folder.glob("runs/whole-*/trials/*/*/metrics-*.jsonl"))


def test_twenty_kills_leave_the_records_of_an_uninterrupted_study(expected, tmp_path):
    """At random moments from a fixed seed, some of them while the program starts, most while it trains."""
    assert battered(prepare(tmp_path), 0.2) > KILLS / 2
    assert results(tmp_path) == expected
    assert max(attempts(tmp_path).values()) > 2


@pytest.mark.slow
def test_twenty_kills_leave_the_records_of_an_uninterrupted_training(tmp_path):
    """The same with TensorFlow, whose start takes seconds."""
    whole, killed = prepare(tmp_path / "whole"), prepare(tmp_path / "killed")
    code, said = program(whole, *RUN, real=True)
    assert code == 0, said
    battered(killed, 0.6, real=True)
    assert len(results(whole)) == 4
    assert results(killed) == results(whole)


@pytest.mark.slow
def test_shards_in_two_processes_give_the_records_of_one_process(tmp_path):
    """With TensorFlow: which other runs a worker has had, and how many workers there are, changes no bit."""
    one, two = prepare(tmp_path / "one"), prepare(tmp_path / "two")
    assert program(one, *RUN, real=True)[0] == 0
    shards = [start(two, *RUN, "--shard", f"{number}/2", real=True) for number in (1, 2)]
    for code, said in map(finish, shards):
        assert code == 0, said
    assert len(results(one)) == 4
    assert results(two) == results(one)


def _children(pid):
    """The processes that a process has started."""
    said = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False).stdout
    return [int(word) for word in said.split()]
