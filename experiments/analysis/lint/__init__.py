"""Which rules of the protocol a study or its records break: one small check a rule, each with its code (rule B22).

Nothing here trains, draws, opens test scores or imports TensorFlow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from experiments.analysis.lint import runs, scores, searches
from experiments.analysis.lint.case import Case, cases
from experiments.analysis.lint.claims import Claims, Finding, claims
from experiments.records.run_folder import Record
from experiments.studies import Study
from experiments.tuning import choosing

__all__ = ["RULES", "Case", "Claims", "Finding", "check", "claims", "findings", "remarks"]

Check = Callable[[Case], Iterator[str]]

RULES: tuple[tuple[str, Check], ...] = (
    ("L-B2", runs.strangers),
    ("L-B2", searches.refused),
    ("L-B2", runs.mixed_versions),
    ("L-B2", runs.mixed_source),
    ("L-B2", runs.mixed_devices),
    ("L-B3", runs.mixed_data),
    ("L-B3", searches.chosen_on_training),
    ("L-B3", searches.saw_test),
    ("L-B3", searches.not_chosen),
    ("L-B5", searches.few_seeds),
    ("L-B5", searches.unequal_trials),
    ("L-B5", runs.unequal_steps),
    ("L-B5", runs.uncounted),
    ("L-B6", searches.unequal_spaces),
    ("L-B6", searches.windows),
    ("L-B6", searches.foreign_points),
    ("L-B7", searches.boundaries),
    ("L-B8", scores.excluded),
    ("L-B9", searches.schedules),
    ("L-B10", runs.unpaired),
    ("L-B11", searches.shared_seeds),
    ("L-B11", runs.tuned_seeds),
    ("L-B11", runs.repeated),
    ("L-B12", searches.uncertain),
    ("L-B13", searches.coarse),
    ("L-B13", runs.unequal_grids),
    ("L-B13", runs.partial),
    ("L-B14", scores.void_target),
    ("L-B15", runs.missing),
    ("L-B11", scores.foreign_seeds),
    ("L-B16", scores.parallel_timing),
    ("L-B16", scores.mixed_machines),
    ("L-B16", scores.busy_machine),
    ("L-B16", scores.few_repetitions),
    ("L-B16", scores.in_succession),
    ("L-B17", scores.not_finite),
    ("L-B20", searches.toys),
    ("L-B22", runs.mixed_precision),
    ("L-B23", searches.miscounted),
)
CLAIMS_STAY: frozenset[Check] = frozenset(
    {
        scores.void_target,
        searches.miscounted,
        scores.foreign_seeds,
        scores.parallel_timing,
        scores.mixed_machines,
        scores.busy_machine,
        scores.few_repetitions,
        scores.in_succession,
    }
)
"""Checks of seconds, targets and costs: claims on test scores stay allowed. Every other broken rule allows no claim."""


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
    return [Finding(code, sentence, rule not in CLAIMS_STAY) for code, rule in RULES for sentence in rule(case)]


def remarks(case: Case) -> list[str]:
    """Returns what breaks no rule and should be known all the same."""
    return choosing.remarks(case.study, case.choices or {}, case.trials)
