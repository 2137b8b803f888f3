"""Rows of test scores: where runs end, differences seed by seed, ranks, and chances to be better."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from experiments.analysis.evidence import Evidence, origin
from experiments.analysis.results import Result
from experiments.analysis.statistics.aggregates import critical_difference, improvement, interquartile_means, ranks
from experiments.analysis.statistics.resampling import centres, generator

SPLITS = ("train", "test")


def dots_rows(evidence: Evidence, result: Result) -> list[dict[str, Any]]:
    """Returns a row for each run and split, with the mean and interval of its optimizer; the best mean first."""
    rows = []
    for split in SPLITS:
        finals = evidence.final(split)
        whole = {label: [v[seed] for seed in sorted(v)] for label, v in evidence.complete(finals).items()}
        found = centres(whole, generator(evidence.identity, f"dots {split}")) if whole else {}
        for row in result.rows:
            mean = found[row.label].mean if row.label in found else None
            rows += [
                {
                    **origin(evidence),
                    "split": split,
                    "optimizer": row.label,
                    "seed": seed,
                    "score": value,
                    "mean": mean.value if mean else math.nan,
                    "low": mean.expanded.low if mean else math.nan,
                    "high": mean.expanded.high if mean else math.nan,
                    "tied": row.tied,
                    "higher_is_better": evidence.higher,
                }
                for seed, value in sorted(finals[row.label].items())
            ]
    return rows


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


def chance_rows(evidence: Evidence, result: Result) -> list[dict[str, Any]]:
    """Returns a row for each ordered pair: P(row better), and the row's interquartile mean; the best mean first."""
    finals = evidence.complete(evidence.final("test"))
    order = [row.label for row in result.rows if row.label in finals]
    if not order:
        return []
    means = _means(evidence, finals, "chances")
    sign = 1 if evidence.higher else -1
    runs = {label: [[sign * finals[label][seed] for seed in evidence.study.seeds]] for label in order}
    rows = []
    for label in order:
        for other in order:
            rng = generator(evidence.identity, f"chance {label} {other}")
            chance = 0.5 if label == other else improvement(runs[label], runs[other], rng).value
            known = {"iqm": means[label].value, "low": means[label].expanded.low, "high": means[label].expanded.high}
            pair = {"optimizer": label, "other": other, "p_better": chance, "higher_is_better": evidence.higher}
            rows.append({**origin(evidence), **pair, **known})
    return rows


def _means(evidence: Evidence, finals: Mapping[str, Mapping[int, float]], name: str) -> Any:
    """Returns the interquartile mean of each optimizer; a diverged run has score 0 or the largest loss."""
    seeds: Sequence[int] = evidence.study.seeds
    finite = [value for own in finals.values() for value in own.values() if math.isfinite(value)]
    worst = 0.0 if evidence.higher else max(finite, default=0.0)
    table = {k: [[v[s] if math.isfinite(v[s]) else worst for s in seeds]] for k, v in finals.items()}
    return interquartile_means(table, generator(evidence.identity, name))


def critical_rows(ranks: Mapping[str, float], identity: str, problems: int) -> list[dict[str, Any]]:
    """Returns a row for each optimizer with its mean rank over problems, at least 8, the best first."""
    gap = critical_difference(len(ranks), problems)
    fixed = {"study": identity, "problems": problems, "critical_difference": gap}
    return [{**fixed, "optimizer": label, "mean_rank": ranks[label]} for label in sorted(ranks, key=ranks.__getitem__)]
