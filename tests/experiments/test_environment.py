"""A record says with which commit and code it was made; what the code means counts, and not how it is documented."""

import functools
import shutil
import subprocess
from pathlib import Path

import pytest

from experiments import environment, rule_files


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A repository with the library and the experiments."""
    for name in (
        "tfoptim/adam.py",
        "experiments/running/training/train.py",
        "experiments/problems/datasets/mnist/build.py",
        "experiments/text.py",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("first\n", encoding="utf-8")
    for words in ("init", "add .", "-c user.name=a -c user.email=a@b commit -m first"):
        subprocess.run(["git", "-C", tmp_path, *words.split()], check=True, capture_output=True)
    monkeypatch.setattr(environment, "HERE", tmp_path / "experiments")
    monkeypatch.setattr(rule_files, "folder", lambda: tmp_path / "tfoptim")
    return tmp_path


@pytest.mark.parametrize("name", ["experiments/text.py", "experiments/studies/mnist.selection.json", "README.md"])
def test_what_decides_no_number_is_no_change(here, name):
    """Words, and the files that a tuning writes."""
    (here / name).parent.mkdir(exist_ok=True)
    (here / name).write_text("second\n", encoding="utf-8")
    assert len(environment.commit.__wrapped__()) == 12


@pytest.mark.parametrize(
    "name", ["tfoptim/adam.py", "experiments/running/training/train.py", "experiments/problems/datasets/mnist/build.py"]
)
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


meaning = functools.cache(environment.meaning)  # of a text; most files of the copies are the same


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """The real library and the code that trains, in a folder where they may be changed."""
    for name in ("tfoptim", "experiments"):
        shutil.copytree(Path(environment.__file__).parents[1] / name, tmp_path / name)
    monkeypatch.setattr(environment, "meaning", meaning)
    monkeypatch.setattr(environment, "HERE", tmp_path / "experiments")
    monkeypatch.setattr(rule_files, "folder", lambda: tmp_path / "tfoptim")
    return tmp_path


def changed(path, old, new):
    """Whether the hash of the code changes when a text in a file is replaced."""
    before, text = environment.source.__wrapped__(), path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    return environment.source.__wrapped__() != before


WORDS = {
    "a docstring": ("A good first choice: steps of about the learning rate", "First choice: steps as long as the rate"),
    "a doctest": (">>> simulate(Adam(), 1.0, [0.1, -0.2, 0.3])", ">>> simulate(Adam(), 2.0, [0.1])"),
    "a comment": ("class Adam(Optimizer):", "class Adam(Optimizer):  # ∇ of the paper"),
    "blank lines": ("    @property\n", "\n\n    @property\n"),
    "a module that a name has moved to": ("from tfoptim.ops import", "from tfoptim.arithmetic import"),
}
MEANING = {
    "a number": ("beta_1: Fraction = 0.9", "beta_1: Fraction = 0.8"),
    "an operation": ("(1 - h.beta_1) * g", "(1 + h.beta_1) * g"),
    "a string that is used": ('"m": 0.0', '"n": 0.0'),
    "an imported name": ("import debias", "import absolute"),
    "a line less": ("        s.v = v_max", "        v_max"),
}


@pytest.mark.parametrize(("old", "new"), WORDS.values(), ids=WORDS)
def test_code_that_is_documented_otherwise_is_the_same_code(copied, old, new):
    """Every record stays valid: nothing is trained again for a better sentence."""
    assert not changed(copied / "tfoptim" / "rules" / "adam.py", old, new)


@pytest.mark.parametrize(("old", "new"), MEANING.values(), ids=MEANING)
def test_code_that_means_something_else_is_other_code(copied, old, new):
    """Whatever a run executes counts."""
    assert changed(copied / "tfoptim" / "rules" / "adam.py", old, new)


def test_a_file_that_is_moved_is_the_same_code(copied):
    """Rooms may be rearranged; a file that is taken away counts."""
    before = environment.source.__wrapped__()
    rules = copied / "tfoptim" / "rules"
    (rules / "adam.py").rename(copied / "tfoptim" / "adam.py")
    assert before == environment.source.__wrapped__()
    (copied / "tfoptim" / "adam.py").unlink()
    assert before != environment.source.__wrapped__()


def test_words_that_are_no_documentation_count():
    """A string in an expression, a `#` in a string, an f-string; and letters of several bytes before them."""
    text = '"""Läuft."""\n\nx = "# ä"  # ä\n\ndef f():\n    """Ä."""; return f"{x}#"\n'
    assert environment.meaning(text) == 'x = "# ä"\ndef f():\n    ; return f"{x}#"'


@pytest.mark.parametrize("end", ["\f", "\x1c", "\x85", "\u2028"], ids=ascii)
def test_what_ends_no_line_of_python_hides_no_change(end):
    """A page break among the lines, as old files have it, or in a string."""
    text = f'x = """{end}"""\n' + ("\f\n" if end == "\f" else "") + "def f():\n    w = 16\n    # units\n    return w\n"
    assert environment.meaning(text) != environment.meaning(text.replace("16", "1"))
    assert environment.meaning(text) == environment.meaning(text.replace("# units", "# of width"))


def test_blank_lines_and_spaces_in_a_string_count():
    """They are what it means; those of a docstring are not."""
    text = 'x = """a\n\nb"""\ny = f"""{x}\n\n"""\ndef f():\n    """Says.\n\n    More.\n    """\n    return 1\n'
    for old, new in (("a\n\nb", "a\n \nb"), ("a\n\nb", "a\nb"), ("a\n", "a \n"), ("}\n\n", "}\n")):
        assert environment.meaning(text) != environment.meaning(text.replace(old, new))
    assert environment.meaning(text) == environment.meaning(text.replace("Says.\n\n", "Says. \n\n\n"))
