"""Rows of test scores: where runs end, differences seed by seed, and ranks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from experiments.analysis.evidence import Evidence, origin
from experiments.analysis.results import Result, Row
from experiments.analysis.statistics.aggregates import critical_difference, interquartile_means, ranks
from experiments.analysis.statistics.resampling import generator


def seed_rows(evidence: Evidence, result: Result) -> list[dict[str, Any]]:
    """Returns a row for each run: its test error, with the mean and interval of its optimizer; the best mean first.

    The error is what the score lacks to 1, in %; of a loss, and of a score that is no share, it is that itself.
    """
    finals, share = evidence.final("test"), evidence.task.has_error
    return [
        {
            **origin(evidence),
            "optimizer": row.label,
            "seed": seed,
            "score": value,
            "error": error(value, share=share),
            **_centre(row, share=share),
            "runs": row.runs,
            "diverged": row.diverged,
            "tied": row.tied,
            "verdict": row.verdict,
            "unit": "%" if share else "",
        }
        for row in result.rows
        for seed, value in sorted(finals[row.label].items())
    ]


def error(score: float, *, share: bool) -> float:
    """Returns what a share lacks to 1, in %; a loss or another score as it is."""
    return 100.0 * (1.0 - score) if share else score


def _centre(row: Row, *, share: bool) -> dict[str, float]:
    """Returns mean and interval of an optimizer's error; NaN while runs are missing."""
    if row.centre is None:
        return dict.fromkeys(("mean", "low", "high"), math.nan)
    mean, (low, high) = row.centre.mean.value, row.centre.mean.expanded
    ends = sorted((error(low, share=share), error(high, share=share)))
    return {"mean": error(mean, share=share), "low": ends[0], "high": ends[1]}


def differences_rows(evidence: Evidence, result: Result) -> list[dict[str, Any]]:
    """Returns a row for each seed and optimizer but the best: how far it is behind; none where there is no mean."""
    finals, best = evidence.final("test"), result.against
    known = [row for row in result.rows if row.lag is not None]
    return [
        {
            **origin(evidence),
            "optimizer": row.label,
            "best": best,
            "seed": seed,
            "difference": 0.0 if finals[best][seed] == value else finals[best][seed] - value,
            "mean": row.lag.difference,
            "low": row.lag.expanded.low,
            "high": row.lag.expanded.high,
            "says": f"{row.verdict:<6} p {row.lag.corrected_p:<8.2g}P {row.lag.superiority:.2f}",
        }
        for row in known
        if row.lag is not None
        for seed, value in sorted(finals[row.label].items())
    ]


def map_rows(evidence: Evidence, result: Result) -> list[dict[str, Any]]:
    """Returns a row for each run: score, rank in its seed, and its optimizer's interquartile mean; the best first."""
    finals = evidence.complete(evidence.final("test"))
    order = [row.label for row in result.rows if row.label in finals]
    if not order:
        return []
    sign = 1 if evidence.higher else -1
    placed = ranks({label: [sign * finals[label][seed] for seed in evidence.study.seeds] for label in order})
    means = _means(evidence, finals, "heat map")
    return [
        {
            **origin(evidence),
            "optimizer": label,
            "seed": seed,
            "score": finals[label][seed],
            "rank": float(placed[label][place]),
            "iqm": means[label].value,
            "iqm_low": means[label].expanded.low,
            "iqm_high": means[label].expanded.high,
            "higher_is_better": evidence.higher,
        }
        for label in order
        for place, seed in enumerate(evidence.study.seeds)
    ]


def _means(evidence: Evidence, finals: Mapping[str, Mapping[int, float]], name: str) -> Any:
    """Returns the interquartile mean of each optimizer; a run that diverged has the share 0, or the worst value."""
    seeds: Sequence[int] = evidence.study.seeds
    finite = [value for own in finals.values() for value in own.values() if math.isfinite(value)]
    worst = 0.0 if evidence.task.has_error else (min if evidence.higher else max)(finite, default=0.0)
    table = {k: [[v[s] if math.isfinite(v[s]) else worst for s in seeds]] for k, v in finals.items()}
    return interquartile_means(table, generator(evidence.identity, name))


def critical_rows(ranks: Mapping[str, float], identity: str, problems: int) -> list[dict[str, Any]]:
    """Returns a row for each optimizer with its mean rank over problems, at least 8, the best first."""
    gap = critical_difference(len(ranks), problems)
    fixed = {"study": identity, "problems": problems, "critical_difference": gap}
    return [{**fixed, "optimizer": label, "mean_rank": ranks[label]} for label in sorted(ranks, key=ranks.__getitem__)]
