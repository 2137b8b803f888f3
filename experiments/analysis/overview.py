"""Several problems at once: what each optimizer reached on each, on one scale, and how they rank."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
import statistics
from collections.abc import Sequence
from typing import Any

from experiments.analysis.evidence import Evidence
from experiments.analysis.lint import Claims, together
from experiments.analysis.results import Result
from experiments.analysis.statistics.aggregates import (
    LEAST_PROBLEMS,
    critical_difference,
    friedman,
    improvement,
    interquartile_means,
    mean_ranks,
)
from experiments.analysis.statistics.resampling import Estimate, generator
from experiments.analysis.statistics.summaries import normalised
from experiments.analysis.time_rows import targets

Matrix = dict[str, list[list[float]]]


@dataclasses.dataclass(frozen=True)
class Overview:
    """The problems of one study, all of whose runs are there."""

    evidence: Sequence[Evidence]  # of each problem
    results: Sequence[Result]  # the table of each problem

    @property
    def problems(self) -> list[str]:
        """What the problems are called."""
        studies = [one.study for one in self.evidence]
        return [one.task if one.task == one.data else f"{one.task} on {one.data}" for one in studies]

    @property
    def labels(self) -> list[str]:
        """The optimizers."""
        return self.evidence[0].labels

    @property
    def identity(self) -> str:
        """What random draws derive from: the problems' studies."""
        return " ".join(one.identity for one in self.evidence)

    def normalised(self) -> Matrix:
        """Returns test scores on the scale from 0, the value at step 0, to 1, the best that any run of the study has.

        For each optimizer (problems, seeds); a run that diverged has 0.
        """
        found: Matrix = {label: [] for label in self.labels}
        for one in self.evidence:
            finals, column = one.final("test"), f"test_{one.score}"
            start = statistics.median(float(record.evaluations[0][column]) for record in one.found)
            alive = [v for own in finals.values() for v in own.values() if math.isfinite(v)] or [start]
            best = (max if one.higher else min)(alive)
            for label, rows in found.items():
                runs = [finals[label][seed] for seed in one.study.seeds]
                rows.append(normalised(runs, start, best).tolist() if best != start else [0.0] * len(runs))
        return found

    def merits(self) -> Matrix:
        """Returns test scores turned so that greater is better, minus infinity for a run that diverged."""
        found: Matrix = {label: [] for label in self.labels}
        for one in self.evidence:
            sign, finals = 1 if one.higher else -1, one.final("test")
            for label, rows in found.items():
                rows.append([sign * finals[label][seed] for seed in one.study.seeds])
        return found

    def means(self) -> dict[str, Estimate]:
        """Returns the interquartile mean of each optimizer over all problems and seeds, seeds drawn inside problems."""
        return interquartile_means(self.normalised(), generator(self.identity, "overview"))

    def order(self) -> list[str]:
        """Returns the optimizers, the highest interquartile mean first."""
        means = self.means()
        return sorted(self.labels, key=lambda label: -means[label].value)

    def medians(self) -> dict[str, list[float]]:
        """Returns the median of each optimizer on each problem, greater is better."""
        return {label: list(map(statistics.median, rows)) for label, rows in self.merits().items()}

    def ranks(self) -> dict[str, float]:
        """Returns the mean rank over problems, by median scores."""
        return mean_ranks(self.medians())

    @functools.cached_property
    def times(self) -> list[dict[str, Any]]:
        """A row for each optimizer and problem: the median over seeds of the passes to the problem's target."""
        return [
            {
                "study": one.identity,
                "data": one.study.data,
                "model": one.study.task,
                "problem": name,
                "share": 1.0,
                "target": "each problem's",
                "void": whole.void,
                "budget": one.study.epochs,
                "optimizer": label,
                "epochs": statistics.median(by_seed.values()),
            }
            for one, name in zip(self.evidence, self.problems, strict=True)
            for whole in targets(one)[-1:]
            for label, by_seed in whole.epochs.items()
        ]

    @property
    def left_out(self) -> str:
        """The sentence that names the problems whose target is void, which give no times (rule B14), or nothing."""
        names = dict.fromkeys(row["problem"] for row in self.times if row["void"])
        return f" Left out, because the target is void: {', '.join(names)}." if names else ""

    @property
    def claims(self) -> Claims:
        """What may be claimed over all problems."""
        return together([made.claims for made in self.results])

    def words(self) -> list[str]:
        """Returns the sentences that the runs allow."""
        said = [f"{name}: {made.headline}" for name, made in zip(self.problems, self.results, strict=True)]
        if len(self.problems) < LEAST_PROBLEMS:
            few = f"{len(self.problems)} problems are fewer than {LEAST_PROBLEMS}"
            return [*said, f"Ranks are shown without p values, and no critical-difference diagram is drawn: {few}."]
        if not self.claims.allowed:
            return [*said, f"Ranks are shown without p values; {self.claims.words}."]
        gap = critical_difference(len(self.labels), len(self.problems))
        separates = f"Nemenyi's test separates mean ranks that differ by {gap:.2f} or more"
        return [
            *said,
            *([f"Friedman's test: p = {friedman(self.medians()):.2g}; {separates}."] if len(self.labels) > 2 else []),
        ]


def several(evidence: Sequence[Evidence], results: Sequence[Result]) -> Overview | None:
    """Returns the overview of a study, or None where it has one problem, or runs or optimizers are missing."""
    same = len({(tuple(one.labels), len(one.study.seeds)) for one in evidence}) == 1
    whole = all(len(one.of(label)) == len(one.study.seeds) for one in evidence for label in one.labels)
    return Overview(evidence, results) if len(evidence) > 1 and same and whole else None


def map_table(overview: Overview) -> list[dict[str, Any]]:
    """Returns a row for each optimizer and problem: mean score, interval, place on one scale; the best first."""
    shares, means, ranks = overview.normalised(), overview.means(), overview.ranks()
    return [
        {
            "study": evidence.identity,
            "optimizer": label,
            "problem": overview.problems[number],
            "score": row.centre.mean.value,
            "low": row.centre.mean.expanded.low,
            "high": row.centre.mean.expanded.high,
            "normalised": statistics.fmean(shares[label][number]),
            "diverged": row.diverged,
            "tied": row.tied,
            "verdict": row.verdict,
            "iqm": means[label].value,
            "iqm_low": means[label].expanded.low,
            "iqm_high": means[label].expanded.high,
            "mean_rank": ranks[label],
        }
        for label in overview.order()
        for number, evidence in enumerate(overview.evidence)
        for row in overview.results[number].rows
        if row.label == label and row.centre is not None  # `several` makes sure that all runs are there
    ]


def chance_table(overview: Overview) -> list[dict[str, Any]]:
    """Returns a row for each ordered pair: P(row better), the mean over problems, and the interquartile mean."""
    merits, means, order = overview.merits(), overview.means(), overview.order()
    chances = {
        (a, b): improvement(merits[a], merits[b], generator(overview.identity, f"{a} {b}")).value
        for a, b in itertools.permutations(order, 2)
    }
    return [
        {
            "study": overview.evidence[0].identity,
            "problems": len(overview.problems),
            "optimizer": label,
            "other": other,
            "p_better": chances.get((label, other), 0.5),
            "higher_is_better": True,
            "iqm": means[label].value,
            "low": means[label].expanded.low,
            "high": means[label].expanded.high,
        }
        for label in order
        for other in order
    ]
