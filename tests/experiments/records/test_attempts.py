"""An attempt resumes from the state of an earlier one to the last bit, or starts from the beginning."""

import errno
import math
import os
import subprocess
import sys

import numpy as np
import pytest

from experiments import environment
from experiments.records import attempts, files, run_folder
from experiments.records.attempts import Checkpoint
from tests.experiments.small import STEPS, evaluations, run

ARRAYS = (
    np.array([[0.1, -0.0, math.nan], [math.inf, 1e-45, 3.0]], np.float32),
    np.array(7, np.int64),
    np.zeros((0, 3), np.float64),
    np.array([1, 2**32 - 1], np.uint32),
)


def state(epoch, last=0.9):
    """A state after some epoch, whose last accuracy is given."""
    accuracies = [0.1 * n for n in range(epoch)] + [last]
    return Checkpoint(1, evaluations(accuracies), (np.array(epoch), *ARRAYS))


def kept(folder, *epochs):
    """Saves states after some epochs in a folder; returns the checkpoint of the last."""
    for epoch in epochs:
        attempts.save(folder, "run", state(epoch))
    return folder / "ckpt" / f"step-{STEPS * epochs[-1]:08d}"


def test_a_state_comes_back_to_the_last_bit(tmp_path):
    """Arrays in their order, with signs of zero, NaN, shapes and dtypes; and the evaluations, NaN included."""
    attempts.save(tmp_path, "run", state(3, math.nan))
    found, skipped = attempts.resumable(tmp_path, "run")
    assert skipped == []
    assert (found.attempt, found.epoch, found.step) == (1, 3, 3 * STEPS)
    assert repr(found.evaluations) == repr(state(3, math.nan).evaluations)
    for actual, expected in zip(found.variables, state(3).variables, strict=True):
        assert (actual.tobytes(), actual.shape, actual.dtype) == (expected.tobytes(), expected.shape, expected.dtype)


def test_many_variables_come_back_in_their_order(tmp_path):
    """The tenth does not come before the second."""
    checkpoint = Checkpoint(1, evaluations([0.1]), tuple(np.array(number) for number in range(12)))
    attempts.save(tmp_path, "run", checkpoint)
    assert list(range(12)) == [int(array) for array in attempts.resumable(tmp_path, "run")[0].variables]


def test_the_newest_two_are_kept(tmp_path):
    """Epoch 10 is newer than epoch 9."""
    kept(tmp_path, 2, 9, 10)
    assert ["step-00000288", "step-00000320"] == sorted(path.name for path in (tmp_path / "ckpt").iterdir())
    assert attempts.resumable(tmp_path, "run")[0].epoch == 10


def test_a_run_without_checkpoints_starts_from_the_beginning(tmp_path):
    """Without a word."""
    assert attempts.resumable(tmp_path, "run") == (None, [])


@pytest.mark.parametrize("name", ["arrays.npz", "content.json", "MANIFEST.json"])
def test_a_damaged_checkpoint_is_skipped_for_the_one_before_it(tmp_path, name):
    """With a sentence that names it and the file."""
    path = kept(tmp_path, 4, 5)
    content = bytearray((path / name).read_bytes())
    content[len(content) // 2] ^= 1
    (path / name).write_bytes(content)
    found, (sentence,) = attempts.resumable(tmp_path, "run")
    assert found.epoch == 4
    assert sentence.startswith(f"Checkpoint skipped: {path}: ")
    assert "damaged" in sentence


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    """Though it is intact."""
    kept(tmp_path, 4)
    found, (sentence,) = attempts.resumable(tmp_path, "another")
    assert found is None
    assert sentence.endswith("it belongs to another run.")


def test_a_checkpoint_of_other_code_is_refused(tmp_path, monkeypatch):
    """No run is half of one code and half of another."""
    kept(tmp_path, 4)
    monkeypatch.setattr(environment, "source", lambda: "changed")
    found, (sentence,) = attempts.resumable(tmp_path, "run")
    assert found is None
    assert sentence.endswith("it was made with other code.")


def test_a_full_disk_costs_the_new_checkpoint_and_not_the_old_ones(tmp_path, monkeypatch):
    """The error has the path; nothing half-written is left."""
    kept(tmp_path, 4, 5)

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(files.StorageError, match="ckpt cannot be written: No space left on device"):
        kept(tmp_path, 6)
    assert ["step-00000128", "step-00000160"] == sorted(path.name for path in (tmp_path / "ckpt").iterdir())


def test_a_link_in_the_place_of_checkpoints_is_not_followed(tmp_path):
    """Nothing is written to its target."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "ckpt").symlink_to(tmp_path / "outside", target_is_directory=True)
    with pytest.raises(files.StorageError, match="it is a link"):
        kept(tmp_path, 1)
    assert [] == list((tmp_path / "outside").iterdir())


def test_a_resumed_attempt_has_all_evaluations_and_names_its_checkpoint(tmp_path):
    """So a record rests on the files of one attempt, whatever becomes of the files of earlier ones."""
    folder = run_folder.folder(tmp_path, "small", run())
    first = attempts.Attempt(folder, run())
    for evaluation in evaluations((0.1, 0.4)):
        first.append(evaluation)
    first.checkpoint([np.zeros(3, np.float32)])
    first.append({**evaluations((0.1, 0.4, 0.9))[2], "train_loss": -1.0})
    start, _ = attempts.resumable(folder, run().identity)
    second = attempts.Attempt(folder, run(), start)
    second.append(evaluations((0.1, 0.4, 0.9))[2])
    second.finish("done", environment.describe(1), {})
    header = files.lines_of(folder / "metrics-2.jsonl")[0][0]
    assert header == {"attempt": 2, "resumed_attempt": 1, "resumed_step": 32}
    assert run_folder.read(folder, test=True).evaluations == evaluations((0.1, 0.4, 0.9))
    assert not (folder / "ckpt").exists()


def test_two_attempts_at_a_run_write_their_own_files_and_the_first_to_end_counts(tmp_path):
    """Two processes at one run do not damage each other's files."""
    folder = run_folder.folder(tmp_path, "small", run())
    slow, fast = attempts.Attempt(folder, run()), attempts.Attempt(folder, run())
    for attempt, last in ((fast, 0.9), (slow, 0.5)):
        for evaluation in evaluations((0.1, last)):
            attempt.append(evaluation)
        attempt.finish("done", {}, {})
    assert (folder / "DONE").read_text(encoding="utf-8").startswith("2 ")
    assert run_folder.read(folder).evaluations[-1]["train_accuracy"] == 0.9


def test_records_are_read_and_written_without_tensorflow(tmp_path):
    """Only checkpoints are from tfoptim, whose package imports it; so `status` and `clean` start at once."""
    code = """
import sys
from pathlib import Path
from experiments.records import attempts, costs, leases, run_folder, states, timings
from tests.experiments.small import evaluations, run
folder = run_folder.folder(Path(sys.argv[1]), "small", run())
attempt = attempts.Attempt(folder, run(), attempts.resumable(folder, run().identity)[0])
attempt.append(evaluations((0.1,))[0])
attempt.finish("done", {}, {})
print(states.of(folder, run()).word, "tensorflow" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True)
    assert done.stdout == "outdated False\n"
