"""Published claims that a study declares, answered by its runs: differences with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from experiments.analysis.columns import bracketed
from experiments.analysis.evidence import Evidence
from experiments.analysis.statistics.comparing import compare
from experiments.analysis.statistics.resampling import generator
from experiments.analysis.statistics.verdicts import Comparison
from experiments.studies.forms import Claim
from experiments.text import listed

NAME = "claims"
VERBS = ("confirm it here", "do not confirm it here", "leave it open")


def answers(evidence: Evidence, spoilt: AbstractSet[str] = frozenset()) -> list[str]:
    """Returns the answer to each claim; or, while runs are missing or one was tuned too little, none."""
    return [
        _answer(claim, _differences(claim, evidence), evidence.higher, sorted(spoilt & {*claim.better, *claim.than}))
        for claim in evidence.study.claims
    ]


def _differences(claim: Claim, evidence: Evidence) -> list[Comparison]:
    """Returns the comparisons of each optimizer said to be better with each that it is to beat.

    A seed that another optimizer of the study has is a missing run here, too.
    """
    finals, rng = evidence.final("test"), generator(evidence.identity, NAME)
    return [
        one.reversed()
        for other in claim.than
        for one in compare(finals, rng, higher_is_better=evidence.higher, reference=other)
        if one.second in claim.better
    ]


def _answer(claim: Claim, found: Sequence[Comparison], higher: bool, spoilt: Sequence[str]) -> str:
    gain = "gains" if len(claim.better) == 1 else "gain"
    said = f"{claim.source}: {listed(claim.better)} {gain} at least {claim.gain:g} over {listed(claim.than)}."
    if spoilt:
        return f"{said} Not answered: too little tuning of {listed(spoilt)}."
    if missing := [one.missing for one in found if one.missing]:
        return f"{said} Not answered yet: {missing[0]}."
    counts = dict.fromkeys(VERBS, 0)
    for one in found:
        low, high = one.expanded if higher else (-one.expanded.high, -one.expanded.low)
        counts[VERBS[0] if low >= claim.gain else VERBS[1] if high < claim.gain else VERBS[2]] += 1
    whole = [verb for verb, count in counts.items() if count == len(found)]
    some = [f"{verb} in {count} of {len(found)} comparisons" for verb, count in counts.items() if count]
    numbers = "; ".join(f"{one.first} minus {one.second} {_number(one)}" for one in found)
    return (
        f"{said} These runs {whole[0] if whole else ' and '.join(some)}: {numbers} "
        f"(mean difference over {found[0].seeds} seeds, 95 % CI of each by itself)."
    )


def _number(one: Comparison) -> str:
    return "is not finite, since runs diverged" if any(one.diverged) else bracketed(one.difference, one.expanded)
