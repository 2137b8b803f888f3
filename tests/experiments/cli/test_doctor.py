"""The doctor names what is missing and how to get it, and is content with what is enough."""

import importlib.metadata
from types import SimpleNamespace

import pytest

from experiments.__main__ import main
from experiments.cli import data
from experiments.cli.data import Check
from experiments.records import run_folder


@pytest.fixture(autouse=True)
def quick(monkeypatch, tmp_path):
    """No TensorFlow is started, but in the test that does; records go to a folder of the test's own."""
    monkeypatch.setattr(data, "_devices", lambda: [Check("ok", "devices", "CPU 0")])
    monkeypatch.setattr(run_folder, "ROOT", tmp_path / "runs")


def test_a_machine_that_has_all_is_told_so(capsys, tmp_path):
    """With versions, data and space; nothing is left behind."""
    assert main(["doctor"]) == 0
    shown = capsys.readouterr().out
    assert f"tensorflow {importlib.metadata.version('tensorflow')}" in shown
    assert f"{tmp_path / 'runs'} can be written, " in shown
    assert shown.endswith("Everything that a study needs is here.\n")
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "package", "mark", "code"), [("experiments", "scipy", "NO", 1), ("slurm", "submitit", "--", 0)]
)
def test_a_package_that_is_missing_is_named_with_the_command(capsys, monkeypatch, name, package, mark, code):
    """An error where every study needs it."""
    real = importlib.metadata.version

    def version(asked):
        if asked == package:
            raise importlib.metadata.PackageNotFoundError(asked)
        return real(asked)

    monkeypatch.setattr(importlib.metadata, "version", version)
    assert main(["doctor"]) == code
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith(f"{mark}  {name} ")]
    assert f"missing: {package}>=" in line
    assert line.endswith(f": pip install --editable '.[{name}]'")


def test_a_version_out_of_range_is_missing(monkeypatch):
    """What is there instead is said."""
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "1.0")
    found = data._extra("the library", ["keras>=3.13.2,<4"])
    assert found.mark == "NO"
    assert ", and not 1.0: pip install --editable '.'" in found.words


def test_what_another_system_needs_is_not_missed():
    """Metal is for Macs alone."""
    found = data._extra("metal", ["nothing-like-it; sys_platform == 'another'"])
    assert found == Check("ok", "metal", "not needed on this machine")


def test_data_that_users_bring_are_told_with_how_to_get_them(capsys, monkeypatch, tmp_path):
    """And those that are downloaded, those that come with a package, those that are computed."""
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    assert main(["doctor"]) == 0
    lines = {line[4:27].strip(): line for line in capsys.readouterr().out.splitlines()}
    assert lines["acdc"].startswith("--")
    assert "python -m experiments prepare acdc PATH" in lines["acdc"]
    assert lines["mnist"].split(maxsplit=2)[::2] == ["--", "is downloaded and prepared at its first use"]
    assert lines["mnist_5k"].split(maxsplit=2)[::2] == [
        "ok",
        "comes with a package, is prepared at its first use",
    ]
    assert " rosenbrock, beale, branin, " in lines["computed data"]


def test_a_folder_that_cannot_be_written_is_told(capsys, monkeypatch, tmp_path):
    """A file in its place is one."""
    (tmp_path / "file").touch()
    monkeypatch.setattr(run_folder, "ROOT", tmp_path / "file" / "runs")
    assert main(["doctor"]) == 1
    shown = capsys.readouterr().out
    assert f"NO  records                 {tmp_path / 'file' / 'runs'} cannot be written: " in shown
    assert shown.endswith("Missing: records.\n")


def test_a_disk_with_little_space_is_not_enough(monkeypatch, tmp_path):
    """A gibibyte is what a study may take."""
    monkeypatch.setattr(data.shutil, "disk_usage", lambda path: SimpleNamespace(free=2**30 - 1))
    assert data._space(tmp_path).mark == "NO"


@pytest.mark.slow
def test_devices_are_those_that_tensorflow_finds(monkeypatch):
    """With the state of the native operation; of one that does not start, with its last lines."""
    monkeypatch.undo()
    native, found = data._devices()
    assert native.mark in ("ok", "--")
    assert (found.mark, found.words[:5]) == ("ok", "CPU 0")
    monkeypatch.setattr(data, "DEVICES", "raise ImportError('out of luck')")
    assert list(data._devices()) == [Check("NO", "devices", "TensorFlow does not start: ImportError: out of luck")]
