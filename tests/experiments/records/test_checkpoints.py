"""A checkpoint comes back to the last bit or not at all, and a damaged one makes way for the one before it."""

import math
import subprocess
import sys

import numpy as np
import pytest

from experiments import environment
from experiments.records import checkpoints, files
from experiments.records.checkpoints import Checkpoint
from tests.experiments.small import STEPS, evaluations

ARRAYS = (
    np.array([[0.1, -0.0, math.nan], [math.inf, 1e-45, 3.0]], np.float32),
    np.array(7, np.int64),
    np.zeros((0, 3), np.float64),
    np.array([1, 2**32 - 1], np.uint32),
)


def state(epoch, attempt=1):
    """A state after some pass."""
    return Checkpoint(attempt, evaluations([0.1 * n for n in range(epoch + 1)]), (np.array(epoch), *ARRAYS))


def kept(folder, *epochs):
    """Keeps states after some passes in a folder; returns the files of the last."""
    for epoch in epochs:
        checkpoints.save(folder, "run", state(epoch))
    return folder / "ckpt" / f"step-{STEPS * epochs[-1]}"


def test_a_state_comes_back_to_the_last_bit(tmp_path):
    """Signs of zero, NaN, shapes and types among it, and the evaluations as they were."""
    kept(tmp_path, 3)
    found, passed_over = checkpoints.load(tmp_path, "run")
    assert passed_over == []
    assert (found.attempt, found.epoch, found.evaluations) == (1, 3, evaluations([0.1 * n for n in range(4)]))
    for actual, expected in zip(found.variables, state(3).variables, strict=True):
        assert (actual.tobytes(), actual.shape, actual.dtype) == (expected.tobytes(), expected.shape, expected.dtype)


def test_the_newest_two_are_kept(tmp_path):
    """The tenth pass is newer than the ninth."""
    kept(tmp_path, 2, 9, 10)
    assert ["step-288", "step-320"] == sorted(path.name for path in (tmp_path / "ckpt").iterdir())
    assert checkpoints.load(tmp_path, "run")[0].epoch == 10


def truncate(path):
    """Cuts a file in half."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path):
    """Leaves a file without content."""
    path.write_bytes(b"")


def flip(path):
    """Flips one bit in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("name", ["variables.bin", "state.json", "MANIFEST.json"])
@pytest.mark.parametrize("harm", [truncate, empty, flip, lambda path: path.unlink()])
def test_a_damaged_checkpoint_is_passed_over_for_the_one_before_it(tmp_path, name, harm):
    """And it is said which, and why."""
    harm(kept(tmp_path, 4, 5) / name)
    found, (sentence,) = checkpoints.load(tmp_path, "run")
    assert found.epoch == 4
    assert sentence.startswith(f"The checkpoint {tmp_path / 'ckpt' / 'step-160'} is passed over: ")


def test_files_of_two_checkpoints_that_were_swapped_are_found_out(tmp_path):
    """The manifest knows its own."""
    path = kept(tmp_path, 4, 5)
    other = tmp_path / "ckpt" / "step-128"
    (path / "variables.bin").replace(tmp_path / "x")
    (other / "variables.bin").replace(path / "variables.bin")
    (tmp_path / "x").replace(other / "variables.bin")
    found, passed_over = checkpoints.load(tmp_path, "run")
    assert found is None
    assert len(passed_over) == 2


def test_a_checkpoint_of_another_run_is_not_gone_on_from(tmp_path):
    """Though it is sound."""
    kept(tmp_path, 4)
    found, (sentence,) = checkpoints.load(tmp_path, "another")
    assert found is None
    assert sentence.endswith("it belongs to another run.")


def test_a_checkpoint_of_other_code_is_not_gone_on_from(tmp_path, monkeypatch):
    """A run is never half of one code and half of another."""
    kept(tmp_path, 4)
    monkeypatch.setattr(environment, "source", lambda: "changed")
    found, (sentence,) = checkpoints.load(tmp_path, "run")
    assert found is None
    assert sentence.endswith("it was made with other code.")


def test_a_full_disk_costs_the_new_checkpoint_and_not_the_old_ones(tmp_path, monkeypatch):
    """It is told with its path; nothing half-written is left."""
    kept(tmp_path, 4, 5)

    def full(path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoints, "sync", full)
    with pytest.raises(files.StorageError, match="ckpt cannot be written: No space left on device"):
        kept(tmp_path, 6)
    assert ["step-128", "step-160"] == sorted(path.name for path in (tmp_path / "ckpt").iterdir())


def test_a_link_in_the_place_of_checkpoints_is_not_followed(tmp_path):
    """Nothing is written where it leads."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "ckpt").symlink_to(tmp_path / "outside", target_is_directory=True)
    with pytest.raises(files.StorageError, match="it is a link"):
        kept(tmp_path, 1)
    assert [] == list((tmp_path / "outside").iterdir())


# Every change of the disk goes through one of these; the process dies in place of the nth of them.
KILLED = """
import os, signal, sys
from pathlib import Path
import numpy as np
from experiments import environment
from experiments.records import checkpoints
count = 0
environment.source(), environment.versions()

def deadly(module, name):
    real = getattr(module, name)
    def call(*arguments, **named):
        global count
        count += 1
        if count == int(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **named)
    setattr(module, name, call)

for name in ("mkdir", "open", "rename", "rmdir", "unlink", "fsync"):
    deadly(os, name)
for name in ("mkdir", "open", "rename", "write_text"):
    deadly(Path, name)
evaluations = tuple({"step": 32 * epoch, "epoch": epoch} for epoch in range(4))
checkpoints.save(Path(sys.argv[1]), "run", checkpoints.Checkpoint(1, evaluations, (np.arange(5.0),)))
"""


@pytest.mark.slow
def test_a_kill_at_any_file_operation_leaves_the_old_or_the_new_checkpoint(tmp_path):
    """Never an error, and never one older than the one before."""
    died, found = [], []
    for number in range(1, 60):
        folder = tmp_path / str(number)
        kept(folder, 1, 2)
        died.append(subprocess.run([sys.executable, "-c", KILLED, folder, str(number)], check=False).returncode)
        loaded, passed_over = checkpoints.load(folder, "run")
        found.append(loaded.epoch)
        assert passed_over == []
        if died[-1] == 0:
            break
    assert died == [-9] * (len(died) - 1) + [0]
    assert found == sorted(found)
    assert {2, 3} == set(found)
