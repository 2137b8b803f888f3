"""A record says with which commit it was made, and whether the code that decides numbers differed from it."""

import subprocess

import pytest

from experiments import environment, library


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A repository with the library and the experiments."""
    for name in (
        "tfoptim/adam.py",
        "experiments/train.py",
        "experiments/datasets/mnist/build.py",
        "experiments/text.py",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("first\n", encoding="utf-8")
    for words in ("init", "add .", "-c user.name=a -c user.email=a@b commit -m first"):
        subprocess.run(["git", "-C", tmp_path, *words.split()], check=True, capture_output=True)
    monkeypatch.setattr(environment, "HERE", tmp_path / "experiments")
    monkeypatch.setattr(library, "folder", lambda: tmp_path / "tfoptim")
    return tmp_path


@pytest.mark.parametrize("name", ["experiments/text.py", "experiments/studies/mnist.selection.json", "README.md"])
def test_what_decides_no_number_is_no_change(here, name):
    """Words, and the files that a tuning writes."""
    (here / name).parent.mkdir(exist_ok=True)
    (here / name).write_text("second\n", encoding="utf-8")
    assert len(environment.commit.__wrapped__()) == 12


@pytest.mark.parametrize("name", ["tfoptim/adam.py", "experiments/train.py", "experiments/datasets/mnist/build.py"])
@pytest.mark.parametrize("gone", [False, True])
def test_counted_code_that_differs_is_told(here, name, gone):
    """Changed or taken away."""
    (here / name).unlink() if gone else (here / name).write_text("second\n", encoding="utf-8")
    assert environment.commit.__wrapped__().endswith("+changes")


def test_new_counted_code_is_told(here):
    """It may be imported by the rest."""
    (here / "tfoptim" / "new.py").write_text("new\n", encoding="utf-8")
    assert environment.commit.__wrapped__().endswith("+changes")


def test_without_git_the_commit_is_unknown(here, monkeypatch):
    """An installed package has no commit."""
    monkeypatch.setattr(environment, "HERE", here.parent)
    assert environment.commit.__wrapped__() == "unknown"
