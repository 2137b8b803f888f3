"""Which score counts as solved and when each run first met it (rules B14, B15): times, speed-ups and profiles."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from experiments.analysis import profiles
from experiments.analysis.evidence import Evidence, origin
from experiments.analysis.profiles import Profile
from experiments.analysis.statistics.times import speed_up, summarise_times, time_to_target, void
from experiments.studies import Entry
from experiments.text import Table, group

SHARES = (0.90, 0.97, 1.0)


@dataclasses.dataclass(frozen=True)
class Target:
    """One level of a target."""

    share: float  # how far it is from the value at step 0 to the whole target, 0 .. 1.
    value: float  # the validation score that has to be met
    void: str  # why it tells nothing; empty when it is valid
    # optimizer -> seed -> first pass that met it; infinity for a miss and for a run that diverged before
    epochs: dict[str, dict[int, float]]


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


REFERENCES = ("adamw", "adam", "sgd")  # of which the first that is there is what others are faster than


def reference_of(entries: Sequence[Entry]) -> str:
    """Returns the optimizer that others are compared with; empty where there is none that is usual."""
    return next((e.label for name in REFERENCES for e in entries if e.optimizer == name), "")


def time_rows(evidence: Evidence, levels: Sequence[Target]) -> list[dict[str, Any]]:
    """Returns a row for each run and level of the target."""
    reference = reference_of(evidence.study.optimizers)
    return [
        {
            **origin(evidence),
            "share": level.share,
            "target": level.value,
            "void": level.void,
            "optimizer": label,
            "seed": seed,
            "epochs": epochs,
            "budget": evidence.study.epochs,
            "reference": reference,
            **_speed_up(level, label, reference, evidence.study.epochs),
        }
        for level in levels
        for label, by_seed in level.epochs.items()
        for seed, epochs in sorted(by_seed.items())
    ]


def _speed_up(level: Target, label: str, reference: str, budget: int) -> dict[str, Any]:
    """Returns how many times faster than the reference an optimizer's median is; NaN where a level gives no times."""
    if level.void or not reference:
        return {"speed_up": math.nan, "never": False, "reference_never": False}
    one, other = (summarise_times(list(level.epochs[name].values())).median for name in (reference, label))
    never = {"never": math.isinf(other), "reference_never": math.isinf(one)}
    return {"speed_up": speed_up([one], [other], [budget]), **never}


def valid(table: Table) -> list[Mapping[str, Any]]:
    """Returns the rows of the levels that are not void (rule B14)."""
    return [row for row in table if not row["void"]]


def missing(table: Table) -> list[str]:
    """Returns the sentences that say which levels of the target are void, for which no times are given."""
    levels = [own[0] for own in group(table, "share").values() if own[0]["void"]]
    return [f"Void, {row['share']:.0%} of the way ({row['target']:.4g}): {row['void']}." for row in levels]


def speed_rows(times: Table, reference: str) -> list[dict[str, Any]]:
    """Returns a row for each optimizer and valid target of a problem, the fastest first; none without a reference."""
    own = group([row for row in times if not row["void"]])
    if reference not in own:
        return []
    usual, budgets = [row["epochs"] for row in own[reference]], [row["budget"] for row in own[reference]]
    means = {label: speed_up(usual, [row["epochs"] for row in rows], budgets) for label, rows in own.items()}
    return [
        {
            **{key: row[key] for key in ("study", "data", "model", "problem", "optimizer", "epochs", "budget")},
            "reference": reference,
            "reference_epochs": one,
            "speed_up": speed_up([one], [row["epochs"]], [row["budget"]]),
            "mean_speed_up": means[label],
        }
        for label in sorted(own, key=lambda label: -means[label])
        for row, one in zip(own[label], usual, strict=True)
    ]


def solved_of(table: Table) -> dict[str, list[float]]:
    """Returns the epochs to the whole target of each optimizer, by seed or by problem, without void ones."""
    return {label: [row["epochs"] for row in own] for label, own in group(_whole(table)).items()}


def _whole(table: Table) -> list[Mapping[str, Any]]:
    """Returns the rows of the whole target, which gives no times where it is void (rule B14)."""
    whole = max((row["share"] for row in table), default=1.0)
    return [row for row in table if row["share"] == whole and not row["void"]]


def drawable(table: Table) -> bool:
    """Returns whether profiles say something: there are two optimizers, none solves at the start, one solves at all."""
    times = [value for own in solved_of(table).values() for value in own]
    return len(solved_of(table)) > 1 and min(times) > 0 and any(map(math.isfinite, times))


def profile_rows(table: Table) -> list[dict[str, Any]]:
    """Returns the rows of the profiles with and without the best and of the data profile, if any can be drawn."""
    if not drawable(table):
        return []
    found = solved_of(table)
    whole = profiles.performance_profile(found)
    shown = {"all": whole}
    if len(set(profiles.scores(whole).values())) > 1:
        best, rest = profiles.without_best(found)
        shown[f"without {', '.join(best)}"] = rest
    return _profile_rows({**shown, "data profile": profiles.data_profile(found)}, table)


def pair_rows(table: Table) -> list[dict[str, Any]]:
    """Returns the rows of the profiles of two optimizers at a time; of more than four, of those with the best."""
    if not drawable(table):
        return []
    found = solved_of(table)
    pairs = profiles.pairwise_profiles(found)
    if len(found) > 4:
        points = profiles.scores(profiles.performance_profile(found))
        best = max(points, key=points.__getitem__)
        pairs = {pair: profile for pair, profile in pairs.items() if best in pair}
    return _profile_rows({" and ".join(pair): profile for pair, profile in pairs.items()}, table)


def _profile_rows(shown: Mapping[str, Profile], table: Table) -> list[dict[str, Any]]:
    """Returns a row for each panel, optimizer and problem, with its ratio or cost."""
    first = _whole(table)[0]
    return [
        {
            **{key: first[key] for key in ("study", "data", "model", "target")},
            "panel": title,
            "kind": profile.kind,
            "optimizer": label,
            "problem": number,
            "cost": float(cost),
        }
        for title, profile in shown.items()
        for label, costs in profile.costs.items()
        for number, cost in enumerate(costs)
    ]
