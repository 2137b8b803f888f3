"""What was trained before an interruption, once for each file of tests."""

import shutil

import pytest

from tests.library.interrupted import train
from tests.library.resume.programs import FAST


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The program, uninterrupted, with each step run as it is written."""
    return train(tmp_path_factory.mktemp("whole"), **FAST)


@pytest.fixture(scope="module")
def half(tmp_path_factory):
    """A folder in which the program has left its checkpoints after 6 of 8 batches."""
    folder = tmp_path_factory.mktemp("half")
    train(folder, 6, **FAST)
    return folder


@pytest.fixture
def left(half, tmp_path):
    """A copy of that folder."""
    return shutil.copytree(half, tmp_path / "left")
