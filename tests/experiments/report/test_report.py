"""The result table says what the verdicts allow, and no more."""

import dataclasses
import math

import pytest

from experiments.analysis import result_columns
from experiments.analysis.columns import cells, headings, numbers
from experiments.records.costs import Cost
from experiments.report import tables, text
from experiments.report.captions import Captions
from experiments.report.page import templates
from experiments.studies import runs
from experiments.text import from_csv
from experiments.tuning import choosing
from tests.experiments.evidence import APART, NOISE, SEEDS, THREE, evidence, result

COLUMNS = result_columns.columns(evidence(APART))


def section(table):
    """A table as the page has it."""
    return templates().get_template("parts.html").module.section(table)


def rows(ends, **how):
    """The rows of the table, by label."""
    return {row.label: row for row in result(evidence(ends, **how)).rows}


def column(row, start):
    """The text of a row's cell, by what its heading begins with."""
    place = next(i for i, heading in enumerate(headings(COLUMNS)) if heading.startswith(start))
    return cells(COLUMNS, row)[place]


def test_the_highest_mean_comes_first():
    """The order is by the mean test accuracy after the last pass; mean, median and interquartile mean are told."""
    first, *_ = result(evidence(APART)).rows
    assert first.label == "Adam"
    assert (first.centre.mean.value, first.centre.median) == pytest.approx((0.908, 0.91))
    assert first.centre.iqm == pytest.approx((0.90 + 0.91 + 0.91) / 3)
    low, high = first.centre.mean.expanded
    assert 0.90 <= low < 0.908 < high <= 0.92


def test_the_table_comes_from_the_verdicts_and_a_tie_is_the_default():
    """A difference within the noise bolds both, and nobody is called the winner (rule B18)."""
    table = result(evidence(NOISE))
    assert [row.tied for row in table.rows] == [True, True]
    assert [row.verdict for row in table.rows] == ["best mean", "≈"]
    assert table.headline.startswith("No winner: the runs do not tell GD and Adam apart")
    shown = text.markdown(evidence(NOISE), table, [])
    assert "| **Adam** |" in shown
    assert "| **GD** |" in shown


def test_a_difference_beyond_the_noise_is_a_claim_with_a_dagger_at_five_seeds():
    """The exact test can never confirm it at five seeds, and the table says so."""
    table = result(evidence(THREE))
    found = {row.label: row for row in table.rows}
    assert (found["GD"].verdict, found["Momentum"].verdict) == ("worse†", "≈")
    assert [found[label].tied for label in ("Adam", "Momentum", "GD")] == [True, True, False]
    assert found["GD"].lag.corrected_p < 0.05 <= found["GD"].lag.corrected_exact_p
    assert column(found["GD"], "P(best") == "1.00"
    assert "Worse than Adam: GD†." in table.headline


def test_all_pairs_are_corrected_together():
    """The best is named by the data, so that its comparisons are not the only ones that were made."""
    table = result(evidence(THREE))
    assert len(table.comparisons) == 3
    assert all(pair.corrected_p >= pair.p for pair in table.comparisons)
    smallest = min(table.comparisons, key=lambda pair: pair.p)
    assert smallest.corrected_p == pytest.approx(3 * smallest.p)


def test_the_same_optimizer_under_two_names_is_a_tie():
    """The control of rule B21: equal runs are equal, whatever they are called."""
    table = result(evidence({"adam": APART["Adam"], "adam again": APART["Adam"]}))
    assert {row.verdict for row in table.rows} == {"best mean", "≈"}
    assert all(row.tied for row in table.rows)
    assert table.comparisons[0].p == 1.0


def test_a_diverged_run_counts_as_the_worst_and_is_never_averaged_away():
    """A mean over the surviving seeds would flatter the optimizer; the median stands."""
    found = rows({"GD": APART["GD"], "Adam": [0.90, math.nan, 0.92, 0.90, 0.91]})
    assert list(found) == ["GD", "Adam"]
    adam = found["Adam"]
    assert (adam.diverged, adam.runs, adam.centre.mean.value) == (1, 5, -math.inf)
    assert (column(adam, "test accuracy"), column(adam, "median"), column(adam, "runs")) == (
        "diverged",
        "0.9000",
        "5, 1 diverged",
    )


def test_missing_runs_leave_an_optimizer_without_a_mean():
    """Their number is told, the cell is marked, and nothing is compared with survivors (fault R16)."""
    table = result(evidence({"GD": APART["GD"], "Adam": [0.90, None, 0.92, 0.90, 0.91]}))
    found = {row.label: row for row in table.rows}
    assert found["Adam"].centre is None
    assert column(found["Adam"], "runs") == "4 of 5"
    assert found["Adam"].verdict == "runs missing"
    assert table.headline.endswith("Adam has 4 of 5 runs, and no mean yet.")
    assert [pair.verdict for pair in table.comparisons] == ["n/a"]


def test_a_tuning_run_never_enters_a_mean():
    """The seed that chose the rate flatters it; only evaluation runs count (rule B11)."""
    whole = evidence(APART)
    tuned = dataclasses.replace(whole.found[-1].run, kind=runs.TUNING, seed=1000)
    better = tuple({**scores, "test_accuracy": 0.9999} for scores in whole.found[-1].evaluations)
    flattered = dataclasses.replace(whole.found[-1], run=tuned, evaluations=better)
    both = dataclasses.replace(whole, found=[*whole.found, flattered])
    assert result(both) == result(whole)


def test_best_by_rule_is_read_off_at_the_best_validation_pass():
    """The test split has no say in which pass is taken."""
    whole = evidence(APART)
    worse = [
        dataclasses.replace(r, evaluations=(*r.evaluations, {**r.evaluations[-1], **ENDED}))
        if r.run.label == "Adam"
        else r
        for r in whole.found
    ]
    row = next(row for row in result(dataclasses.replace(whole, found=worse)).rows if row.label == "Adam")
    assert row.by_rule == pytest.approx(0.908)
    assert row.centre.mean.value == pytest.approx(0.8)


ENDED = {"epoch": 4, "validation_accuracy": 0.81, "test_accuracy": 0.8}


def test_times_come_from_the_timing_pass_alone():
    """A run's steps times the median seconds of a step in it; without one none, and the command is told (rule B16)."""
    without, timed = evidence(APART), evidence(APART, times={"GD": 0.5, "Adam": 0.25})
    assert "seconds of training" not in headings(result_columns.columns(without))
    assert "seconds of training" in headings(result_columns.columns(timed))
    assert {row.seconds for row in result(without).rows} == {None}
    assert "python -m experiments time small measures them" in " ".join(text.notes(without, result(without)))
    steps = {record.run.label: record.evaluations[-1]["step"] for record in timed.found}
    found = {row.label: row.seconds for row in result(timed).rows}
    # Five repetitions take 1, 1.1 ... 1.4 times that.
    assert found == pytest.approx({"GD": 0.6 * steps["GD"], "Adam": 0.3 * steps["Adam"]})


def test_markdown_shows_names_as_they_are():
    """A name that looks like markup or like a column makes neither."""
    ends = {"<script>|*x*": APART["GD"], "Adam": APART["Adam"]}
    lines = text.markdown(evidence(ends), result(evidence(ends)), []).splitlines()
    assert lines[0].startswith("# Results: MLP")
    row = next(line for line in lines if "script" in line and line.startswith("|"))
    assert row.startswith(r"| \<script>\|\*x\* | ")
    assert row.replace(r"\|", "").count("|") == len(headings(COLUMNS)) + 1


def test_broken_rules_stand_above_the_table():
    """Who reads the table has read them before."""
    found = [text.Finding("L-B5", "The study has 2 evaluation seeds.")]
    lines = text.markdown(evidence(APART), result(evidence(APART)), found).splitlines()
    assert lines.index("- **broken rule L-B5**: The study has 2 evaluation seeds.") < lines.index(
        next(line for line in lines if line.startswith("| optimizer"))
    )


def test_csv_has_the_unrounded_numbers():
    """What is rounded for reading can be had in full, pair by pair as well."""
    whole = evidence({"GD": APART["GD"], "Adam": [1 / 3] * len(SEEDS)})
    first, *_ = from_csv(tables.of_results(whole, result(whole)).csv)
    assert float(first["test_accuracy_mean"]) == pytest.approx(0.504, abs=1e-15)
    pair, *_ = from_csv(tables.of_pairs(whole, result(whole).comparisons).csv)
    assert (pair["first"], pair["second"], pair["verdict"]) == ("GD", "Adam", "better")
    assert {(row["data"], row["model"]) for row in (first, pair)} == {("mnist_5k", "mnist_mlp")}


def test_costs_are_told_with_those_of_searches_and_failures():
    """Tuning, its widened part, evaluation, and attempts without a result; the last row adds them up (rule B23)."""
    spent = {
        ("tuning", "GD"): Cost(24, 8, 1, 240, 4000, 3600.0),
        ("evaluation", "GD"): Cost(5, 0, 1, 50, 1000, 1800.0),
        ("evaluation", "Adam"): Cost(5, 0, 0, 60, 1000, 5.4),
    }
    whole = dataclasses.replace(evidence(APART), costs=spent)
    table = tables.of_costs(whole)
    assert [list(numbers(table.columns, row).values()) for row in table.rows] == [
        ["GD", 24, 8, 5, 2, 290, 5000, 1.5],
        ["Adam", 0, 0, 5, 0, 60, 1000, pytest.approx(0.0015)],
        ["all", 24, 8, 10, 2, 350, 6000, pytest.approx(1.5015)],
    ]
    shown = text.markdown(whole, result(whole), [])
    assert "| GD | 24 | 8 | 5 | 2 | 290 | 5,000 | 1.5 |" in shown
    assert 'id="costs"' in section(table)


def test_core_hours_of_records_that_are_elsewhere_are_not_known():
    """The evidence tells of runs and steps; a total without them would be too low, and is left out."""
    spent = {("tuning", "GD"): Cost(16, 0, 0, 160, 9, math.nan), ("evaluation", "GD"): Cost(5, seconds=9.0)}
    table = tables.of_costs(dataclasses.replace(evidence(APART), costs=spent))
    whole = cells(table.columns, table.rows[-1])
    assert (whole[0], whole[1], whole[-1]) == ("all", "16", "-")


def test_nothing_is_said_of_costs_that_are_not_known():
    """No table of zeros."""
    assert tables.of_costs(evidence(APART)).rows == []
    assert section(tables.of_costs(evidence(APART))).strip() == ""
    assert "Costs" not in text.markdown(evidence(APART), result(evidence(APART)), [])


def test_what_is_compared_is_named_in_four_parts():
    """An optimizer alone is none (rule B1): its schedule, the space and the trials belong to it."""
    whole = evidence(APART)
    names = [row["algorithm"] for row in from_csv(tables.of_results(whole, result(whole)).csv)]
    assert names == ["Adam | warmup-cosine | space v2 | K=3", "GD | warmup-cosine | space v2 | K=3"]
    assert "GD | warmup-cosine | space v2 | K=3; Adam | " in " ".join(text.notes(whole, result(whole)))
    entry = whole.study.optimizers[0]
    for track, tail in (("default", "documented values | K=0"), ("agnostic", "space v2 | K=5 x 3")):
        study = dataclasses.replace(whole.study, track=track)
        assert choosing.algorithm(study, entry, "constant") == f"GD | constant | {tail}"


def test_a_toy_is_called_an_illustration_wherever_it_is_shown():
    """A function of two numbers says nothing about networks (rule B20)."""
    whole = evidence(APART)
    toy = dataclasses.replace(whole.study, task="rosenbrock")
    assert (
        Captions(dataclasses.replace(whole, study=toy, whole=toy))
        .title("Results")
        .endswith("(illustration, not evidence)")
    )
    assert "illustration" not in Captions(whole).title("Results")
