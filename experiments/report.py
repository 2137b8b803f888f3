"""The result table of a comparison: on the terminal, as Markdown and as CSV."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

from experiments import tasks
from experiments.config import Study
from experiments.records import Record
from experiments.selection import Choice
from experiments.statistics import Spread, mean_interval, spread
from experiments.tables import to_csv


@dataclasses.dataclass(frozen=True)
class Row:
    """What is said of one optimizer.

    Attributes:
        label: its name.
        learning_rate: the rate chosen on validation data.
        boundary: whether that rate lay at the edge of what was tried.
        runs: number of seeds, diverged ones included.
        diverged: how many of them diverged.
        final: test score after the last pass; None when a run diverged, since a mean over the
            others alone would flatter.
        by_rule: test score after the pass with the best validation score, the first of equals.
        behind: mean lag behind the first row with its 95 % paired interval; None for the first.
        seconds: training time of a run, evaluations and compiling left out.
        example_gradients: gradients of single examples a run took.
    """

    label: str
    learning_rate: float
    boundary: bool
    runs: int
    diverged: int
    final: Spread | None
    by_rule: Spread | None
    behind: tuple[float, float, float] | None
    seconds: Spread
    example_gradients: int


def rows(study: Study, found: Sequence[Record], choices: Mapping[str, Choice]) -> list[Row]:
    """Returns a row for each optimizer, the highest mean test score first, diverged ones last."""
    grouped = {
        entry.label: [record for record in found if record.run.label == entry.label] for entry in study.optimizers
    }
    finals = {label: _final(group) for label, group in grouped.items()}
    order = sorted(grouped, key=lambda label: _mean(finals[label]), reverse=True)
    first = finals[order[0]]
    return [
        Row(
            label=label,
            learning_rate=choices[label].learning_rate,
            boundary=choices[label].boundary,
            runs=len(grouped[label]),
            diverged=sum(record.status == "diverged" for record in grouped[label]),
            final=spread(finals[label]) if finals[label] else None,
            by_rule=spread(list(map(_by_rule, grouped[label]))) if finals[label] else None,
            behind=_behind(first, finals[label]) if label != order[0] and finals[label] else None,
            seconds=spread([record.evaluations[-1]["seconds"] for record in grouped[label]]),
            example_gradients=max(r.evaluations[-1]["example_gradients"] for r in grouped[label]),
        )
        for label in order
    ]


def headings(score: str) -> tuple[str, ...]:
    """Returns the headings of the table, given what the score is called."""
    return (
        "optimizer",
        "learning rate",
        f"test {score}, mean ± sd (lowest to highest)",
        "at best validation",
        "behind the first [95 % interval]",
        "seconds of training",
        "diverged",
    )


def cells(row: Row) -> tuple[str, ...]:
    """Returns a row as text, a cell for each heading."""
    return (
        row.label,
        f"{row.learning_rate:g}" + (" (edge)" if row.boundary else ""),
        _spread(row.final, f"{row.diverged} of {row.runs} diverged"),
        f"{row.by_rule.mean:.3f}" if row.by_rule else "-",
        _lag(row.behind),
        f"{row.seconds.mean:.1f}",
        f"{row.diverged} of {row.runs}",
    )


def markdown(table: Sequence[Row], title: str, notes: Sequence[str], score: str = "accuracy") -> str:
    """Returns the table as Markdown with its notes."""
    lines = [f"# {title}", "", _line(names := headings(score)), _line(["---"] * len(names))]
    lines += [_line(cells(row)) for row in table]
    return "\n".join([*lines, "", *(f"- {note}" for note in notes), ""])


def as_csv(table: Sequence[Row], found: Sequence[Record]) -> str:
    """Returns the table's numbers, unrounded, each row with its study, data set and model."""
    run = found[0].run
    origin = {"study": run.study[:8], "data": run.data, "model": run.task}
    return to_csv([{**origin, **_flat(row, tasks.get(run.task).score)} for row in table])


def notes(study: Study, captions: Sequence[str]) -> list[str]:
    """Returns the sentences that belong under the table."""
    count, score = len(study.seeds), tasks.get(study.task).score_title
    return [
        *captions,
        (
            f"≈: {count} seeds do not tell the two apart: the 95 % interval of their paired difference (Student's t, "
            "not corrected for several comparisons) holds 0. So few seeds show only large and steady differences."
        ),
        f"At best validation: test {score} after the pass with the highest validation {score}.",
        (
            "Seconds of training leave evaluation and compiling out; runs that train side by side slow "
            "each other down, so take them as a hint."
        ),
    ]


def _final(group: Sequence[Record]) -> list[float]:
    if any(record.status == "diverged" for record in group):
        return []
    return [record.evaluations[-1][f"test_{_score(record)}"] for record in group]


def _by_rule(record: Record) -> float:
    best = max(record.evaluations, key=lambda evaluation: evaluation[f"validation_{_score(record)}"])
    return float(best[f"test_{_score(record)}"])


def _score(record: Record) -> str:
    return tasks.get(record.run.task).score


def _behind(first: Sequence[float], other: Sequence[float]) -> tuple[float, float, float]:
    differences = [a - b for a, b in zip(first, other, strict=True)]
    low, high = mean_interval(differences)
    return spread(differences).mean, low, high


def _mean(values: Sequence[float]) -> float:
    return spread(values).mean if values else -math.inf


def _spread(summary: Spread | None, otherwise: str) -> str:
    if summary is None:
        return otherwise
    if summary.n == 1:
        return f"{summary.mean:.3f} (1 seed)"
    return f"{summary.mean:.3f} ± {summary.sd:.3f} ({summary.low:.3f} to {summary.high:.3f})"


def _lag(behind: tuple[float, float, float] | None) -> str:
    if behind is None:
        return "-"
    mean, low, high = behind
    if math.isnan(low):
        return f"{mean:.3f}"
    return f"{mean:.3f} [{low:.3f}, {high:.3f}]" + (" ≈" if low <= 0 <= high else "")


def _line(texts: Sequence[str]) -> str:
    return "| " + " | ".join(texts) + " |"


def _flat(row: Row, score: str) -> dict[str, object]:
    final = dataclasses.asdict(row.final) if row.final else dict.fromkeys(("mean", "sd", "low", "high"))
    behind = row.behind or (None, None, None)
    return {
        "optimizer": row.label,
        "learning_rate": row.learning_rate,
        "boundary": row.boundary,
        "runs": row.runs,
        "diverged": row.diverged,
        **{f"test_{score}_{key}": final[key] for key in ("mean", "sd", "low", "high")},
        f"test_{score}_at_best_validation": row.by_rule.mean if row.by_rule else None,
        **dict(zip(("behind", "behind_low", "behind_high"), behind, strict=True)),
        "training_seconds_mean": row.seconds.mean,
        "example_gradients": row.example_gradients,
    }
