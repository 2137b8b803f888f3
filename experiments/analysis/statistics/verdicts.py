"""Pairwise verdicts on one problem: better, worse, or tie (the default).

"Better" takes three witnesses that agree: the expanded 95 % interval of the difference leaves 0 out, the p corrected
for all comparisons of the table is below 0.05, and P(A better than B) is at least 0.75. Where the interval, P and the
exact test agree, and the paired t-test does not, as where a few runs failed, the two are neither separated nor tied:
"unclear".
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Literal

from experiments.analysis.statistics.summaries import Interval
from experiments.text import listed

ALPHA = 0.05
SUPERIORITY = 0.75

Verdict = Literal["better", "worse", "≈", "unclear", "no claim", "n/a"]
OPPOSITE: dict[Verdict, Verdict] = {"better": "worse", "worse": "better"}  # the others read the same from both sides
UNKNOWN = Interval(math.nan, math.nan)
UNCLEAR = "undecided, since the exact test tells them apart and the paired t-test does not"


@dataclasses.dataclass(frozen=True)
class Comparison:
    """One row of a table of comparisons; NaN where there is nothing to tell."""

    first: str  # label of A
    second: str  # label of B
    seeds: int  # number of runs of each, diverged ones included
    # how many of A's diverged, and of B's; such a run counts as the worst value there is
    diverged: tuple[int, int] = (0, 0)
    difference: float = math.nan  # mean of A - B, in the metric's own unit and sign
    percentile: Interval = UNKNOWN  # its 95 % bootstrap interval, too narrow for a few seeds
    expanded: Interval = UNKNOWN  # the interval made wider for them; the one to draw
    test: str = ""  # name of the test that p is from
    p: float = math.nan  # its p value, two-sided
    corrected_p: float = math.nan  # after Holm's correction over the table
    exact_p: float = math.nan  # of sign flips, exact
    corrected_exact_p: float = math.nan  # after Holm's correction over the table
    superiority: float = math.nan  # P(A better than B), ties counted half
    verdict: Verdict = "n/a"  # what the numbers allow to say of A against B
    missing: str = ""  # why there is no verdict; empty when there is one

    def judged(self, corrected_p: float, corrected_exact_p: float, *, higher_is_better: bool) -> Comparison:
        """Returns the comparison with its p values corrected for the table, and the verdict that follows."""
        low, high = self.expanded if higher_is_better else (-self.expanded.high, -self.expanded.low)
        seen: Verdict = "≈"
        if low > 0 and self.superiority >= SUPERIORITY:
            seen = "better"
        elif high < 0 and self.superiority <= 1 - SUPERIORITY:
            seen = "worse"
        verdict: Verdict = seen if corrected_p < ALPHA else "≈"
        if verdict != seen and corrected_p >= ALPHA > corrected_exact_p:
            verdict = "unclear"
        return dataclasses.replace(self, corrected_p=corrected_p, corrected_exact_p=corrected_exact_p, verdict=verdict)

    def unclaimed(self) -> Comparison:
        """Returns the same numbers without a verdict, for runs that allow no claim."""
        return self if self.verdict == "n/a" else dataclasses.replace(self, verdict="no claim")

    def reversed(self) -> Comparison:
        """Returns the same comparison seen from B: of B against A."""
        return dataclasses.replace(
            self,
            first=self.second,
            second=self.first,
            diverged=(self.diverged[1], self.diverged[0]),
            difference=-self.difference,
            percentile=Interval(-self.percentile.high, -self.percentile.low),
            expanded=Interval(-self.expanded.high, -self.expanded.low),
            superiority=1 - self.superiority,
            verdict=OPPOSITE.get(self.verdict, self.verdict),
        )

    @property
    def mark(self) -> str:
        """A dagger where there is a claim that the exact test does not confirm, as it never can with 5 seeds."""
        return "†" if self.verdict in ("better", "worse") and self.corrected_exact_p >= ALPHA else ""

    def words(self) -> str:
        """Returns the sentence that the numbers allow."""
        a, b = self.first, self.second
        if self.verdict == "n/a":
            return f"{a} and {b} cannot be compared: {self.missing}."
        numbers = f"{self._difference()}, P({a} better) = {self.superiority:.2f}, corrected p = {self.corrected_p:.2g}"
        if self.verdict == "no claim":
            return f"{a} and {b}: no claim ({numbers})."
        if self.verdict == "unclear":
            return f"{a} and {b}: {UNCLEAR} ({numbers})."
        if self.verdict == "≈":
            return f"{a} ≈ {b}: {self.seeds} seeds do not tell them apart ({numbers})."
        doubt = "; † not confirmed by the exact test" if self.mark else ""
        return f"{a} is {self.verdict} than {b} over {self.seeds} seeds ({numbers}{doubt})."

    def _difference(self) -> str:
        if any(self.diverged):
            return f"diverged: {self.diverged[0]} of {self.first} and {self.diverged[1]} of {self.second}"
        low, high = self.expanded
        return f"mean difference {self.difference:.3g}, 95 % interval {low:.3g} to {high:.3g}"


def tie_group(means: Mapping[str, float], comparisons: Sequence[Comparison], *, higher_is_better: bool) -> list[str]:
    """Returns the optimizer with the best mean and all that are not worse by the verdicts: what a table prints bold.

    Args:
        means: optimizer -> mean of what was compared, infinite where a run diverged.
        comparisons: what `compare` returned, the best with all others among them.
        higher_is_better: True for a score, False for a loss.

    Raises:
        ValueError: there is no optimizer, or the best was not compared with all others.
    """
    best, verdicts = _of_the_best(means, comparisons, higher_is_better)
    return [label for label in means if label == best or verdicts[label] not in ("better", "unclear")]


def headline(means: Mapping[str, float], comparisons: Sequence[Comparison], *, higher_is_better: bool) -> str:
    """Returns the sentence that may stand above a table; arguments and errors are those of `tie_group`.

    A dagger says that the exact test confirms not all of it, as in `Comparison.mark`.
    """
    best, verdicts = _of_the_best(means, comparisons, higher_is_better)
    ties = [label for label in means if label == best or verdicts[label] == "≈"]
    unknown, unclear, worse = (
        [label for label in verdicts if verdicts[label] == one] for one in ("n/a", "unclear", "better")
    )
    if len(means) == 1:
        return f"{best} ran alone: there is nothing to compare it with."
    said = [f"{best} cannot be compared with {', '.join(unknown)}."] if unknown else []
    said = [f"{best} and {listed(unclear)}: {UNCLEAR}.", *said] if unclear else said
    if len(ties) > 1 and differ(ties, comparisons):
        others = listed([label for label in ties if label != best])
        said.insert(0, f"No winner: {best} has the best mean, and the runs do not tell {others} from it.")
    elif len(ties) > 1:
        said.insert(0, f"No winner: the runs do not tell {listed(ties)} apart; {best} has the best mean.")
    elif worse:
        doubt = "†" if any(row.mark for row in comparisons if best in (row.first, row.second)) else ""
        others = listed(worse) if unclear else "the others it is compared with" if unknown else "all others"
        said.insert(0, f"{best} is better than {others}{doubt}.")
    return " ".join(said)


def differ(labels: Sequence[str], comparisons: Sequence[Comparison]) -> bool:
    """Returns whether the runs separate some two of these optimizers: what ties with the best may differ otherwise."""
    return any(row.verdict in OPPOSITE for row in comparisons if {row.first, row.second} <= set(labels))


def planned(reference: str, comparisons: Sequence[Comparison]) -> str:
    """Returns the sentences that may stand above a table whose comparisons are those with one reference, as planned."""
    rows = [row if row.first == reference else row.reversed() for row in comparisons]
    said = []
    for verdict, words in (
        ("worse", f"Better than {reference}"),
        ("better", f"Worse than {reference}"),
        ("≈", f"Tied with {reference}"),
        ("unclear", f"Undecided against {reference}, since their tests disagree"),
        ("no claim", "Nothing is claimed of those that were tuned too little"),
        ("n/a", f"Not compared with {reference}, since runs are missing"),
    ):
        if names := [row.second + row.mark for row in rows if row.verdict == verdict]:
            said.append(f"{words}: {', '.join(names)}.")
    return " ".join(said)


def _of_the_best(
    means: Mapping[str, float], comparisons: Sequence[Comparison], higher_is_better: bool
) -> tuple[str, dict[str, Verdict]]:
    """Returns the label with the best mean, and its verdict against each of the others."""
    if not means or any(map(math.isnan, means.values())):
        raise ValueError(f"means must map each optimizer, at least one, to its mean, not NaN, got {dict(means)}.")
    best: str = (max if higher_is_better else min)(means, key=means.__getitem__)
    verdicts: dict[str, Verdict] = {row.second: row.verdict for row in comparisons if row.first == best}
    verdicts |= {row.first: OPPOSITE.get(row.verdict, row.verdict) for row in comparisons if row.second == best}
    if lacking := [label for label in means if label != best and label not in verdicts]:
        raise ValueError(f"The best, {best}, must be compared with all others, not so with {', '.join(lacking)}.")
    return best, {label: verdicts[label] for label in means if label != best}
