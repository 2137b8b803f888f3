"""Which rules of the protocol a study or its records break, a small check each (rule B22), and what that lets it claim.

Nothing here trains, draws, opens test scores or imports TensorFlow.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from experiments.analysis.lint import runs, scores, searches
from experiments.analysis.lint.case import Case, cases
from experiments.records.run_folder import Record
from experiments.studies import GIVEN, Study

__all__ = ["RULES", "Case", "Claims", "Finding", "check", "claims", "findings"]


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
GIVEN_RATES = "learning rates are given, not searched with equal budgets"
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
        return self.after(())

    def after(self, said: Sequence[str]) -> str:
        """Returns the same behind sentences that say some of the reasons already."""
        left = [reason for reason in self.reasons if not any(sentence.startswith(reason) for sentence in said)]
        more = len(left) - TOLD
        rest = f"; and {more} more {'reason' if more == 1 else 'reasons'}" if more > 0 else ""
        return "" if self.allowed else ": ".join(filter(None, ("no claim", f"{'; '.join(left[:TOLD])}{rest}")))

    @property
    def mark(self) -> str:
        """Returns what a title ends with where nothing may be claimed."""
        return "" if self.allowed else " (no claim)"


def claims(study: Study, findings: Iterable[Finding]) -> Claims:
    """Returns what may be claimed of a study: none of given rates, of an exploratory budget, or with a rule broken."""
    found = [finding.sentence.rstrip(".").removesuffix(SAID) for finding in findings if finding.limits]
    given = [GIVEN_RATES] if study.track == GIVEN else []
    return Claims((*found, *given, *([] if study.limits.claims else [LOOK.format(study.budget)])))


def together(every: Sequence[Claims]) -> Claims:
    """Returns what may be claimed over several problems: what may be claimed of each."""
    return Claims(tuple(dict.fromkeys(reason for one in every for reason in one.reasons)))


Check = Callable[[Case], Iterable[str]]

CHECKS: Mapping[str, tuple[Check, ...]] = {
    "L-B2": (runs.strangers, searches.refused, runs.mixed_versions, runs.mixed_source, runs.mixed_devices),
    "L-B3": (runs.mixed_data, searches.chosen_on_training, searches.saw_test, searches.not_chosen),
    "L-B4": (searches.elsewhere,),
    "L-B5": (searches.few_seeds, searches.unequal_trials, runs.unequal_steps, runs.uncounted),
    "L-B6": (searches.unequal_spaces, searches.windows, searches.foreign_points),
    "L-B7": (searches.boundaries,),
    "L-B8": (scores.excluded,),
    "L-B9": (searches.schedules,),
    "L-B10": (runs.unpaired,),
    "L-B11": (searches.shared_seeds, searches.picked_seeds, runs.tuned_seeds, runs.repeated, scores.foreign_seeds),
    "L-B12": (searches.uncertain,),
    "L-B13": (runs.unequal_grids, runs.partial),
    "L-B14": (scores.void_target,),
    "L-B15": (runs.missing,),
    "L-B16": (
        scores.parallel_timing, scores.mixed_machines, scores.busy_machine, scores.few_repetitions,
        scores.in_succession,
    ),
    "L-B17": (scores.not_finite,),
    "L-B18": (searches.unplanned,),
    "L-B20": (searches.toys,),
    "L-B22": (runs.mixed_precision,),
    "L-B23": (searches.miscounted,),
}  # fmt: skip
RULES = tuple((code, rule) for code, rules in CHECKS.items() for rule in rules)
CLAIMS_STAY: frozenset[Check] = frozenset(
    {scores.void_target, searches.miscounted, scores.foreign_seeds, *CHECKS["L-B16"]}
)
"""Checks of seconds, targets and costs: claims on test scores stay allowed. Every other broken rule allows no claim.

Of planned comparisons, an inclusion that is violated takes only those with the optimizer that was tuned too little.
"""


def findings(
    study: Path | Study, records: Sequence[Record], *, path: Path | None = None, target: float | None = None
) -> list[Finding]:
    """Returns every broken rule, in the order of the rules; empty if none is.

    Args:
        study: the study's file, or that of one of its problems, in the folder of its selection; or a study, or a
            part of one.
        records: of its runs, evaluation and tuning alike; none, and study and selection are checked alone.
        path: of a study that is given as such, its file.
        target: validation score that counts as solved, where there is one.

    Raises:
        UserError: the file is no study.
    """
    return [found for case in cases(study, records, path=path, target=target) for found in check(case)]


def check(case: Case) -> list[Finding]:
    """Returns the rules that one problem of a study breaks."""
    stay = CLAIMS_STAY | ({scores.excluded} if case.study.reference is not None else set())
    return [Finding(code, sentence, rule not in stay) for code, rule in RULES for sentence in rule(case)]
