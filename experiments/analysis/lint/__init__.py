"""Which rules of the protocol a study or its records break: one small check a rule, each with its code (rule B22).

Nothing here trains, draws, opens test scores or imports TensorFlow.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from experiments.analysis.lint.case import Case, cases
from experiments.analysis.lint.claims import Claims, claims
from experiments.analysis.lint.finding import Finding
from experiments.analysis.lint.rules import BESIDE, RULES
from experiments.records.run_folder import Record
from experiments.studies import Study
from experiments.tuning import choosing

__all__ = ["RULES", "Case", "Claims", "Finding", "check", "claims", "findings", "remarks"]


def findings(
    study: Path | Study, records: Sequence[Record], *, path: Path | None = None, target: float | None = None
) -> list[Finding]:
    """Returns every broken rule, in the order of the rules; an empty list says that there is nothing to say.

    Args:
        study: the study's file, or that of one of its problems, beside which its selection is looked for; or a study,
            or a part of one.
        records: of its runs, evaluation and tuning alike; none, and study and selection are checked alone.
        path: of a study that is given as such, its file.
        target: validation score that counts as solved, where there is one.

    Raises:
        UserError: the file is no study.
    """
    return [found for case in cases(study, records, path=path, target=target) for found in check(case)]


def check(case: Case) -> list[Finding]:
    """Returns the rules that one problem of a study breaks."""
    return [Finding(code, sentence, rule not in BESIDE) for code, rule in RULES for sentence in rule(case)]


def remarks(case: Case) -> list[str]:
    """Returns what breaks no rule and should be known all the same."""
    return choosing.remarks(case.study, case.choices or {}, case.trials)
