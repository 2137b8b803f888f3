"""Titles that say the finding: never more than the verdicts carry, and ties as ties."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence

from experiments.analysis.evidence import Evidence
from experiments.analysis.results import Result, Row
from experiments.analysis.score_rows import error
from experiments.analysis.statistics.verdicts import differ
from experiments.text import listed

NAMES, WORSE = 4, 3  # optimizers that a title has room to name: of those that tie, and of the others
# of the reference against an optimizer, and the words for one such optimizer and for several
VERDICTS = {
    "worse": ("is better", "are better"),
    "≈": ("ties", "tie"),
    "better": ("is worse", "are worse"),
    "unclear": ("is undecided", "are undecided"),
}


@dataclasses.dataclass(frozen=True)
class Scale:
    """How a title writes test results."""

    of: Callable[[float], float]  # the number from the score
    template: str  # the words around one number or a range
    higher: bool  # whether more is better
    number: Callable[[float], str]  # how a number is written
    points: bool = True  # whether differences are points, hundredths of the score

    def words(self, values: Sequence[float]) -> str:
        """Returns the range of some values, or the one value they share, in words; nothing of no finite value."""
        seen = [self.of(value) for value in values if math.isfinite(value)]
        if not seen:
            return ""
        return self.template.format(span(seen, self.number))


def scale_of(evidence: Evidence, *, errors: bool) -> Scale:
    """Returns the scale of test errors in %, of scores, or of losses."""
    score = evidence.task.score_title
    if not evidence.higher:
        return Scale(lambda value: value, f"a test {score} of {{}}", higher=False, number=short, points=False)
    if not evidence.task.has_error:
        return Scale(lambda value: value, f"a test {score} of {{}}", higher=True, number=short, points=False)
    if errors:
        return Scale(lambda value: error(value, share=True), "{} % test error", higher=False, number=percent)
    volumes = " over volumes" if evidence.task.by_case else ""  # curves, which titles stand over, are over slices
    return Scale(lambda value: value, f"a test {score} of {{}}{volumes}", higher=True, number=short)


def percent(value: float) -> str:
    """Returns a percentage for a title.

    >>> percent(23.16), percent(3.04), percent(0.43), percent(0.0)
    ('23.2', '3.0', '0.43', '0')
    """
    return f"{value:.1f}" if abs(value) >= 1 else f"{value:.2g}"


def short(value: float) -> str:
    """Returns a score or a loss for a title.

    >>> short(0.9696), short(87.0411), short(4.3e-13)
    ('0.970', '87.04', '4.3e-13')
    """
    if 0 < abs(value) < 1e-3:
        return f"{value:.2g}"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.4g}"


def span(values: Sequence[float], number: Callable[[float], str]) -> str:
    """Returns the lowest and the highest of some values, once where they are written alike."""
    return " to ".join(dict.fromkeys((number(min(values)), number(max(values)))))


def of_scores(evidence: Evidence, result: Result, *, errors: bool = True) -> str:
    """Returns who ties with the best and who is worse, as far as the verdicts say it."""
    scale = scale_of(evidence, errors=errors)
    known = [row for row in result.rows if row.centre is not None and math.isfinite(row.centre.mean.value)]
    if not known:
        return "No optimizer has a mean: runs are missing or diverged"
    first = known[0]
    if len(result.rows) == 1:
        return f"{first.label} alone: {scale.words([_mean(first)])}"
    if not result.claims.allowed:
        return f"{first.label} has the {'highest' if scale.higher else 'lowest'} mean: {scale.words([_mean(first)])}"
    if planned := reference(evidence):
        return _planned(planned, result.rows, scale)
    ties = [row for row in result.rows if row is first or (row.lag is not None and row.lag.verdict == "≈")]
    worse = [row for row in result.rows if row.lag is not None and row.lag.verdict == "better"]
    unclear = [row for row in result.rows if row.lag is not None and row.lag.verdict == "unclear"]
    apart = differ([row.label for row in ties], result.comparisons)
    best = _best(first, ties, [*worse, *unclear], scale, apart=apart)
    parts = [best, _behind(first, worse, scale) if len(ties) > 1 else "", _listed(unclear, "undecided")]
    parts.append(_listed([row for row in result.rows if row not in (*ties, *worse, *unclear)], "not compared"))
    parts.append(_listed([row for row in ties if row.diverged], "diverged in some runs"))
    return "; ".join(filter(None, parts))


def reference(evidence: Evidence) -> str:
    """Returns the optimizer that all others were to be compared with, as planned; empty where all pairs are."""
    return evidence.study.reference or ""


def _planned(planned: str, rows: Sequence[Row], scale: Scale) -> str:
    """Returns who is better than the reference of planned comparisons, who ties with it, and who is worse."""
    own = {verdict: [row for row in rows if row.lag is not None and row.lag.verdict == verdict] for verdict in VERDICTS}
    parts = [
        f"{names(found, WORSE)} {VERDICTS[verdict][len(found) > 1]}{_dagger(found)}"
        for verdict, found in own.items()
        if found
    ]
    means = [_mean(row) for row in rows if row.label == planned and row.centre is not None]
    reached = scale.words(means)
    return f"Against {planned}{f' ({reached})' if reached else ''}: {', '.join(parts) or 'nothing is compared'}"


def _mean(row: Row) -> float:
    assert row.centre is not None
    return row.centre.mean.value


def _best(first: Row, ties: Sequence[Row], worse: Sequence[Row], scale: Scale, *, apart: bool) -> str:
    """Returns the first part of a title: the tie, the winner, or the best mean where nothing is compared."""
    reached = scale.words([_mean(row) for row in ties])
    if apart:  # some that tie with the best differ among themselves
        others = names([row for row in ties if row is not first], NAMES)
        return f"{'' if worse else 'No winner: '}{others} tie with {first.label}, the best mean, at {reached}"
    if len(ties) > 1 and not worse and len(ties) > NAMES:
        return f"No winner: all {len(ties)} tie at {reached}"
    if len(ties) > 1:
        return f"{'No winner: ' if not worse else ''}{names(ties, NAMES)} tie at {reached}"
    if not worse:
        return f"{first.label} has the best mean: {reached}"
    return (
        f"{first.label} is better than {'all others' if len(worse) > 1 else worse[0].label}{_dagger(worse)}: {reached}"
    )


def _behind(first: Row, worse: Sequence[Row], scale: Scale) -> str:
    """Returns who is worse than the best, and by how many points their means differ."""
    if not worse:
        return ""
    gaps = [100.0 * abs(_mean(first) - _mean(row)) for row in worse]
    far = f" by {span(gaps, percent)} points" if scale.points and all(map(math.isfinite, gaps)) else ""
    return f"{names(worse, WORSE)} {'is' if len(worse) == 1 else 'are'} worse{_dagger(worse)}{far}"


def _dagger(rows: Sequence[Row]) -> str:
    """Returns a dagger where the exact test does not confirm one of some verdicts."""
    return "†" if any(row.lag is not None and row.lag.mark for row in rows) else ""


def names(rows: Sequence[Row], most: int) -> str:
    """Returns the names of optimizers, or how many there are where a title has no room for so many names."""
    labels = [row.label for row in rows]
    if len(labels) > most:
        return f"{len(labels)} optimizers" if most == NAMES else f"{len(labels)} others"
    return listed(labels)


def _listed(rows: Sequence[Row], what: str) -> str:
    return f"{what}: {', '.join(row.label for row in rows) if len(rows) <= NAMES else len(rows)}" if rows else ""
