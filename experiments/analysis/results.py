"""The result table: what the verdicts allow to say of each optimizer, and no more."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

from experiments.analysis import claimed
from experiments.analysis.evidence import BySeed, Evidence
from experiments.analysis.lint import Case, Claims
from experiments.analysis.lint.scores import breaches, violated
from experiments.analysis.statistics.resampling import Centre, centres, generator
from experiments.analysis.statistics.verdicts import Comparison, headline, planned, tie_group

NAME = "results"


@dataclasses.dataclass(frozen=True)
class Row:
    """What is said of one optimizer."""

    label: str  # its name
    learning_rate: float  # the rate it ran with
    boundary: bool  # whether that rate lay at the edge of what was tried
    runs: int  # number of seeds, diverged ones included
    wanted: int  # how many there should be
    diverged: int  # how many of them diverged; each counts as the worst value there is
    # test score after the last pass; None while runs are missing, since a mean over the others would flatter
    centre: Centre | None
    # mean test score at the evaluation with the best validation score; None while runs are missing
    by_rule: float | None
    lag: Comparison | None  # the best against this one; None for the best itself
    tied: bool  # whether it belongs to the optimizers that are printed bold: the best, and all that are not worse
    top: str  # what the best is called: it has the best mean, or where nothing may be claimed the highest or the lowest
    # of training in a run, its steps times the median seconds of a step in the timing pass; None where that may not be
    # shown, or runs are missing
    seconds: float | None
    example_gradients: int  # gradients of single examples a run took

    @property
    def verdict(self) -> str:
        """What it is against the best."""
        if self.centre is None:
            return "runs missing"
        return self.top if self.lag is None else self.lag.reversed().verdict + self.lag.mark


@dataclasses.dataclass(frozen=True)
class Result:
    """The table: its rows, the best mean first; all pairs compared; and the sentence that may stand above it.

    All of them say what `claims` allows and no more, so that whatever shows them needs no rule of its own.
    """

    rows: list[Row]
    comparisons: list[Comparison]
    headline: str
    claims: Claims
    against: str  # whom gaps and verdicts of rows are against: the best, or the reference of planned comparisons


def result(evidence: Evidence, claims: Claims) -> Result:
    """Returns the result table of a study; the same evidence gives the same bytes."""
    rng = generator(evidence.identity, NAME)
    reference = evidence.study.reference
    pairs = evidence.compared(rng)
    under_tuned = list(breaches(Case(evidence.study, tuple(evidence.found))))
    withheld = [label for label, _ in under_tuned if reference] if claims.allowed else evidence.labels
    spoilt = set(withheld)
    pairs = [pair.unclaimed() if spoilt & {pair.first, pair.second} else pair for pair in pairs]
    whole = evidence.complete(evidence.final("test"))
    found = centres({label: _in_order(values) for label, values in whole.items()}, rng) if whole else {}
    means = {label: centre.mean.value for label, centre in found.items()}
    order = sorted(evidence.labels, key=lambda label: _rank(means.get(label), evidence.higher))
    against = reference or order[0]
    ties = _ties(evidence, means, pairs) if means and claims.allowed else []
    top = "reference" if reference else "best mean" if claims.allowed else f"{_extreme(evidence)} mean"
    lags = {
        pair.second: pair
        for one in pairs
        for pair in (one, one.reversed())
        if pair.first == against and against in means and pair.second in means
    }
    rules = evidence.complete(evidence.by_rule())
    rows = [_row(evidence, label, found.get(label), rules, lags.get(label), label in ties, top) for label in order]
    said = [violated(*pair) for pair in under_tuned]  # a space searched too little comes first
    said += [_said(evidence, means, pairs, claims, said)] if means else []
    said += claimed.answers(evidence, spoilt) if claims.allowed else []
    worse = [row.label + row.lag.mark for row in rows if row.lag is not None and row.lag.verdict == "better"]
    if worse and not reference and len(worse) < len(means) - 1:
        said.append(f"Worse than {order[0]}: {', '.join(worse)}.")
    said += [
        f"{row.label} has {row.runs} of {row.wanted} runs, and no mean yet." for row in rows if row.runs < row.wanted
    ]
    return Result(rows, pairs, " ".join(said), claims, against)


def _ties(evidence: Evidence, means: dict[str, float], pairs: list[Comparison]) -> list[str]:
    """Returns the best and all that tie with it, or the reference and all that tie with that."""
    if reference := evidence.study.reference:
        return [reference, *(pair.second for pair in pairs if pair.verdict == "≈")]
    return tie_group(means, pairs, higher_is_better=evidence.higher)


def _extreme(evidence: Evidence) -> str:
    return "highest" if evidence.higher else "lowest"


def _said(
    evidence: Evidence, means: dict[str, float], pairs: list[Comparison], claims: Claims, before: list[str]
) -> str:
    """Returns the sentence above the table: what the verdicts allow, or whose mean is the highest, and why no more."""
    if claims.allowed and evidence.study.reference is not None and pairs:
        return planned(evidence.study.reference, pairs)
    if claims.allowed or len(means) == 1:
        return headline(means, pairs, higher_is_better=evidence.higher)
    best = (max if evidence.higher else min)(means.values())
    if not math.isfinite(best):
        return f"Of every optimizer a run diverged, so that none has a mean; {claims.after(before)}."
    first = " and ".join(label for label, mean in means.items() if mean == best)
    return f"{first}: {_extreme(evidence)} mean; {claims.after(before)}."


def _row(
    evidence: Evidence, label: str, centre: Centre | None, rules: BySeed, lag: Comparison | None, tied: bool, top: str
) -> Row:
    group = evidence.of(label)
    steps = max((record.evaluations[-1]["step"] for record in group), default=0)
    second = evidence.step_seconds.get(label)
    choice = evidence.choices[label]
    return Row(
        label=label,
        learning_rate=choice.learning_rate,
        boundary=choice.boundary,
        runs=len(group),
        wanted=len(evidence.study.seeds),
        diverged=sum(record.status == "diverged" for record in group),
        centre=centre,
        by_rule=math.fsum(_in_order(rules[label])) / len(rules[label]) if label in rules else None,
        lag=lag,
        tied=tied,
        top=top,
        seconds=None if second is None or centre is None else steps * second,
        example_gradients=max((record.evaluations[-1]["example_gradients"] for record in group), default=0),
    )


def _in_order(values: dict[int, float]) -> Sequence[float]:
    return [values[seed] for seed in sorted(values)]


def _rank(mean: float | None, higher: bool) -> tuple[bool, float]:
    """Returns what optimizers are sorted by: the best mean first, those without one last."""
    if mean is None:
        return True, 0.0
    return False, -mean if higher else mean
