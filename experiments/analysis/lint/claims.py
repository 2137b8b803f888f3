"""Findings of the lint, and what they allow to claim: headline, bold type, daggers, verdicts and titles follow it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from experiments.studies import Study


@dataclasses.dataclass(frozen=True, order=True)
class Finding:
    """One broken rule of the protocol."""

    code: str  # `L-B` and the number of the rule, such as `L-B5`
    sentence: str  # what is broken, with the names and the values found
    # whether it bears on test scores, so that no optimizer may be called better than another
    limits: bool = dataclasses.field(default=True, compare=False)

    def __str__(self) -> str:
        """Returns both in one line."""
        return f"{self.code}: {self.sentence}"


TOLD = 2  # reasons that a headline has room for; the page lists all broken rules
SAID = " allow no claim"  # what a reason ends with that is one by its own words
LOOK = "the budget '{}' is exploratory: too few trials and seeds for claims"


@dataclasses.dataclass(frozen=True)
class Claims:
    """Whether a report may say that one optimizer is better than another."""

    reasons: tuple[str, ...] = ()  # why it may not, sentences without their full stop; none where it may

    @property
    def allowed(self) -> bool:
        """Whether claims may be made."""
        return not self.reasons

    @property
    def words(self) -> str:
        """Returns `no claim` with the first reasons, or nothing where claims may be made."""
        if self.allowed:
            return ""
        more = len(self.reasons) - TOLD
        rest = f"; and {more} more {'reason' if more == 1 else 'reasons'}" if more > 0 else ""
        return f"no claim: {'; '.join(self.reasons[:TOLD])}{rest}"

    @property
    def mark(self) -> str:
        """Returns what a title ends with where nothing may be claimed."""
        return "" if self.allowed else " (no claim)"


def claims(study: Study, findings: Iterable[Finding]) -> Claims:
    """Returns what may be claimed of a study: nothing on an exploratory budget, or with a rule broken."""
    found = [finding.sentence.rstrip(".").removesuffix(SAID) for finding in findings if finding.limits]
    return Claims((*found, *([] if study.limits.claims else [LOOK.format(study.budget)])))


def together(every: Sequence[Claims]) -> Claims:
    """Returns what may be claimed over several problems: what may be claimed of each."""
    return Claims(tuple(dict.fromkeys(reason for one in every for reason in one.reasons)))
