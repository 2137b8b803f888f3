"""Rows of a search: every value tried, how wide the good ones reach, and what to expect of the best of k trials."""

from __future__ import annotations

import dataclasses
import itertools
import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from experiments import optimizers
from experiments.analysis.evidence import Evidence, origin
from experiments.analysis.statistics.resampling import best_of_band, generator
from experiments.problems import tasks
from experiments.studies import Entry, Study
from experiments.text import Table, group
from experiments.tuning import choosing
from experiments.tuning.choosing import Choice, Trial
from experiments.tuning.search import EDGE, LogUniform, Search

RATE = "learning_rate"
POINT = 0.01  # of an accuracy or a Dice; of a loss this share


@dataclasses.dataclass(frozen=True)
class Width:
    """The values whose score is within a point of the best."""

    low: float  # where they begin
    high: float  # where they end
    below: bool  # whether the lowest value tried is one of them, so that they may begin further down
    above: bool  # whether the highest is


def width(points: Sequence[tuple[float, float]], margin: float) -> Width | None:
    """Returns how far the values around the best reach that lose less than a margin; None where all diverged.

    Between two values tried, scores are taken to change linearly with the logarithm; towards one that diverged nothing
    is known, and they end at the last that did not.

    Args:
        points: value tried, above 0, and its score, greater is better, minus infinity for one that diverged.
        margin: how much may be lost, at least 0.
    """
    ordered = sorted(points)
    scores = [score for _, score in ordered]
    best = max(range(len(ordered)), key=scores.__getitem__)
    limit = scores[best] - margin
    if not math.isfinite(limit):
        return None
    first = last = best
    while first > 0 and scores[first - 1] >= limit:
        first -= 1
    while last < len(ordered) - 1 and scores[last + 1] >= limit:
        last += 1
    below, above = first == 0, last == len(ordered) - 1
    low = ordered[first][0] if below else _crossing(ordered[first], ordered[first - 1], limit)
    high = ordered[last][0] if above else _crossing(ordered[last], ordered[last + 1], limit)
    return Width(low, high, below, above)


def _crossing(inside: tuple[float, float], outside: tuple[float, float], limit: float) -> float:
    """Returns the value between two at which the score falls to a limit."""
    if not math.isfinite(outside[1]):
        return inside[0]
    share = (inside[1] - limit) / (inside[1] - outside[1])
    return float(inside[0] * (outside[0] / inside[0]) ** share)


def dimensions(study: Study, trials: Sequence[Trial]) -> list[str]:
    """Returns the hyperparameters that were tuned, the learning rate first."""
    found = dict.fromkeys(
        axis.name
        for entry in study.optimizers
        for search, _ in choosing.made(study, entry, trials)
        for axis in search.space
    )
    return list(found)


def tuning_rows(
    study: Study, trials: Sequence[Trial], choices: Mapping[str, Choice], dimension: str = RATE
) -> list[dict[str, Any]]:
    """Returns a row for each tuning run of the optimizers that have a hyperparameter, with what was chosen of it.

    A hyperparameter p close to 1 appears as 1 - p, as it was searched.
    """
    task = tasks.get(study.task)
    rows = []
    for entry in study.optimizers:
        searched = {(s.round, s.widenings): s for s, _ in choosing.made(study, entry, trials)}
        own = [trial for trial in trials if trial.label == entry.label]
        if not own or dimension not in {axis.name for axis in searched[own[0].round, own[0].widenings].space}:
            continue
        values = [_values_of(searched[t.round, t.widenings], t.index, dimension) for t in own]
        choice = choices[entry.label]
        fixed = _fixed(entry, searched[choice.round, choice.widenings], choice, dimension)
        fixed["chosen_score"] = task.merit(choice.validation_score)
        merits = [(value, trial.score) for value, trial in zip(values, own, strict=True)]
        fixed |= _reach(merits, fixed["chosen"], lower=task.lower_is_better, alone=fixed["tuned"] == 1)
        for value, trial in zip(values, own, strict=True):
            facts = {"value": value, "seed": trial.seed, "score": task.merit(trial.score), "loss": trial.loss}
            place = {"round": trial.round, "widenings": trial.widenings, "index": trial.index}
            origin = {"data": study.data, "model": study.task, "optimizer": entry.label, "hyperparameter": dimension}
            rows.append({**origin, **facts, **place, **fixed, "higher_is_better": not task.lower_is_better})
    return rows


def _values_of(search: Search, index: int, dimension: str) -> float:
    axis = _axis(search, dimension)
    return _shown(float(search.points[index].values[dimension]), axis)


def _shown(value: float, axis: LogUniform) -> float:
    return float(f"{1 - value:.6g}") if axis.one_minus else value


def _axis(search: Search, dimension: str) -> LogUniform:
    axis = next(axis for axis in search.space if axis.name == dimension)
    assert isinstance(axis, LogUniform)  # all that rule B6 tunes are scales
    return axis


def _fixed(entry: Entry, search: Search, choice: Choice, dimension: str) -> dict[str, Any]:
    """Returns what all rows of an optimizer share: default, choice, the last range and its outer tenths."""
    axis = _axis(search, dimension)
    default = entry.default_learning_rate if dimension == RATE else _default(entry, dimension)
    tenth = (axis.high / axis.low) ** EDGE
    return {
        "tuned": len(search.space),
        "one_minus": axis.one_minus,
        "default": _shown(default, axis),
        "chosen": _shown(choice.values[dimension], axis),
        "low": axis.low,
        "high": axis.high,
        "lower_zone": axis.low * tenth,
        "upper_zone": axis.high / tenth if axis.side(1.0) else axis.high,
    }


def _default(entry: Entry, name: str) -> float:
    """Returns what an optimizer has where nothing is tuned; NaN where it has no number there."""
    value = entry.hyperparameters.get(name, optimizers.defaults(entry.optimizer).get(name))
    return float(value) if isinstance(value, int | float) else math.nan


def _reach(points: Sequence[tuple[float, float]], chosen: float, *, lower: bool, alone: bool) -> dict[str, Any]:
    """Returns how far the good values reach, and on which side the chosen one is the outermost tried, -1, 0 or 1.

    There is a width where the hyperparameter was varied alone: among others, neighbours differ in those as well.
    """
    tried = sorted({value for value, _ in points})
    middle = [(value, statistics.median(s for v, s in points if v == value)) for value in tried]
    best = max(score for _, score in middle)
    outermost = (chosen == tried[-1]) - (chosen == tried[0]) if len(tried) > 1 else 0
    return {"outermost": outermost, **reach(middle if alone else (), POINT * abs(best) if lower else POINT)}


def reach(points: Sequence[tuple[float, float]], margin: float) -> dict[str, Any]:
    """Returns the ends and the width of the good values, as `width` does; NaN where nothing is known."""
    found = width(points, margin) if points else None
    return {
        "good_from": found.low if found else math.nan,
        "good_to": found.high if found else math.nan,
        "open_below": int(found.below) if found else 0,
        "open_above": int(found.above) if found else 0,
        "width_decades": math.log10(found.high / found.low) if found else math.nan,
    }


def lost_rows(table: Table) -> list[dict[str, Any]]:
    """Returns a row for each optimizer and rate: what it loses against the best rate; none where all runs diverged.

    Of an accuracy or a Dice it is in points, hundredths; of a loss in % of the lowest. A rate loses infinitely much
    where half of its runs diverged. Where an optimizer has other hyperparameters that were tuned, neighbours differ in
    them, so that a rate of any optimizer has the score of the best that is as far from the best rate or farther, on
    its side.
    """
    several = any(row["tuned"] > 1 for row in table)
    kept = ("data", "model", "optimizer", "chosen", "tuned", "higher_is_better")
    found = []
    for own in group(table).values():
        higher = own[0]["higher_is_better"]
        merits = [(value, score if higher else -score) for value, score in tried(own)]
        if several:
            merits = _envelope(merits)
        best = max(merit for _, merit in merits)
        share = 100.0 if higher else 100.0 / (abs(best) or 1.0)
        reached = reach(merits, POINT if higher else POINT * abs(best))
        winners = [value for value, merit in merits if merit == best]
        winner = own[0]["chosen"] if own[0]["chosen"] in winners else winners[0]
        for value, merit in merits:
            lost = math.inf if math.isinf(merit) else share * (best - merit)
            place = {"learning_rate": value, "multiple": value / winner, "enveloped": several}
            found.append({**{key: own[0][key] for key in kept}, **reached, **place, "lost": lost})
    return found if any(math.isfinite(row["lost"]) for row in found) else []


def _envelope(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Returns the points with the merit of the best that is as far from the best of all, or farther, on its side."""
    values, merits = zip(*sorted(points), strict=True)
    best = max(range(len(merits)), key=merits.__getitem__)
    below = itertools.accumulate(merits[: best + 1], max)
    above = itertools.accumulate(reversed(merits[best + 1 :]), max)
    return list(zip(values, [*below, *reversed(list(above))], strict=True))


def tried(own: Table) -> list[tuple[float, float]]:
    """Returns the values that were tried, ascending, each with the median over seeds of its best point's scores.

    A search that was widened in another hyperparameter has the same values again, at other points.
    """
    best = max if own[0]["higher_is_better"] else min
    points: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for row in own:
        points.setdefault((row["value"], row["round"], row["widenings"], row["index"]), []).append(row)
    scores: dict[float, list[float]] = {}
    for (value, *_), rows in points.items():
        scores.setdefault(value, []).append(statistics.median(row["score"] for row in rows))
    return sorted((value, best(found)) for value, found in scores.items())


def best_of_rows(evidence: Evidence) -> list[dict[str, Any]]:
    """Returns a row for each optimizer and number of trials; none where nothing was tuned."""
    sign = 1 if evidence.higher else -1
    rows = []
    for label in evidence.labels:
        scores = _scores(evidence, label)
        if not scores:
            continue
        rng = generator(evidence.identity, f"best of {label}")
        for k, (value, band) in enumerate(best_of_band(scores, rng), start=1):
            low, high = sorted((sign * band.low, sign * band.high))
            ends = {"expected": sign * value, "low": low, "high": high, "higher_is_better": evidence.higher}
            rows.append({**origin(evidence), "optimizer": label, "k": k, **ends})
    return rows


def _scores(evidence: Evidence, label: str) -> list[float]:
    """Returns the merit of each point of an optimizer's last search, greater is better: the median over its seeds."""
    own = [trial for trial in evidence.trials if trial.label == label]
    last = choosing.within(own, evidence.choices[label])
    points = sorted({trial.index for trial in last})
    return [statistics.median(trial.score for trial in last if trial.index == index) for index in points]
