"""A run that was stopped goes on from the disk as if nothing had happened: dropout, moving averages, moved images."""

import dataclasses
from types import SimpleNamespace

import pytest

from experiments.problems.tasks import TASKS
from experiments.records import files, leases, run_folder
from experiments.running.engines import execute
from tests.experiments import tiny
from tests.experiments.running.test_train_segmentation import run
from tfoptim.resume import checkpoints

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _tiny(monkeypatch):
    """The tiny segmentation, in this process."""
    monkeypatch.setitem(TASKS, "mni152", tiny.TASK)
    monkeypatch.setattr("experiments.problems.datasets.load.load", tiny.load)


def carried_out(path, one, kept=None, stop=None, seconds=0.0):
    """Carries out a run, stopping after a pass; returns what was said."""
    kept, said = kept or execute.WorkerCache(), []
    kept.stopping = False

    def say(kind, **content):
        said.append((kind, content))
        if kind == "evaluated" and content["epoch"] == stop:
            kept.stopping = True

    job = {"spec": one.content, "folder": str(path), "environment": {}, "checkpoint_seconds": seconds}
    if stop is None:
        execute.execute_run(job, kept, say)
    else:
        with pytest.raises(execute.Stopped):
            execute.execute_run(job, kept, say)
    return said


def result(path):
    """What a record says but how long it took."""
    record = run_folder.read(path, test=True)
    rows = [{key: value for key, value in row.items() if key != "seconds"} for row in record.evaluations]
    return record.status, record.summary["state_sha256"], record.files["predictions"].read_bytes(), rows


@pytest.fixture
def one():
    """A run of four passes."""
    return dataclasses.replace(run(), epochs=4)


def test_a_stopped_run_goes_on_in_another_process_to_the_last_bit(tmp_path, one):
    """Twice stopped, the last time with a damaged checkpoint, skipped for the one before it."""
    whole, path = tmp_path / one.identity[:20], tmp_path / "again" / one.identity[:20]
    carried_out(whole, one)
    carried_out(path, one, stop=1, seconds=1000)
    assert ["step-00000003"] == [found.name for found in (path / "ckpt").iterdir()]
    carried_out(path, one, stop=3)
    (path / "ckpt" / "step-00000009" / "arrays.npz").write_bytes(b"")
    said = carried_out(path, one)
    notes = [content["text"] for kind, content in said if kind == "note"]
    assert len(notes) == 1
    assert "step-00000009: arrays.npz is damaged" in notes[0]
    assert ("started", {"attempt": 3, "epoch": 2}) in said
    assert [content["epoch"] for kind, content in said if kind == "evaluated"] == [3, 4]
    assert result(path) == result(whole)
    assert not (path / "ckpt").exists()


def test_the_fifth_run_of_a_worker_is_the_run_alone(tmp_path, one):
    """After others, one of another optimizer and one that was stopped among them."""
    alone, fifth = tmp_path / one.identity[:20], tmp_path / "fifth" / one.identity[:20]
    carried_out(alone, one)
    kept = execute.WorkerCache()
    for number, other in enumerate([run("GD"), run(seed=3), run(learning_rate=0.3)]):
        carried_out(tmp_path / str(number), other, kept)
    carried_out(tmp_path / "stopped", run(seed=5, epochs=3), kept, stop=1)
    carried_out(fifth, one, kept)
    assert result(fifth) == result(alone)


def test_traces_are_counted_once_a_program(tmp_path):
    """The first run of a program has traced it; the next of the same program has not."""
    kept, found = execute.WorkerCache(), []
    for other in (run(), run(seed=1), run(learning_rate=0.3), run("GD"), run("GD", seed=1)):
        path = tmp_path / other.identity[:20]
        carried_out(path, other, kept)
        found.append(run_folder.read(path).summary["traces"])
    assert found == [1, 0, 0, 1, 0]


def test_a_run_that_another_process_has_is_left_to_it(tmp_path, one):
    """And once that is finished, it is not made again."""
    path = tmp_path / one.identity[:20]
    path.mkdir()
    with leases.claim(path):
        said = carried_out(path, one)
    assert [kind for kind, _ in said] == ["busy"]
    assert said[0][1]["owner"].startswith("process ")
    assert not list(path.glob("metrics-*"))


def test_a_run_that_was_taken_over_publishes_nothing(tmp_path, one, monkeypatch):
    """The late writer's result does not count."""
    path = tmp_path / one.identity[:20]

    def lost(lease):
        raise leases.Lost("taken over")

    monkeypatch.setattr(leases.Lease, "check", lost)
    with pytest.raises(leases.Lost):
        carried_out(path, one, seconds=1000)
    assert not (path / "DONE").exists()


def test_a_run_that_fails_says_why_and_is_no_result(tmp_path, one, monkeypatch):
    """Failures are never stored as results; memory that does not suffice has a name of its own."""
    for number, (error, status) in enumerate([(MemoryError("too much"), "oom"), (RuntimeError("bad"), "failed")], 1):

        def broken(program, error=error):
            raise error

        monkeypatch.setattr("experiments.running.training.train.Program.state", broken)
        with pytest.raises(type(error)):
            carried_out(tmp_path, one)
        said = (tmp_path / f"ended-{number}.json").read_text(encoding="utf-8")
        assert f'"status":"{status}"' in said
    assert run_folder.read(tmp_path) is None


def test_a_full_disk_ends_the_run_and_it_goes_on_once_there_is_space(tmp_path, one, monkeypatch):
    """From the checkpoint before."""
    path = tmp_path / one.identity[:20]
    real = checkpoints.write

    def full(folder, name, arrays, content):
        if content["evaluations"][-1]["epoch"] == 2:
            raise OSError(28, "No space left on device")
        real(folder, name, arrays, content)

    monkeypatch.setattr(checkpoints, "write", full)
    with pytest.raises(files.StorageError, match="ckpt cannot be written: No space left on device"):
        carried_out(path, one)
    monkeypatch.setattr(checkpoints, "write", real)
    said = carried_out(path, one)
    assert ("started", {"attempt": 2, "epoch": 1}) in said
    assert run_folder.read(path) is not None


def test_checkpoints_cost_a_twentieth_of_the_time_at_most(monkeypatch):
    """One that took ten seconds is followed by the next after two hundred."""
    now = iter([0.0, 29.0, 30.0, 31.0, 41.0, 240.0, 241.0])
    monkeypatch.setattr(execute.time, "monotonic", lambda: next(now))
    pace = execute.Pace(30.0)
    assert [pace.due(), pace.due()] == [False, True]
    pace.keep(lambda: None)
    assert [pace.due(), pace.due()] == [False, True]


def test_a_worker_keeps_its_last_programs_and_counts_the_traces_of_each(monkeypatch):
    """A run of a program that is kept compiles nothing; the one unused for longest is let go first."""
    made = []

    def program(one, data):
        made.append(one.seed)
        return SimpleNamespace(traces=1)

    monkeypatch.setattr("experiments.running.training.train.Program", program)
    monkeypatch.setattr(execute.WorkerCache, "_splits", lambda kept, one: {})
    monkeypatch.setattr(execute, "PROGRAMS", 2)
    kept = execute.WorkerCache()
    traces = []
    for number in (0, 1, 0, 2, 0, 1):
        kept.program(dataclasses.replace(run(), batch_size=32 + number, seed=number))
        traces.append(kept.traces())
    assert made == [0, 1, 2, 1]
    assert traces == [1, 1, 0, 1, 0, 1]


def test_a_worker_whose_memory_grows_is_followed_by_a_fresh_one(monkeypatch):
    """By more than half a gibibyte over what its first run left."""
    sizes = iter([2**30, 2**30 + 2**28, 2**30 + 2**29 + 1])
    monkeypatch.setattr("experiments.running.timing_pass.resident", lambda: next(sizes))
    kept = execute.WorkerCache()
    assert [kept.rest(run()) for _ in range(3)] == [False, False, True]


def test_a_worker_that_has_served_half_an_hour_is_followed_by_a_fresh_one(monkeypatch):
    """By the clock that does not jump."""
    now = iter([0.0, 10.0, 1801.0])
    monkeypatch.setattr(execute.time, "monotonic", lambda: next(now))
    kept = execute.WorkerCache()
    assert [kept.rest(run()) for _ in range(2)] == [False, True]
