"""`prepare` takes archives as it takes folders, says what it did, and leaves nothing."""

import os
import socket
import subprocess
import sys
import time

import pytest

from experiments.__main__ import main
from experiments.errors import UserError
from experiments.problems.datasets import SPLITS, taking
from tests.experiments import hearts


def test_what_a_killed_preparation_left_is_removed_and_what_another_is_at_stays(tmp_path, monkeypatch):
    """By the process in its name; of another machine, by an hour without a change."""
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "data"))
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    here, hour = f".unpacked-{socket.gethostname()}", time.time() - 3601
    stays = {f"{here}-{os.getpid()}-a", ".unpacked-other-1-b"}
    for name in (*stays, f"{here}-{ended.pid}-c", ".unpacked-other-1-d", ".unpacked-e"):
        (tmp_path / "data" / name / "archive").mkdir(parents=True)
    for name in (".unpacked-other-1-d", ".unpacked-e"):
        for place in (tmp_path / "data" / name / "archive", tmp_path / "data" / name):
            os.utime(place, (hour, hour))
    with pytest.raises(UserError, match="cannot be used"):
        taking.take("msd_heart", tmp_path)
    assert {path.name for path in (tmp_path / "data").iterdir()} == stays


def test_what_is_neither_folder_nor_archive_is_refused(tmp_path):
    """A path that is not there, and a data set that needs none."""
    with pytest.raises(UserError, match=r"nowhere is neither a folder nor a .*\.deb archive; get Task02"):
        taking.take("msd_heart", tmp_path / "nowhere")
    with pytest.raises(UserError, match="mnist_5k needs no files of yours"):
        taking.take("mnist_5k", tmp_path)


def test_the_command_says_which_patients_are_in_which_split(tmp_path, monkeypatch, capsys):
    """And another data set's name, mistyped, gets the nearest one."""
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "data"))
    folder = hearts.heart(tmp_path / "Task02_Heart", patients=3)
    assert main(["prepare", "msd_heart", str(folder)]) == 0
    told = capsys.readouterr().out.splitlines()
    assert all(any(line.startswith(f"{s}: 4 slices of 1 patients (la_00") for line in told) for s in SPLITS)
    assert main(["prepare", "msd_hart", str(folder)]) == 2
    assert "did you mean 'msd_heart'?" in capsys.readouterr().err


def test_too_few_patients_are_refused(tmp_path, monkeypatch):
    """Two cannot fill three splits; nothing is left behind."""
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "data"))
    folder = hearts.heart(tmp_path / "Task02_Heart", patients=2)
    with pytest.raises(UserError, match=r"2 patient\(s\) with masks are too few for train, validation, test"):
        taking.take("msd_heart", folder)
    assert list((tmp_path / "data").iterdir()) == []
