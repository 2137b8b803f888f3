"""What records say of their cases, read back."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from experiments.problems.metrics import METRICS, Score
from experiments.records.run_folder import Record
from experiments.text import from_csv

KINDS: Mapping[str, Callable[[str], Any]] = {"int": int, "float": float, "bool": "True".__eq__, "str": str}


@dataclasses.dataclass(frozen=True)
class Measured:
    """The cases of one finished run.

    Attributes:
        record: the run's.
        scores: every metric of each case and class.
    """

    record: Record
    scores: Sequence[Score]

    @property
    def label(self) -> str:
        """The optimizer's name in the study."""
        return self.record.run.label

    @property
    def seed(self) -> int:
        """The run's seed."""
        return self.record.run.seed

    @property
    def predictions(self) -> np.ndarray:
        """The predicted class of each pixel, uint8 [n, height, width], in the order of the test split."""
        with np.load(self.record.files["predictions"]) as stored:
            found: np.ndarray = stored["predictions"]
        return found


def measured(found: Sequence[Record]) -> list[Measured]:
    """Returns the cases of each run that did not diverge."""
    return [
        Measured(record, scores_of(record.files["cases"].read_text(encoding="utf-8")))
        for record in found
        if "cases" in record.files
    ]


def scores_of(text: str) -> list[Score]:
    """Returns the scores in a table of cases."""
    kinds = {field.name: KINDS[str(field.type)] for field in dataclasses.fields(Score)}
    return [Score(**{key: kinds[key](value) for key, value in row.items()}) for row in from_csv(text)]


def rows(runs: Sequence[Measured], metrics: Sequence[str]) -> list[dict[str, Any]]:
    """Returns some metrics as a table, one row for each run, case and class, that says where it comes from."""
    assert set(metrics) <= set(METRICS)
    return [
        {
            "study": one.record.run.study[:8],
            "data": one.record.run.data,
            "model": one.record.run.task,
            "optimizer": one.label,
            "seed": one.seed,
            "case": score.case,
            "class": score.class_name,
            **{metric: getattr(score, metric) for metric in metrics},
            "missed": score.missed,
            "false_alarm": score.false_alarm,
        }
        for one in runs
        for score in one.scores
    ]
