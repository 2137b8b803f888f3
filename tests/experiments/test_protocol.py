"""Known answers and known mistakes of the protocol that belong to no other test."""

import ast
import functools
import math
from pathlib import Path

import keras
import numpy as np
import pytest

import experiments
import tfoptim
from experiments.analysis.lint import RULES
from experiments.running.training.step import schedule_of
from experiments.tuning.search import LogUniform
from tests.experiments.small import run

SOURCES = [
    path for package in (experiments, tfoptim) for folder in package.__path__ for path in Path(folder).rglob("*.py")
]
# Rules that speak of something else than one study and its records, and what holds to them.
ELSEWHERE = {
    "B1": "test_what_is_compared_is_named_in_four_parts",
    "B19": "test_no_mean_is_nan_while_a_value_is_defined",
    "B21": "test_one_optimizer_under_two_names_is_a_tie",
    "B24": "test_the_same_study_twice_gives_the_same_curves",
}


def test_every_rule_of_the_protocol_is_checked():
    """By the lint under its own code, or by the test that is named here and exists."""
    linted = {code.removeprefix("L-") for code, _ in RULES}
    assert linted | set(ELSEWHERE) == {f"B{number}" for number in range(1, 25)}
    assert not linted & set(ELSEWHERE)
    tests = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.rglob("test_*.py"))
    assert [name for name in ELSEWHERE.values() if f"def {name}(" not in tests] == []


@pytest.mark.parametrize(
    ("step", "expected"), [(0, 0.02), (49, 1.0), (50, 1.0), (525, 0.5), (999, 2.734e-6)], ids=lambda value: f"{value:g}"
)
def test_the_schedule_of_all_has_its_known_answers(step, expected):
    """Of 1,000 steps (rule B9), times the rate that is tried; the last one is printed to four digits."""
    rate = keras.Variable(0.5, dtype="float64", trainable=False)
    schedule = schedule_of(run(epochs=10), rate, 100)
    assert float(schedule(np.int64(step))) == pytest.approx(0.5 * expected, rel=2e-4)


@pytest.mark.parametrize(("rate", "side"), [(1e-5, -1), (4e-5, -1), (1e-4, 0), (1.0, 0), (1e2, 1)])
def test_the_published_momentum_at_the_edge_of_its_grid_would_be_told(rate, side):
    """DeepOBS tried 36 rates from 1e-5 to 1e2; on fmnist_vae its momentum was best at 1e-5, untold (X25)."""
    tried = LogUniform("learning_rate", 1e-5, 1e2)
    assert tried.side(math.log(rate / tried.low) / math.log(tried.high / tried.low)) == side


@functools.cache
def words():
    """The names in each module, and what it imports."""
    return {path: set(named(ast.parse(path.read_text(encoding="utf-8")))) for path in SOURCES}


def named(tree):
    """The names and attributes in a module, and what it imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.name for alias in node.names)
            yield getattr(node, "module", None) or ""


@pytest.mark.parametrize(
    "word",
    # A fork hangs once TensorFlow is imported, a pool breaks as a whole (X18); one file locks many machines out (X20).
    ["fork", "forkpty", "forkserver", "set_start_method", "ProcessPoolExecutor", "Pool", "sqlite3"],
)
def test_nothing_forks_and_no_shared_database_is_kept(word):
    """In no module of library and experiments."""
    assert len(SOURCES) > 100
    assert [path.name for path, used in words().items() if word in used] == []


def test_processes_are_spawned():
    """Where one is started by Python's own means."""
    asked = [
        (path.name, [getattr(given, "value", None) for given in node.args])
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "get_context"
    ]
    assert asked
    assert {tuple(given) for _, given in asked} == {("spawn",)}
