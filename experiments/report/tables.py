"""The tables of a report, each declared once: results, pairs, runs, times of steps and costs."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from experiments.analysis import result_columns, results, timing_table
from experiments.analysis.columns import NONE, Column, markdown, number, numbers
from experiments.analysis.evidence import Evidence, origin
from experiments.analysis.results import Result
from experiments.analysis.statistics.verdicts import Comparison
from experiments.records.costs import Cost
from experiments.records.run_folder import Record
from experiments.report.captions import say
from experiments.studies.runs import EVALUATION, TUNING
from experiments.text import to_csv
from experiments.tuning import choosing

Row = TypeVar("Row")
ALL = "all"


@dataclasses.dataclass(frozen=True)
class ReportTable(Generic[Row]):
    """A table with all that a reader of the page, of Markdown or of CSV needs."""

    slug: str  # its id in the page
    title: str  # the heading above it
    words: str  # its caption
    file: str  # name of its CSV
    columns: Sequence[Column[Row]]  # what is said of a row
    rows: Sequence[Row]  # what it is made of; a table without rows is left out
    labels: Callable[[Row], Sequence[str]]  # the optimizers of a row, by which the page hides it
    problem: Callable[[Row], str]  # the problem of a row, by which the page hides it too
    origin: Mapping[str, str] = dataclasses.field(default_factory=dict)  # what each row of the CSV begins with
    tied: Callable[[Row], bool] = lambda row: False  # whether a row is one of the best, which are printed bold
    saved: str | None = None  # its CSV, where a figure has it already

    @functools.cached_property
    def csv(self) -> str:
        """Its numbers, unrounded; at least one row."""
        if self.saved is not None:
            return self.saved
        return to_csv([{**self.origin, **numbers(self.columns, row)} for row in self.rows])

    def markdown(self) -> list[str]:
        """Returns its lines in Markdown."""
        return markdown(self.columns, self.rows, self.tied)


def problem(evidence: Evidence) -> str:
    """Returns what the problem is called in tables."""
    return f"{evidence.study.task} on {evidence.study.data}"


def of_results(evidence: Evidence, result: Result) -> ReportTable[results.Row]:
    """Returns the result table; its CSV names what is compared, in four parts (rule B1)."""
    names = algorithms(evidence)
    columns = (*result_columns.columns(evidence), Column[results.Row]("algorithm", "", lambda row: names[row.label]))
    return ReportTable(
        results.NAME, "Results", "Test scores", f"{results.NAME}.csv", columns, result.rows,
        lambda row: [row.label], lambda row: problem(evidence), origin(evidence), lambda row: row.tied,
    )  # fmt: skip


def algorithms(evidence: Evidence) -> dict[str, str]:
    """Returns what is compared, optimizer by optimizer: with schedule, space and trials (rule B1)."""
    schedules = {run.label: run.schedule for run in evidence.wanted}
    return {
        entry.label: choosing.algorithm(evidence.study, entry, schedules[entry.label])
        for entry in evidence.study.optimizers
    }


def of_pairs(evidence: Evidence, pairs: Sequence[Comparison]) -> ReportTable[Comparison]:
    """Returns every pair of optimizers."""
    words = "Every pair, corrected together for their number"
    return ReportTable(
        "pairs", "All pairs", words, "pairs.csv", PAIRS, pairs,
        lambda pair: [pair.first, pair.second], lambda pair: problem(evidence), origin(evidence),
    )  # fmt: skip


def _interval(pair: Comparison) -> str:
    low, high = pair.expanded
    return f"{number(low)} to {number(high)}" if low == low else NONE


PAIRS: Sequence[Column[Comparison]] = (
    Column("first", "A", lambda pair: pair.first),
    Column("second", "B", lambda pair: pair.second),
    Column("seeds", "", lambda pair: pair.seeds),
    Column("difference", "A - B", lambda pair: pair.difference, number),
    Column("", "95 % CI", lambda pair: pair.expanded.low, text=_interval, help="of A - B"),
    Column("test", "test", lambda pair: pair.test, text=lambda pair: pair.test or NONE),
    Column("p", "p", lambda pair: pair.p, "{:.2g}".format),
    Column(
        "corrected_p", "p (Holm)", lambda pair: pair.corrected_p, "{:.2g}".format, help="corrected for all pairs"
    ),
    Column("exact_p", "p, exact", lambda pair: pair.exact_p, "{:.2g}".format, help="of sign flips"),
    Column("corrected_exact_p", "", lambda pair: pair.corrected_exact_p),
    Column("superiority", "P(A is better)", lambda pair: pair.superiority, "{:.2f}".format, falling=True),
    Column("verdict", "A is", lambda pair: pair.verdict, text=lambda pair: pair.verdict + pair.mark),
    Column("missing", "", lambda pair: pair.missing),
    Column("percentile_low", "", lambda pair: pair.percentile.low),
    Column("percentile_high", "", lambda pair: pair.percentile.high),
    Column("expanded_low", "", lambda pair: pair.expanded.low),
    Column("expanded_high", "", lambda pair: pair.expanded.high),
    Column("first_diverged", "", lambda pair: pair.diverged[0]),
    Column("second_diverged", "", lambda pair: pair.diverged[1]),
    Column("mark", "", lambda pair: pair.mark),
    Column("words", "in words", lambda pair: pair.words(), key=lambda pair: ""),
)  # fmt: skip


def of_runs(evidence: Evidence) -> ReportTable[Record]:
    """Returns every evaluation run, with its scores after the last epoch."""

    def score(split: str) -> Column[Record]:
        name = f"{split} {evidence.task.score_title}"
        return Column(name, name, lambda record: evidence.last(record, split), number, falling=evidence.higher)

    columns = (
        Column[Record]("optimizer", "optimizer", lambda record: record.run.label),
        Column[Record]("seed", "seed", lambda record: record.run.seed),
        Column[Record]("status", "status", lambda record: record.status),
        Column[Record]("passes", "passes", lambda record: record.evaluations[-1]["epoch"]),
        *map(score, ("train", "validation", "test")),
    )
    rows = [record for label in evidence.labels for record in evidence.of(label)]
    return ReportTable(
        "runs", "All runs", "After the last pass", "runs.csv", columns, rows,
        lambda record: [record.run.label], lambda record: problem(evidence),
    )  # fmt: skip


def of_steps(evidence: Evidence) -> ReportTable[timing_table.Row]:
    """Returns what a step takes, from the timing pass; no rows where no times may be shown."""
    rows = [] if evidence.untimed else timing_table.rows(evidence.timings, evidence.study)
    columns = timing_table.columns(rows[0].reference if rows else "")
    return ReportTable(
        "step_times", "What a step takes", say("report", "step_times", "how", evidence), "step_times.csv", columns,
        rows, lambda row: [row.label], lambda row: problem(evidence), origin(evidence),
    )  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Spent:
    """What one optimizer cost, or all: in tuning, in evaluation, and in both with what was lost; core hours of both."""

    label: str
    tuning: Cost
    evaluation: Cost
    whole: Cost
    hours: float


def of_costs(evidence: Evidence) -> ReportTable[Spent]:
    """Returns what each optimizer cost, and all of them (rule B23); no rows where nothing is known of costs."""
    labels = evidence.labels
    rows = [_spent(label, evidence.costs) for label in labels]
    known = any(label in labels for _, label in evidence.costs)
    return ReportTable(
        "costs", "Costs", say("report", "costs", "how", evidence), "costs_in_all.csv", COSTS,
        [*rows, _sum(rows)] if known else [], lambda row: labels if row.label == ALL else [row.label],
        lambda row: problem(evidence),
    )  # fmt: skip


def _spent(label: str, costs: Mapping[tuple[str, str], Cost]) -> Spent:
    own = {kind: cost for (kind, of), cost in costs.items() if of == label}
    whole = sum(own.values(), Cost())
    return Spent(label, own.get(TUNING, Cost()), own.get(EVALUATION, Cost()), whole, whole.seconds / 3600)


def _sum(rows: Sequence[Spent]) -> Spent:
    tuning, evaluation, whole = (
        sum((getattr(row, part) for row in rows), Cost()) for part in ("tuning", "evaluation", "whole")
    )
    return Spent(ALL, tuning, evaluation, whole, sum(row.hours for row in rows))


def _cost(heading: str, value: Callable[[Spent], Any], form: Callable[[Any], str] = "{:,}".format) -> Column[Spent]:
    return Column(heading, heading, value, form)


COSTS = (
    _cost("optimizer", lambda row: row.label, str),
    _cost("tuning runs", lambda row: row.tuning.runs),
    _cost("of these after widening", lambda row: row.tuning.widened),
    _cost("evaluation runs", lambda row: row.evaluation.runs),
    _cost("attempts without a result", lambda row: row.whole.failed),
    _cost("optimizer steps", lambda row: row.whole.steps),
    _cost("gradients of examples", lambda row: row.whole.gradients),
    _cost("core hours", lambda row: row.hours, "{:.3g}".format),
)
