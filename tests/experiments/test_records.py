"""A record is whole or it is none; what is recorded is not made again, and not altered unseen."""

import math
import zlib

import pytest

from experiments import environment, records
from tests.experiments.small import evaluations, run


@pytest.fixture
def folder(tmp_path):
    """The folder of a run."""
    return records.folder(tmp_path, "small", run())


def finished(folder, accuracies=(0.1, 0.9), status="done"):
    """Writes a record of the small run."""
    attempt = records.Attempt(folder, run())
    for evaluation in evaluations(accuracies):
        attempt.append(evaluation)
    attempt.finish(status, environment.describe(1), {"note": "small"})
    return attempt


def test_checksums_have_the_known_values():
    """Other tools can check our lines."""
    assert f"{zlib.crc32(b'123456789'):08x}" == "cbf43926"
    assert records.line({"step": 10, "loss": 0.5}) == '{"loss":0.5,"step":10,"crc":"215028d5"}'


def test_a_record_is_read_back_as_it_was_written(folder):
    """The specification, how it ended, and every evaluation."""
    finished(folder)
    record = records.read(folder, test=True)
    assert (record.run, record.status, record.summary) == (run(), "done", {"note": "small"})
    assert record.evaluations == evaluations((0.1, 0.9))


def test_test_scores_are_opened_only_on_request(folder):
    """Nothing that chooses can see them by accident."""
    finished(folder)
    assert not [key for evaluation in records.read(folder).evaluations for key in evaluation if "test" in key]
    assert "test_accuracy" not in (folder / "metrics-1.jsonl").read_text(encoding="utf-8")


def test_numbers_that_json_lacks_survive(folder):
    """A diverged run is a result, NaN and all."""
    finished(folder, (0.1, math.nan), "diverged")
    record = records.read(folder)
    assert record.status == "diverged"
    assert math.isnan(record.evaluations[1]["train_accuracy"])


def test_a_run_without_its_mark_of_completion_is_no_record(folder):
    """A killed run leaves files, and none of them is believed."""
    attempt = records.Attempt(folder, run())
    attempt.append(evaluations((0.1,))[0])
    assert records.read(folder) is None


@pytest.mark.parametrize("name", ["metrics-1.jsonl", "test-1.jsonl", "result-1.json", "spec.json"])
def test_an_altered_record_is_no_record(folder, name):
    """Every file is under a checksum, or is one."""
    finished(folder)
    path = folder / name
    path.write_text(path.read_text(encoding="utf-8").replace("1", "2", 1), encoding="utf-8")
    assert records.read(folder, test=True) is None


def test_torn_lines_are_left_out(tmp_path):
    """Whole lines before and after a torn one are kept."""
    path = tmp_path / "lines.jsonl"
    whole = [records.line({"step": step}) for step in range(3)]
    for cut in range(1, len(whole[1]) - 1):
        path.write_text("\n".join([whole[0], whole[1][:cut], whole[2]]), encoding="utf-8")
        assert [found["step"] for found in records.lines_of(path)] == [0, 2]


def test_two_attempts_at_a_run_write_files_of_their_own_and_the_first_to_end_counts(folder):
    """Two processes at one run tear nothing."""
    slow = records.Attempt(folder, run())
    finished(folder, (0.1, 0.9))
    for evaluation in evaluations((0.1, 0.5)):
        slow.append(evaluation)
    slow.finish("done", {}, {})
    assert (folder / "DONE").read_text(encoding="utf-8").startswith("2 ")
    assert records.read(folder).evaluations[-1]["train_accuracy"] == 0.9


def test_a_discarded_record_is_made_again_beside_the_old_one(folder):
    """Records of other code are kept, but do not count."""
    finished(folder, (0.1, 0.9))
    records.discard(folder)
    assert records.read(folder) is None
    finished(folder, (0.1, 0.7))
    assert records.read(folder).evaluations[-1]["train_accuracy"] == 0.7


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    """A full disk costs the new file, not the old one."""
    path = tmp_path / "file"
    records.write(path, "old")

    def full(descriptor):
        raise OSError("no space left on device")

    monkeypatch.setattr(records.os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        records.write(path, "new")
    assert path.read_text(encoding="utf-8") == "old"


def test_runs_that_differ_in_anything_have_folders_of_their_own(tmp_path):
    """The hash is over the whole specification."""
    runs = [run(), run(seed=1), run(rate=0.002), run("GD"), run(epochs=2), run(batch_size=64)]
    assert len({records.folder(tmp_path, "small", one) for one in runs}) == len(runs)


def test_records_of_other_code_or_versions_are_not_current():
    """A comparison never mixes codes or versions."""
    described = environment.describe(1)
    assert environment.current(described)
    assert not environment.current({**described, "source": "other"})
    assert not environment.current({**described, "keras": "0.0.1"})
    assert not environment.current({**described, "onednn": "other"})


def test_times_of_parallel_runs_are_marked():
    """They may be shown as a hint, and never compared."""
    assert environment.describe(2)["timing"].startswith("not-for-timing")
    assert environment.describe(1)["timing"] == "alone"
