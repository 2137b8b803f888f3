"""The lanes of the tests: what is slow is marked so, for a reason that was measured, and the library stands alone."""

import ast
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests import lanes, tracing
from tests.library.cases import CASES, CLASSES
from tests.library.products import KINDS, crossed, full, representatives

ROOT = Path(__file__).parents[1]
LIBRARY = sorted(path for room in ("tests/library", "tfoptim") for path in (ROOT / room).rglob("*.py"))


def test_no_test_of_the_fast_lane_was_measured_as_slow(request):
    """Whoever runs `make durations` marks what it lists at 4 seconds or more."""
    assert lanes.misplaced(request.session.items) == []


def test_every_test_in_the_list_exists():
    """A renamed test takes its line in the list with it."""
    missing = []
    for test in lanes.measured():
        path, _, name = test.partition("::")
        text = (ROOT / path).read_text(encoding="utf-8") if (ROOT / path).is_file() else ""
        function = name.partition("[")[0].rpartition("::")[2]
        if path.endswith(".py") and "peers/test_keras" not in path and f"def {function}(" not in text:
            missing.append(test)
    assert missing == []


def test_two_halves_of_the_products_are_all_of_them():
    """About as many in each, the same wherever they run."""
    halves = [lanes.half_of(f"tests/library/test_it.py::test[{number}]") for number in range(1000)]
    assert 450 < sum(halves) < 550
    assert set(halves) == {0, 1}


def test_the_list_says_what_was_measured():
    """Written and read back: the slowest first, and nothing below two seconds."""
    text = lanes.written({"a.py::test[x y]": 7.04, "b.py::test": 1.9, "c.py::test": 30.0})
    assert list(lanes.measured(text).items()) == [("c.py::test", 30.0), ("a.py::test[x y]", 7.0)]


def test_a_slow_test_without_the_mark_is_found(monkeypatch):
    """The check can fail."""
    monkeypatch.setattr(lanes, "measured", lambda: {"a": 4.0, "b": 4.0, "c": 3.9})
    marked = {"a": None, "b": "slow", "c": None}
    items = [
        SimpleNamespace(nodeid=name, get_closest_marker=lambda _, mark=mark: mark) for name, mark in marked.items()
    ]
    assert lanes.misplaced(items) == ["a"]


def test_workers_take_the_longest_file_first(monkeypatch):
    """By the sum of its tests; their order stays."""
    monkeypatch.setattr(lanes, "measured", lambda: {"b1": 3.0, "c1": 2.0, "c2": 2.0})
    items = [SimpleNamespace(nodeid=name, path=name[0]) for name in ("a1", "b1", "c2", "c1")]
    lanes.longest_file_first(items)
    assert [item.nodeid for item in items] == ["c2", "c1", "b1", "a1"]


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_rule_has_a_row_that_stands_for_it(kind):
    """A kind that no row is of would thin out the fast lane unseen."""
    assert any(KINDS[kind](case) for case in representatives())


def fast(product):
    """The ids of the tests that a product has in the fast lane."""
    _, tests = product.args
    return [test.id for test in tests if not any(mark.name == "slow" for mark in test.marks)]


def test_a_product_meets_every_row_once_and_one_of_each_kind_with_everything():
    """The whole product is there; the rest of it is slow."""
    product = crossed("mode", ("a", "b", "c"), every_rule=("a",), representative=("b",))
    chosen = [case.id for case in representatives()]
    assert len(product.args[1]) == 3 * len(CASES)
    assert sorted(fast(product)) == sorted([f"{c.id}-a" for c in CASES] + [f"{id_}-b" for id_ in chosen])
    assert fast(full) == []


@pytest.mark.parametrize(
    ("path", "case", "watched"),
    [
        ("library/step/test_a.py", None, True),
        ("library/step/test_a.py", representatives()[-1], True),
        ("library/step/test_a.py", next(case for case in CASES if case not in representatives()), False),
        ("library/rules/test_a.py", next(case for case in CASES if case not in representatives()), True),
        ("experiments/cli/test_a.py", None, False),
    ],
    ids=str,
)
def test_coverage_looks_at_each_rule_and_at_one_row_of_each_kind(path, case, watched):
    """Tracing costs half as much again; the rows that are left run lines that others have run."""
    item = SimpleNamespace(
        path=ROOT / "tests" / path, callspec=SimpleNamespace(params={} if case is None else {"case": case})
    )
    assert tracing.watched(item) == watched


def test_one_row_of_each_kind_is_few():
    """The number of kinds does not grow with the number of rules."""
    assert len(representatives(rows=CLASSES)) <= len(representatives()) <= len(KINDS)


def test_the_library_and_its_tests_import_nothing_of_the_experiments():
    """import-linter sees no tests."""
    found = [f"{path.relative_to(ROOT)}: {name}" for path in LIBRARY for name in imported(path)]
    assert len(found) > 500
    assert [] == [line for line in found if re.search(r": (tests\.)?experiments\b", line)]


def imported(path):
    """The modules that a file imports, wherever it does."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield f"{node.module}.{node.names[0].name}"
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
