"""Pages that are made: docstrings as Markdown, a place for every name, facts of classes and of study files."""

import pytest

import tfoptim
from docs.pages import docstrings, measured, objects, optimizers, studies
from tests.release import dated
from tfoptim import callbacks, schedules, solvers
from tfoptim.registry import classes

TEXT = """Title (Author, 2020).

```
a <- 0

b <- 1
```

Args:
    rate: size of a step,
        above 0.
    **others: passed on.

Arguments of every optimizer:
    name: of it.

>>> 1 + 1
2
"""
SHOWN = """Title (Author, 2020).

```text
a <- 0

b <- 1
```

**Arguments**

- `rate`: size of a step, above 0.
- `**others`: passed on.

elsewhere

```pycon
>>> 1 + 1
2
```"""


def test_docstring_becomes_markdown():
    """Box, arguments and example; the arguments of every optimizer are shown once, elsewhere."""
    assert docstrings.markdown(TEXT, "elsewhere") == SHOWN


def test_every_public_name_has_a_place():
    """On a page of its task, or, as an optimizer, on a page of its own."""
    shown = [thing for _, names in objects.shown().values() for _, thing in names]
    placed = {id(thing) for thing in [*shown, *classes().values()]}
    public = [getattr(module, name) for module in (tfoptim, schedules, callbacks, solvers) for name in module.__all__]
    assert [] == [thing for thing in public if callable(thing) and id(thing) not in placed]


@pytest.mark.parametrize("name", ["adam", "cocob", "muon"])
def test_page_of_an_optimizer_has_box_state_and_source(name):
    """And its call, with its own arguments alone."""
    cls = classes()[name]
    page = optimizers.page(cls, "no picture")
    assert f"tfoptim.{cls.__name__}(" in page
    assert "use_ema=" not in optimizers.call(cls)
    for part in ("```text\n", "## State\n", f"rules/{name}.py\n:language: python"):
        assert part in page


def test_state_is_counted_in_bytes():
    """Of float32: two moments of Adam, and a number a row and a column of Adafactor."""
    assert optimizers.bytes_a_weight(tfoptim.Adam) == "8"
    assert optimizers.bytes_a_weight(tfoptim.GD) == "0"
    assert optimizers.bytes_a_weight(tfoptim.Adafactor) == "0.01"


def test_release_dates_the_changelog_once():
    """And leaves an empty section for what comes."""
    first = dated("# Log\n\n## [Unreleased]\n\n- news\n", "0.2.0", "2030-01-02")
    assert first == "# Log\n\n## [Unreleased]\n\n## [0.2.0] - 2030-01-02\n\n- news\n"
    assert dated(first, "0.2.0", "2030-01-03") == first.replace("01-02", "01-03")


def test_the_page_of_studies_calls_the_best_mean_best_and_not_the_reference(monkeypatch):
    """What ties with the reference of planned comparisons need not be good."""
    scores = {"data": "d", "model": "m", "test_loss_mean": "1.0", "runs": "10"}
    verdicts = {"Lion": "better", "AdamW": "reference", "Adam": "≈"}
    rows = [
        {**scores, "optimizer": label, "verdict": verdict, "in_tie_group": str(label != "Lion")}
        for label, verdict in verdicts.items()
    ]
    monkeypatch.setattr(measured, "reports", lambda: ["report.csv"])
    monkeypatch.setattr(measured, "rows", lambda path: rows)
    assert "| Lion (against AdamW: 1 better, 1 tie) | AdamW, Adam |" in studies.glance()
    assert [measured.ties(name) for name in verdicts] == ["d", "-", "-"]


def test_problems_on_one_data_set_are_told_apart_by_model_and_study(monkeypatch):
    """A data set that one report has is name enough."""
    tables = {
        measured.STATIC / path: {"data": data, "model": model}
        for path, data, model in (
            ("report.csv", "digits", "ConvNet"), ("modern/1/report.csv", "digits", "ConvNet"),
            ("modern/2/report.csv", "shirts", "MLP"), ("sparse/1/report.csv", "mails", "linear"),
            ("sparse/2/report.csv", "mails", "embedding"),
        )
    }  # fmt: skip
    monkeypatch.setattr(measured, "reports", lambda: list(tables))
    monkeypatch.setattr(measured, "rows", lambda path: [tables[path]])
    assert list(measured.problems()) == [
        "digits (ConvNet, mnist)", "digits (ConvNet, modern)", "shirts", "mails (linear)", "mails (embedding)",
    ]  # fmt: skip
