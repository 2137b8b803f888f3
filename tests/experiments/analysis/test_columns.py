"""A column is declared once, and every form of its table has it."""

import math

import pytest

from experiments.analysis.columns import Column, bracketed, cells, headings, markdown, number, numbers
from experiments.analysis.statistics.summaries import Interval

COLUMNS = (
    Column("name", "who | <b>", lambda row: row[0]),
    Column("score", "score", lambda row: row[1], "{:.1f}".format),
    Column("unread", "", lambda row: 2 * row[1]),
    Column("", "shown", lambda row: row[1], text=lambda row: f"{row[1]} of 9", key=lambda row: -row[1]),
)


def test_a_column_is_in_the_csv_by_its_name_and_shown_by_its_heading():
    """One without a heading is for computing, one without a name for reading."""
    assert numbers(COLUMNS, ("a", 0.25)) == {"name": "a", "score": 0.25, "unread": 0.5}
    assert headings(COLUMNS) == ["who | <b>", "score", "shown"]
    assert cells(COLUMNS, ("a", 0.25)) == ["a", "0.2", "0.25 of 9"]


@pytest.mark.parametrize("value", [None, math.nan])
def test_a_value_that_does_not_exist_is_a_dash(value):
    """Whatever its form would make of it."""
    assert COLUMNS[1].cell(("a", value)) == "-"


def test_rows_are_sorted_by_the_value_unless_there_is_a_key():
    """Numbers as numbers, not as they are read."""
    assert [column.sorted_by(("a", 3)) for column in COLUMNS] == ["a", 3, 6, -3]


def test_names_are_never_markup_in_markdown():
    """In headings as in cells; bold is what is asked to be."""
    lines = markdown(COLUMNS, [("<x>|*", 1), ("b", 2)], bold=lambda row: row[0] == "b")
    assert lines == [
        r"| who \| \<b> | score | shown |",
        "| --- | --- | --- |",
        r"| \<x>\|\* | 1.0 | 1 of 9 |",
        "| **b** | 2.0 | 2 of 9 |",
    ]


def test_numbers_are_read_easily():
    """Four decimals of a score, four digits of a loss, and a word for what has no number."""
    assert [number(value) for value in (0.92337, 87.04111, math.inf, math.nan)] == ["0.9234", "87.04", "diverged", "-"]
    assert bracketed(0.9, Interval(0.8, 0.95)) == "0.9000 [0.8000, 0.9500]"
    assert bracketed(0.9, Interval(math.nan, math.nan)) == "0.9000"
