"""The table of every metric: over the cases of a run, then over the seeds of an optimizer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from experiments.analysis.cases import Measured
from experiments.analysis.statistics import spread
from experiments.problems.metrics import METRICS, Summary, summarise
from experiments.studies import Study
from experiments.text import to_csv

Rows = list[dict[str, Any]]


def rows(study: Study, runs: Sequence[Measured]) -> Rows:
    """Returns a row for each optimizer, class and metric.

    The mean over the cases of each run is taken first; `mean`, `sd`, `low` and `high` are over seeds. An optimizer
    of which a run diverged has None there, since a mean over the others alone would flatter; so has a metric that
    is defined in no case.
    """
    found: Rows = []
    for entry in study.optimizers:
        own = [one for one in runs if one.label == entry.label]
        by_run = [summarise(one.scores) for one in own]
        for same in zip(*by_run, strict=True):
            found.append({"optimizer": entry.label, **_row(same, len(study.seeds))})
        if not own:
            found.append({"optimizer": entry.label, **_none(len(study.seeds))})
    return found


def _row(same: Sequence[Summary], seeds: int) -> dict[str, Any]:
    first, diverged = same[0], seeds - len(same)
    means = [summary.mean for summary in same if not math.isnan(summary.mean)]
    over = spread(means) if means and not diverged else None
    return {
        "class": first.class_name,
        "metric": first.metric,
        "unit": METRICS[first.metric].unit,
        "perfect": METRICS[first.metric].best,
        "seeds": seeds,
        "diverged": diverged,
        "mean": over and over.mean,
        "sd": over and over.sd,
        "low": over and over.low,
        "high": over and over.high,
        "cases": first.cases,
        "left_out": sum(summary.left_out for summary in same),
        "missed": sum(summary.missed for summary in same),
        "false_alarms": sum(summary.false_alarms for summary in same),
        "empty_truths": sum(summary.empty_truths for summary in same),
    }


def _none(seeds: int) -> dict[str, Any]:
    empty = dict.fromkeys(
        ("class", "metric", "unit", "perfect", "seeds", "diverged", "mean", "sd", "low", "high", "cases", "left_out",
         "missed", "false_alarms", "empty_truths")
    )  # fmt: skip
    return {**empty, "seeds": seeds, "diverged": seeds}


def markdown(table: Rows, title: str, notes: Sequence[str]) -> str:
    """Returns a table for each class, a row an optimizer and a column a metric, with notes."""
    lines = [f"# {title}"]
    for name in dict.fromkeys(row["class"] for row in table if row["class"]):
        lines += ["", f"## {name[0].upper()}{name[1:]}", "", *_section(table, name)]
    return "\n".join([*lines, "", *(f"- {note}" for note in notes), ""])


def _section(table: Rows, name: str) -> list[str]:
    headings = [
        "optimizer",
        *(f"{m.title}{m.unit and ', ' + m.unit}" for m in METRICS.values()),
        "missed",
        "false alarms",
    ]
    lines = [_line(headings), _line(["---"] * len(headings))]
    for label in dict.fromkeys(row["optimizer"] for row in table):
        own = {row["metric"]: row for row in table if row["optimizer"] == label and row["class"] in (name, None)}
        some = next(iter(own.values()))
        if some["diverged"]:
            lines.append(_line([label, f"{some['diverged']} of {some['seeds']} diverged", *["-"] * len(headings[2:])]))
            continue
        cells = [_cell(own[metric]) for metric in METRICS]
        lines.append(_line([label, *cells, str(some["missed"]), str(some["false_alarms"])]))
    return lines


def notes(study: Study, runs: Sequence[Measured], captions: Sequence[str]) -> list[str]:
    """Returns the sentences that belong under the table."""
    cases = len({score.case for one in runs for score in one.scores})
    over = "then mean ± standard deviation of seeds" if len(study.seeds) > 1 else "of seed"
    tolerance = next((one.scores[0].tolerance_mm for one in runs), math.nan)
    return [
        *captions,
        (
            f"Each number: mean of the {cases} test cases, {over} {', '.join(map(str, study.seeds))}; the mean of "
            "classes is taken in each case first. Missed and false alarms: structures of all seeds."
        ),
        (
            f"Surface Dice: at a tolerance of {tolerance:g} mm. A structure that is missed, or found where there is "
            "none, has overlaps of 0 and distances of the image's diagonal; one rightly found absent 1 and 0. Ratios "
            "without definition are left out and counted in the CSV."
        ),
    ]


def as_csv(table: Rows, runs: Sequence[Measured]) -> str:
    """Returns the table's numbers, unrounded, each row with its study, data set and model."""
    run = runs[0].record.run
    return to_csv([{"study": run.study[:8], "data": run.data, "model": run.task, **row} for row in table])


def _cell(row: dict[str, Any]) -> str:
    digits = 2 if row["unit"] else 3
    if row["mean"] is None:
        return "undefined"
    return f"{row['mean']:.{digits}f}" + ("" if math.isnan(row["sd"]) else f" ± {row['sd']:.{digits}f}")


def _line(texts: Sequence[str]) -> str:
    return "| " + " | ".join(texts) + " |"
