"""Faults of the machine cost the run that they hit at most, are told in a sentence, and change no record."""

import json
import os
import pty
import shutil
import signal
import time

import pytest

from tests.experiments.whole import attempts, begun, children, finish, prepare, program, results, start

RUN = ("run", "whole.toml", "--jobs", "1", "--checkpoint", "0.1")
# Root writes everywhere, but for a program without that capability (24 drops it, 1 is its number).
NO_ROOT = "import ctypes, sys\nsys.platform == 'linux' and ctypes.CDLL(None).prctl(24, 1, 0, 0, 0)"
# A checkpoint has 600 kB, all else little: this is a disk that is full at the first checkpoint.
FULL = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """The records of the study when nothing happens."""
    folder = prepare(tmp_path_factory.mktemp("expected"))
    code, said = program(folder, *RUN)
    assert code == 0, said
    return results(folder)


def fault(folder, name):
    """Asks for a fault at the fifth pass of the runs with seed 1."""
    (folder / "faults").mkdir()
    (folder / "faults" / name).touch()


def ended(folder):
    """How the attempts ended that gave no result."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("runs/whole-*/trials/*/*/ended-*")]


def test_a_worker_that_is_killed_costs_its_run_alone_which_is_tried_again(expected, tmp_path):
    """As the kernel does when memory runs out; the others go on."""
    fault(prepare(tmp_path), "kill")
    code, said = program(tmp_path, *RUN)
    assert code == 0, said
    assert "failed (its worker ended with code -9, perhaps for lack of memory), will be tried again" in said
    assert ["killed"] == [end["status"] for end in ended(tmp_path)]
    assert results(tmp_path) == expected
    assert sorted(attempts(tmp_path).values()) == [1, 1, 1, 2]


def test_runs_without_enough_memory_are_told_and_the_others_are_made(expected, tmp_path):
    """They are tried three times; once there is memory, they give what they would have given."""
    fault(prepare(tmp_path), "memory")
    code, said = program(tmp_path, *RUN)
    assert code == 1
    assert said.count("error: ") == 1
    assert "error: 2 of 4 runs failed, the first because: " in said
    assert "Unable to allocate" in said
    assert ["oom"] * 6 == [end["status"] for end in ended(tmp_path)]
    assert "1 done, 1 oom" in program(tmp_path, "status")[1]
    (tmp_path / "faults" / "memory").unlink()
    code, said = program(tmp_path, "resume")
    assert code == 0, said
    assert results(tmp_path) == expected


def test_a_full_disk_is_told_with_path_and_space_and_there_is_no_damage(expected, tmp_path):
    """Once there is space, the same command makes the records."""
    code, said = program(prepare(tmp_path), *RUN, limits=FULL)
    assert code == 1
    assert "ckpt cannot be written: File too large; while writing a checkpoint of 0.6 MB (" in said
    assert " MiB free)" in said
    assert "Traceback" not in said
    assert results(tmp_path) == {}
    code, said = program(tmp_path, *RUN)
    assert code == 0, said
    assert results(tmp_path) == expected


def test_a_folder_that_cannot_be_written_is_told_before_anything_is_trained(expected, tmp_path):
    """Wherever that is: of the whole, or of a study that was begun."""
    prepare(tmp_path)
    tmp_path.chmod(0o555)
    code, said = program(tmp_path, *RUN, limits=NO_ROOT)
    tmp_path.chmod(0o755)
    assert (code, len(said.splitlines())) == (2, 1)
    assert said.startswith("error: runs/logs/whole cannot be written: Permission denied (")
    assert [path.name for path in tmp_path.iterdir()] == ["whole.toml"]

    assert program(tmp_path, *RUN, "--shard", "1/2")[0] == 0
    (trials,) = tmp_path.glob("runs/whole-*/trials")
    trials.chmod(0o555)
    code, said = program(tmp_path, *RUN, limits=NO_ROOT)
    trials.chmod(0o755)
    assert code == 1
    assert "lease cannot be written: Permission denied (" in said
    assert program(tmp_path, *RUN)[0] == 0
    assert results(tmp_path) == expected


def test_a_clock_that_jumps_by_days_changes_nothing(expected, tmp_path):
    """At each look at it, of the program and of its workers."""
    code, said = program(prepare(tmp_path), *RUN, variables={"JUMPING_CLOCK": "1"})
    assert code == 0, said
    assert results(tmp_path) == expected


def test_a_reader_that_has_had_enough_of_the_progress_ends_the_program(expected, tmp_path):
    """As `2>&1 | head -2` does: what is under way is kept, and there is no traceback to read."""
    reader, writer = os.pipe()
    running = start(prepare(tmp_path), *RUN, stdout=writer, stderr=writer)
    os.close(writer)
    with os.fdopen(reader) as lines:
        said = [lines.readline() for _ in range(2)]
    assert "[1/4]" in said[1]
    assert running.wait(60) == 128 + signal.SIGPIPE
    assert {end["status"] for end in ended(tmp_path)} <= {"interrupted"}
    code, said = program(tmp_path, *RUN)
    assert code == 0, said
    assert results(tmp_path) == expected


@pytest.mark.parametrize("closed", ["1", "0, 1, 2"])
def test_a_program_without_input_or_output_does_its_work(expected, tmp_path, closed):
    """As some schedulers start one."""
    close = f"for number in ({closed},):\n    os.close(number)"
    running = start(prepare(tmp_path), *RUN, limits=close)
    code, said = finish(running)
    assert code == 0, said
    assert results(tmp_path) == expected


def test_on_a_terminal_there_is_a_bar_with_the_time_left(expected, tmp_path):
    """And all is well in one of few columns."""
    ours, theirs = pty.openpty()
    running = start(
        prepare(tmp_path), *RUN, stdout=theirs, stderr=theirs, variables={"TERM": "xterm", "COLUMNS": "100"}
    )
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 4096):
            shown += part
    except OSError:  # how Linux says that the other side is closed
        pass
    os.close(ours)
    assert running.wait(60) == 0
    assert b"480/480" in shown
    assert b" left" in shown
    assert results(tmp_path) == expected


def test_a_study_goes_on_where_its_folder_is_copied_to(expected, tmp_path):
    """From the machine that was killed, with its leases: no file names the place that it was in."""
    here, there = prepare(tmp_path / "here"), tmp_path / "elsewhere"
    running = start(here, *RUN)
    begun(here)
    for pid in (running.pid, *children(running.pid)):
        os.kill(pid, signal.SIGKILL)
    running.communicate()
    shutil.copytree(here, there)
    (owner,) = there.glob("runs/whole-*/trials/*/*/lease/owner.json")
    owner.write_text(json.dumps(json.loads(owner.read_text()) | {"host": "another"}), encoding="utf-8")
    long_ago = time.time() - 3600
    os.utime(owner, (long_ago, long_ago))
    for path in here.glob("runs/whole-*/**/*"):
        assert not path.is_file() or str(tmp_path).encode() not in path.read_bytes()
    shutil.rmtree(here)
    code, said = program(there, "resume")
    assert code == 0, said
    assert program(there, *RUN)[0] == 0
    assert results(there) == expected
    assert attempts(there)[owner.parents[1].name] == 2


def test_records_of_another_tensorflow_are_made_again_and_that_is_said(expected, tmp_path):
    """Bits are promised for one version only: finished runs count no more, begun ones begin anew."""
    running = start(prepare(tmp_path), *RUN)
    begun(tmp_path)
    running.send_signal(signal.SIGTERM)
    assert finish(running)[0] == 143
    other = {"OTHER_TENSORFLOW": "2.99.0"}
    code, said = program(tmp_path, *RUN, variables=other)
    assert code == 0, said
    assert ": it was made with tensorflow 2." in said
    assert "(here 2.99.0)." in said
    assert results(tmp_path) == expected
    code, said = program(tmp_path, *RUN, "--dry-run")
    assert (code, said.count("4 to make")) == (0, 1)
    assert "whole: 4 of those to make are recorded, made with tensorflow 2.99.0 (here 2." in said
    code, said = program(tmp_path, *RUN)
    assert code == 0, said
    assert "4 of 4 recorded runs are not used: made with tensorflow 2.99.0 (here 2." in said
    assert set(attempts(tmp_path).values()) <= {2, 3}
    assert results(tmp_path) == expected


def test_a_run_that_another_machine_has_is_waited_for_and_that_is_said(expected, tmp_path):
    """With the time after which it is taken over, should that machine have died; --no-wait has exit code 3."""
    assert program(prepare(tmp_path), *RUN, "--shard", "1/2")[0] == 0
    lease = json.dumps({"token": "t", "host": "another", "pid": 7, "boot": "b", "start": "s"})
    missing = [name for name in expected if name not in results(tmp_path)]
    (trials,) = tmp_path.glob("runs/whole-*/trials")
    owner = trials / missing[0][:2] / missing[0] / "lease" / "owner.json"
    owner.parent.mkdir(parents=True)
    owner.write_text(lease, encoding="utf-8")
    code, said = program(tmp_path, *RUN, "--no-wait")
    assert code == 3, said
    assert "1 of " in said
    assert "runs are locked by other processes, the first " in said
    running = start(tmp_path, *RUN)
    for line in running.stderr:
        if "waiting: locked by process 7 on another; a stale lock" in line:
            break
    shutil.rmtree(owner.parent)
    code, said = finish(running)
    assert code == 0, said
    assert results(tmp_path) == expected
