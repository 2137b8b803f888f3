"""Whatever carries out a study, and whatever happens to it, its records are the same to the last bit."""

import json
import signal
import time

import pytest

from tests.experiments.whole import EPOCHS, KILLS, attempts, battered, begun, finish, prepare, program, results, start

RUN = ("run", "whole.toml", "--jobs", "1", "--checkpoint", "0")

pytestmark = pytest.mark.slow


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
    assert "4 runs, 0 unfinished; 2 traces of 2 programs." in said
    assert results(folder) == expected


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
    assert f"the same command continues: python -m experiments run {' '.join(words)}" in said
    assert json.loads((run / "ended-1.json").read_text(encoding="utf-8"))["status"] == "interrupted"
    assert len(list(run.glob("ckpt/step-*/MANIFEST.json"))) == 1
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
    assert header["resumed_step"] > 0
    assert program(folder, "run", *words)[0] == 0
    assert results(folder) == expected


def test_twenty_kills_leave_the_records_of_an_uninterrupted_study(expected, tmp_path):
    """At random moments from a fixed seed, some of them while the program starts, most while it trains."""
    assert battered(prepare(tmp_path), RUN, 0.2) > KILLS / 2
    assert results(tmp_path) == expected
    assert max(attempts(tmp_path).values()) > 2
