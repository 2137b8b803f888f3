"""Targets: which validation score counts as solved, and when each run first met it (rules B14 and B15)."""

from __future__ import annotations

import dataclasses
import statistics

from experiments.analysis.evidence import Evidence
from experiments.analysis.statistics.times import time_to_target, void

SHARES = (0.90, 0.97, 1.0)


@dataclasses.dataclass(frozen=True)
class Target:
    """One level of a target."""

    share: float  # how far it is from the value at step 0 to the whole target, 0 .. 1.
    value: float  # the validation score that has to be met
    void: str  # why it tells nothing; empty when it is valid
    # optimizer -> seed -> first pass that met it; infinity for a miss and for a run that diverged before
    epochs: dict[str, dict[int, float]]

    @property
    def words(self) -> str:
        """The level, for a heading."""
        return f"{self.share:.0%} of the way: {self.value:.4g}"


def targets(evidence: Evidence) -> list[Target]:
    """Returns the three levels of the study's target; none while runs are missing."""
    if any(len(evidence.of(label)) < len(evidence.study.seeds) for label in evidence.labels):
        return []
    column = f"validation_{evidence.score}"
    start = statistics.median(float(record.evaluations[0][column]) for record in evidence.found)
    goal = evidence.target if evidence.target is not None else provisional(evidence)
    return [_level(evidence, share, start + share * (goal - start)) for share in SHARES]


def provisional(evidence: Evidence) -> float:
    """Returns a target where none is declared: what half of the optimizers reach with half of their seeds.

    It is the median over optimizers of the median over seeds of the best validation score, so it favours no optimizer;
    but it comes from the runs that it judges, which the target of a pool does not.
    """
    column, best = f"validation_{evidence.score}", max if evidence.higher else min
    middles = [
        statistics.median(best(float(evaluation[column]) for evaluation in r.evaluations) for r in evidence.of(label))
        for label in evidence.labels
    ]
    return statistics.median(middles)


def how(evidence: Evidence) -> str:
    """Returns the sentence that says where the target is from."""
    if evidence.target is not None:
        return evidence.origin or f"Target: {evidence.target:g}, declared."
    return (
        "Target: provisional, until `python -m experiments target` makes one: the median over optimizers of the median "
        "over seeds of the best validation score."
    )


def _level(evidence: Evidence, share: float, value: float) -> Target:
    column = f"validation_{evidence.score}"
    epochs = {
        label: {
            record.run.seed: time_to_target(
                [evaluation["epoch"] for evaluation in record.evaluations],
                [float(evaluation[column]) for evaluation in record.evaluations],
                value,
                higher_is_better=evidence.higher,
            )
            for record in evidence.of(label)
        }
        for label in evidence.labels
    }
    reason = void({k: list(v.values()) for k, v in epochs.items()}, evidence.study.epochs)
    return Target(share, value, reason or "", epochs)
