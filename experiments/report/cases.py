"""The table of every metric of the cases of a segmentation. Nothing here trains."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.analysis import cases, columns
from experiments.analysis.columns import Column
from experiments.analysis.evidence import origin
from experiments.analysis.statistics.summaries import spread
from experiments.problems.metrics import METRICS, Summary, summarise
from experiments.records import files
from experiments.records.run_folder import Record
from experiments.report.captions import Captions, say
from experiments.studies import Study
from experiments.text import group, to_csv

Row = dict[str, Any]


def write(study: Study, found: Sequence[Record], captions: Captions, folder: Path) -> list[Path]:
    """Writes the table of every metric, and returns its files; none where every run diverged, or there are no cases."""
    runs = cases.measured(found)
    if not runs:
        return []
    every = rows(study, runs)
    paths = [folder / "metrics.md", folder / "metrics.csv"]
    files.write(paths[0], markdown(every, captions.title("Every metric"), notes(study, runs, captions.facts)))
    files.write(paths[1], as_csv(every, runs))
    return paths


def rows(study: Study, runs: Sequence[cases.Measured]) -> list[Row]:
    """Returns a row for each optimizer, class and metric.

    The mean over the cases of each run is taken first; `mean`, `sd`, `low` and `high` are over seeds. An optimizer
    of which a run diverged has None there, since a mean over the others alone would flatter; so has a metric that
    is defined in no case.
    """
    found: list[Row] = []
    for entry in study.optimizers:
        own = [one for one in runs if one.label == entry.label]
        by_run = [summarise(one.scores) for one in own]
        found += [{"optimizer": entry.label, **_row(same, len(study.seeds))} for same in zip(*by_run, strict=True)]
        if not own:
            found.append(_none(entry.label, len(study.seeds)))
    return found


def _row(same: Sequence[Summary], seeds: int) -> Row:
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


def _none(label: str, seeds: int) -> Row:
    """Returns the row of an optimizer all of whose runs diverged."""
    names = "class metric unit perfect seeds diverged mean sd low high cases left_out missed false_alarms empty_truths"
    return {"optimizer": label, **dict.fromkeys(names.split()), "seeds": seeds, "diverged": seeds}


def markdown(table: Sequence[Row], title: str, notes: Sequence[str]) -> str:
    """Returns a table for each class, a row an optimizer and a column a metric, with notes."""
    lines = [f"# {title}"]
    for name in dict.fromkeys(row["class"] for row in table if row["class"]):
        own = [row for row in table if row["class"] in (name, None)]
        by_metric = [{row["metric"]: row for row in same} for same in group(own).values()]
        lines += ["", f"## {name[0].upper()}{name[1:]}", "", *columns.markdown(COLUMNS, by_metric)]
    return "\n".join([*lines, "", *(f"- {note}" for note in notes), ""])


ByMetric = Mapping[str | None, Mapping[str, Any]]  # an optimizer's rows of one class


def _some(key: str, own: ByMetric) -> Any:
    """Returns what all rows of an optimizer and a class have in common."""
    return next(iter(own.values()))[key]


def _count(key: str, own: ByMetric) -> Any:
    return None if _some("diverged", own) else _some(key, own)


def _mean(metric: str, first: bool, own: ByMetric) -> str:
    """Returns the mean of a metric with its spread; the first metric says how many runs diverged, where some did."""
    if diverged := _some("diverged", own):
        return f"{diverged} of {_some('seeds', own)} diverged" if first else columns.NONE
    row, digits = own[metric], 2 if own[metric]["unit"] else 3
    if row["mean"] is None:
        return "undefined"
    return f"{row['mean']:.{digits}f}" + ("" if math.isnan(row["sd"]) else f" ± {row['sd']:.{digits}f}")


COLUMNS: Sequence[Column[ByMetric]] = (
    Column("", "optimizer", functools.partial(_some, "optimizer")),
    *(
        Column("", f"{metric.title}{metric.unit and ', ' + metric.unit}", functools.partial(_mean, name, not place))
        for place, (name, metric) in enumerate(METRICS.items())
    ),
    Column("", "missed", functools.partial(_count, "missed")),
    Column("", "false alarms", functools.partial(_count, "false_alarms")),
)


def notes(study: Study, runs: Sequence[cases.Measured], captions: Sequence[str]) -> list[str]:
    """Returns the sentences that belong under the table."""
    count = len({score.case for one in runs for score in one.scores})
    tolerance = next((one.scores[0].tolerance_mm for one in runs), math.nan)
    facts = {"seeds": study.seeds, "cases": count, "tolerance": tolerance}
    return [*captions, say("report", "cases", "numbers", facts), say("report", "cases", "surfaces", facts)]


def as_csv(table: Sequence[Row], runs: Sequence[cases.Measured]) -> str:
    """Returns the table's numbers, unrounded, each row with its study, data set and model."""
    return to_csv([{**origin(runs[0].record.run), **row} for row in table])
