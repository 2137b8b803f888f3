"""Checkpoints on disk: damage is named, and a save that is killed at any moment loses nothing."""

import os
import pathlib
import shutil
import warnings

import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.interrupted import train
from tests.library.resume.programs import FAST, assert_equal
from tfoptim.resume import checkpoints

FILES = (checkpoints.ARRAYS, checkpoints.CONTENT, checkpoints.MANIFEST)


def cut(path):
    """Leaves the first half."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path):
    """Changes one bit in the middle."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def swap(path):
    """Takes the file of the other checkpoint."""
    (other,) = [p for p in path.parent.parent.iterdir() if p != path.parent]
    path.write_bytes((other / path.name).read_bytes())


FAULTS = {"cut": cut, "bit": flip, "empty": lambda path: path.write_bytes(b""), "missing": pathlib.Path.unlink}


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("fault", [*FAULTS.values(), swap], ids=[*FAULTS, "swapped"])
def test_damaged_checkpoint_is_named_and_the_one_before_is_taken(fault, file, left):
    """Whatever has happened to whichever file, it is never loaded."""
    newest = checkpoints.newest_first(left)[0]
    fault(newest / file)
    # A manifest that belongs to another checkpoint makes the files look wrong.
    with pytest.warns(UserWarning, match=rf"{newest.name}.*resuming from step-00000005-epoch-0001"):
        resume = tfoptim.callbacks.Resume(left)
    assert (1, 1, 5) == (resume.epoch, resume.batch, resume.step)


def test_training_after_damage_equals_training_in_one_go(whole, left):
    """One step is repeated; the damaged checkpoint is replaced by an intact one."""
    flip(checkpoints.newest_first(left)[0] / checkpoints.ARRAYS)
    with pytest.warns(UserWarning, match=r"arrays\.npz is damaged"):
        actual = train(left, seed=1, **FAST)
    assert_equal(whole, actual)
    assert 2 == len(list(left.iterdir()))
    checkpoints.read(checkpoints.newest_first(left)[1])


def test_only_damaged_checkpoints_are_an_error(left):
    """Starting over in silence would discard what may still be recovered."""
    for path in left.iterdir():
        cut(path / checkpoints.ARRAYS)
    with pytest.raises(ValueError, match=r"no intact checkpoint: .*arrays\.npz.*arrays\.npz"):
        tfoptim.callbacks.Resume(left)


def test_arrays_of_any_kind_come_back(tmp_path):
    """Dtypes that NumPy's files do not know, scalars, empty arrays, and order in memory."""
    bfloat16 = tf.bfloat16.as_numpy_dtype
    arrays = {
        "a/b@1": np.arange(6, dtype=bfloat16).reshape(2, 3),
        "scalar": np.array(7, np.int64),
        "empty": np.zeros((0, 3), np.float32),
        "transposed": np.arange(6.0).reshape(2, 3).T,
        "flags": np.array([True, False]),
    }
    checkpoints.write(tmp_path, checkpoints.name(1, 0), arrays, {"loss": [0.1, float("inf")]})
    _, back, content = checkpoints.read(tmp_path / checkpoints.name(1, 0))
    assert {"loss": [0.1, float("inf")]} == content
    assert [(k, v.dtype, v.shape) for k, v in arrays.items()] == [(k, v.dtype, v.shape) for k, v in back.items()]
    assert [v.tobytes() for v in arrays.values()] == [v.tobytes() for v in back.values()]


def test_full_disk_is_reported_with_path_and_size_and_harms_nothing(tmp_path, monkeypatch):
    """The earlier checkpoint stays, and nothing half-written is left."""
    arrays = {"a": np.zeros(500_000)}
    checkpoints.write(tmp_path, checkpoints.name(1, 0), arrays, {})

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"No space left on device; .* 4\.0 MB.*step-00000002"):
        checkpoints.write(tmp_path, checkpoints.name(2, 0), arrays, {})
    assert ["step-00000001-epoch-0000"] == [path.name for path in tmp_path.iterdir()]
    checkpoints.read(tmp_path / checkpoints.name(1, 0))


class Killed(BaseException):
    """No handler of errors sees this one."""


OPERATIONS = [
    (os, "fsync"),
    (shutil, "rmtree"),
    (np, "savez"),
    (pathlib.Path, "mkdir"),
    (pathlib.Path, "write_text"),
    (pathlib.Path, "rename"),
]


def killed_at(number, monkeypatch, action):
    """Runs an action that ends before its file operation of this number; tells whether it got so far."""
    with monkeypatch.context() as patch:
        left = [number]

        def counted(function):
            def operation(*args, **kwargs):
                left[0] -= 1
                if left[0] < 0:
                    raise Killed
                return function(*args, **kwargs)

            return operation

        for owner, name in OPERATIONS:
            patch.setattr(owner, name, counted(getattr(owner, name)))
        try:
            action()
        except Killed:
            return True
    return False


def test_save_killed_at_any_file_operation_leaves_the_one_before_or_the_new(tmp_path, monkeypatch):
    """Also where a damaged checkpoint of the same name is in the way, and on the next attempt after each kill."""
    new, stale = checkpoints.name(3, 0), {"a": np.array(0)}

    def save():
        checkpoints.write(tmp_path, new, {"a": np.array(3)}, {})
        checkpoints.keep(tmp_path, (new, checkpoints.name(2, 0)))

    for number in range(100):
        for name in (checkpoints.name(1, 0), checkpoints.name(2, 0), new):
            checkpoints.write(tmp_path, name, stale, {})
        cut(tmp_path / new / checkpoints.ARRAYS)
        killed = killed_at(number, monkeypatch, save)
        checkpoints.read(tmp_path / checkpoints.name(2, 0))
        try:
            assert 3 == checkpoints.read(tmp_path / new).arrays["a"]
        except checkpoints.Damaged:
            assert killed
        if not killed:
            break
    assert number > 8
    assert {new, checkpoints.name(2, 0)} == {path.name for path in tmp_path.iterdir()}


def test_other_files_in_the_folder_are_left_alone(left):
    """Only what has the name of a checkpoint is deleted."""
    (left / "notes").mkdir()
    (left / "step-by-step.txt").write_text("mine")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train(left, **FAST)
    assert {"notes", "step-by-step.txt"} <= {path.name for path in left.iterdir()}


def test_the_newest_two_are_kept_and_an_unfinished_newer_one_too(tmp_path):
    """Step 10 is newer than step 9; a newer one may be in the making by another process."""
    for step in (2, 9, 10):
        checkpoints.write(tmp_path, checkpoints.name(step), {"a": np.array(step)}, {})
    for step in (9, 11):
        (tmp_path / f"{checkpoints.name(step)}.0f.partial").mkdir()
    checkpoints.keep(tmp_path)
    found = sorted(path.name for path in tmp_path.iterdir())
    assert ["step-00000009", "step-00000010", "step-00000011.0f.partial"] == found


def test_a_checkpoint_that_a_check_refuses_is_skipped_with_its_reason(tmp_path):
    """The newest one that is accepted is returned; a folder that is missing has none."""
    for step in (1, 2):
        checkpoints.write(tmp_path / "new", checkpoints.name(step), {}, {"run": step})

    def check(content):
        if content["run"] == 2:
            raise checkpoints.Damaged("belongs to another run")

    found, skipped = checkpoints.newest_intact(tmp_path / "new", check)
    assert 1 == found.content["run"]
    assert ["step-00000002: belongs to another run"] == skipped
    assert (None, []) == checkpoints.newest_intact(tmp_path / "missing")
