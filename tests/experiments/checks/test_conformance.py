"""What the page on Keras's differences says is measured: on Keras's classes, on ours, and on the page."""

import functools
import pathlib
import sys

import keras
import pytest

import tfoptim
from experiments.__main__ import main
from experiments.checks.conformance import catalogue, report
from experiments.checks.conformance.catalogue import Children
from experiments.checks.conformance.rows import Row, Verdict, libraries
from experiments.errors import UserError
from tfoptim.registry import classes

PAGE = pathlib.Path(__file__).parents[3] / "docs/migrate/keras-differences.md"
ROWS = catalogue.rows()
KEPT, BROKEN, CRASHED = Verdict(True, "yes"), Verdict(False, "no"), Verdict(False, "error", crashed=True)


@functools.cache
def measured_here(row):
    """The verdicts on a row that runs in this process."""
    return {library.name: row.run(library) for library in libraries()}


@pytest.fixture(scope="session")
def elsewhere():
    """The verdicts on the rows with several replicas, from one set of processes for all tests."""
    places = {place: [row for row in ROWS if row.place == place] for place in report.ELSEWHERE}
    children = [Children(place, rows) for place, rows in places.items()]
    return {id_: both for child in children for id_, both in child.found().items()}


@pytest.fixture
def measured(request):
    """Measures a row, where it has to run."""
    return lambda row: measured_here(row) if row.place == "here" else request.getfixturevalue("elsewhere")[row.id]


def marked(row):
    """A row as a test's parameter."""
    return pytest.param(row, id=row.id, marks=[pytest.mark.slow] if row.slow or row.place != "here" else [])


@pytest.mark.parametrize("row", [marked(row) for row in ROWS])
def test_promise_is_broken_by_keras_and_kept_by_tfoptim(row, measured):
    """Each verdict is the one that the row declares for Keras, and a pass for ours; no row fails by itself."""
    found = measured(row)
    assert not any(verdict.crashed for verdict in found.values()), found
    assert {"Keras": row.keras, "tfoptim": True} == {name: verdict.passed for name, verdict in found.items()}, found


@pytest.mark.slow
def test_page_says_what_is_measured(measured):
    """The table between the marks is the one that the command writes."""
    if f"with Keras {keras.__version__}." not in PAGE.read_text():
        pytest.skip(f"the page was measured with another version than Keras {keras.__version__}")
    table = report.markdown(ROWS, {row.id: measured(row) for row in ROWS})
    assert report.page(PAGE.read_text(), table) == PAGE.read_text()


def test_page_has_every_row_with_its_command():
    """Without measuring: no row is missing, and none is left over."""
    shown = [line for line in PAGE.read_text().splitlines() if "conformance --rows" in line]
    assert len(shown) == len(ROWS)
    for row, line in zip(ROWS, shown, strict=True):
        assert line.startswith(f"| {row.title} |")
        assert line.endswith(f"| `python -m experiments conformance --rows {row.id}` |")


@pytest.mark.parametrize(
    ("wanted", "got"), [(["d9"], ["D9"]), (["D3"], ["D3a", "D3b", "D3c", "D3d"]), (["D3b"], ["D3b"])]
)
def test_rows_are_chosen_by_row_or_by_fault(wanted, got):
    """D3 stands for all the rows on that fault; case does not matter."""
    assert got == [row.id for row in catalogue.rows(wanted)]


def test_unknown_row_is_refused_with_the_nearest():
    """A wrong name must not look like a report without faults."""
    with pytest.raises(UserError, match=r"Unknown row 'D99'.*D9"):
        catalogue.rows(["D99"])


def test_command_prints_the_verdicts_and_the_count(capsys, tmp_path):
    """The last line says how many promises each library keeps, and the code that tfoptim keeps them all."""
    page = tmp_path / "page.md"
    page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    words = ["--rows", "D9", "--json", str(tmp_path / "found.json"), "--markdown", str(page)]
    assert main(["conformance", *words]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "Keras 0 of 1, tfoptim 1 of 1"
    assert '"summary": "Keras 0 of 1, tfoptim 1 of 1"' in (tmp_path / "found.json").read_text()
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert "--rows D9`" in text


def test_command_refuses_a_page_that_is_not_there(tmp_path, capsys):
    """Before anything is measured."""
    assert main(["conformance", "--markdown", str(tmp_path / "none.md")]) == 2
    assert "There is no page" in capsys.readouterr().err


@pytest.mark.parametrize(("ours", "code"), [(KEPT, True), (BROKEN, False), (CRASHED, False)])
def test_report_is_complete_only_if_tfoptim_keeps_every_promise(ours, code):
    """What Keras does has no say in it."""
    assert code == report.complete({"A": {"Keras": KEPT, "tfoptim": KEPT}, "B": {"Keras": BROKEN, "tfoptim": ours}})


def test_row_that_fails_itself_is_told_from_a_broken_promise():
    """An error in a row is a verdict of its own, so that a typing error proves nothing about Keras."""
    row = Row("X1", "title", "promise", lambda library: library.make("no such optimizer"))
    assert row.run(libraries()[0]) == Verdict(False, "KeyError: 'no such optimizer'", crashed=True)


@pytest.mark.slow
def test_worker_that_ends_without_verdicts_fails_its_rows():
    """A process that dies must not be read as a pass, nor stop the report."""
    child = Children("mirrored", [Row("X1", "title", "promise", lambda library: (True, ""), "mirrored")])
    found = child.found()
    assert {"Keras", "tfoptim"} == set(found["X1"])
    assert all(verdict.crashed for verdict in found["X1"].values())


def test_making_an_optimizer_from_a_file_touches_nothing_outside():
    """Names in a file made by others reach our constructors: they open, start and connect to nothing."""
    watched, seen, on = ("open", "os.", "shutil.", "socket.", "subprocess.", "urllib."), [], []
    configs = [keras.saving.serialize_keras_object(cls()) for cls in [*classes().values()]]
    configs.append(keras.saving.serialize_keras_object(tfoptim.LossScaleOptimizer(tfoptim.Adam())))
    sys.addaudithook(lambda event, _: seen.append(event) if on and event.startswith(watched) else None)
    for round_ in (False, True):  # what the first round imports is not there to be opened in the second
        on[:] = [True] if round_ else []
        for config in configs:
            keras.saving.deserialize_keras_object(config)
    on.clear()
    assert [] == seen
