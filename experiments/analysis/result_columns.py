"""The columns of the result table: for the page, for CSV, and fewer for a terminal."""

from __future__ import annotations

from experiments.analysis.columns import NONE, Column, bracketed, number
from experiments.analysis.evidence import Evidence
from experiments.analysis.results import Row
from experiments.analysis.statistics.resampling import Centre


def columns(evidence: Evidence) -> tuple[Column[Row], ...]:
    """Returns the columns of the table; an optimizer without a mean has dashes for its scores."""
    return (
        Column("optimizer", "optimizer", lambda row: row.label),
        Column("learning_rate", "learning rate", lambda row: row.learning_rate, text=_rate),
        Column("boundary", "", lambda row: row.boundary),
        Column("runs", "", lambda row: row.runs),
        Column("runs_wanted", "", lambda row: row.wanted),
        Column("diverged", "", lambda row: row.diverged),
        *_of_scores(f"test_{evidence.score}", evidence.task.score_title, evidence.higher, bool(evidence.by_rule())),
        *_of_gaps(evidence.higher, evidence.study.reference or "best"),
        Column("verdict", "verdict", lambda row: row.verdict),
        Column("in_tie_group", "", lambda row: row.tied),
        Column("", "runs", lambda row: row.runs, text=_runs),
        Column(
            "training_seconds",
            "seconds of training" if evidence.step_seconds else "",
            lambda row: row.seconds,
            "{:.1f}".format,
        ),
        Column("example_gradients", "", lambda row: row.example_gradients),
    )


def _of_scores(name: str, title: str, higher: bool, ruled: bool) -> tuple[Column[Row], ...]:
    return (
        Column(
            f"{name}_mean", f"test {title}: mean [95 % CI]", lambda row: row.centre and row.centre.mean.value,
            text=lambda row: mean_of(row.centre), falling=higher, help="over seeds, after the last epoch",
        ),
        Column(f"{name}_low", "", lambda row: row.centre and row.centre.mean.expanded.low),
        Column(f"{name}_high", "", lambda row: row.centre and row.centre.mean.expanded.high),
        Column(f"{name}_median", "median", lambda row: row.centre and row.centre.median, number, falling=higher),
        Column(
            f"{name}_iqm", "interquartile mean", lambda row: row.centre and row.centre.iqm, number, falling=higher,
            help="mean of the middle half of the seeds",
        ),
        Column(
            f"{name}_at_best_validation", "at best validation" if ruled else "", lambda row: row.by_rule, number,
            falling=higher, help="mean test score at the evaluation with the best validation score",
        ),
    )  # fmt: skip


def _of_gaps(higher: bool, other: str) -> tuple[Column[Row], ...]:
    return (
        Column(
            "behind", f"gap to {other} [95 % CI]", lambda row: row.lag and row.lag.difference, text=_gap,
            key=lambda row: row.lag.difference if row.lag else 0.0 if row.centre else None,  # the best has none
            falling=not higher,  # what the best is ahead of a loss is below 0
            help=f"the {other} mean minus this one, over the same seeds",
        ),
        Column("behind_low", "", lambda row: row.lag and row.lag.expanded.low),
        Column("behind_high", "", lambda row: row.lag and row.lag.expanded.high),
        Column("p", "", lambda row: row.lag and row.lag.p),
        Column(
            "p_holm", "p (Holm)", lambda row: row.lag and row.lag.corrected_p, "{:.2g}".format,
            help="of the gap, corrected for all pairs that are compared, or planned",
        ),
        Column("p_exact", "", lambda row: row.lag and row.lag.exact_p),
        Column(
            "superiority_of_the_best", f"P({other} is better)", lambda row: row.lag and row.lag.superiority,
            "{:.2f}".format, help=f"share of seeds with which the {other} is better, ties counted half",
        ),
    )  # fmt: skip


def brief(evidence: Evidence) -> tuple[Column[Row], ...]:
    """Returns the columns of the table that fits a terminal."""
    return (
        Column("", "optimizer", lambda row: row.label),
        Column("", "rate", lambda row: row.learning_rate, text=lambda row: _rate(row, ".3g")),
        Column("", f"test {evidence.task.score_title} [95 % CI]", lambda row: row.centre, text=_score),
        Column("", f"gap to {evidence.study.reference or 'best'}", lambda row: row.lag and row.lag.difference, number),
        Column("", "verdict", lambda row: row.verdict),
    )


def mean_of(centre: Centre | None) -> str:
    """Returns a mean with its interval."""
    return NONE if centre is None else bracketed(centre.mean.value, centre.mean.expanded)


def _rate(row: Row, form: str = "g") -> str:
    return f"{row.learning_rate:{form}}" + (" (edge)" if row.boundary else "")


def _gap(row: Row) -> str:
    return NONE if row.lag is None else bracketed(row.lag.difference, row.lag.expanded)


def _score(row: Row) -> str:
    if row.diverged:
        return f"{row.diverged} of {row.wanted} diverged"
    return f"{row.runs} of {row.wanted} runs" if row.centre is None else mean_of(row.centre)


def _runs(row: Row) -> str:
    count = str(row.runs) if row.runs == row.wanted else f"{row.runs} of {row.wanted}"
    return f"{count}, {row.diverged} diverged" if row.diverged else count
