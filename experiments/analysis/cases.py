"""What records say of their cases, read back, and the cases that are shown as images."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from experiments.analysis.evidence import origin
from experiments.problems.datasets.examples import Slices, cases
from experiments.problems.metrics import Score
from experiments.records.run_folder import Record
from experiments.text import from_csv

KINDS: Mapping[Any, Callable[[str], Any]] = {int: int, float: float, bool: "True".__eq__, str: str}


@dataclasses.dataclass(frozen=True)
class Measured:
    """The cases of one finished run."""

    record: Record  # the run's
    scores: Sequence[Score]  # every metric of each case and class

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
    kinds = {field.name: KINDS[field.type] for field in dataclasses.fields(Score)}
    return [Score(**{key: kinds[key](value) for key, value in row.items()}) for row in from_csv(text)]


def rows(runs: Sequence[Measured], metric: str) -> list[dict[str, Any]]:
    """Returns a metric as a table, one row for each optimizer, case and class: its mean over seeds."""
    by_label: dict[str, list[Measured]] = {}
    for one in runs:
        by_label.setdefault(one.label, []).append(one)
    return [
        {
            **origin(own[0].record.run),
            "optimizer": label,
            "case": same[0].case,
            "class": same[0].class_name,
            "seeds": len(own),
            metric: statistics.fmean(getattr(score, metric) for score in same),
            "missed": sum(score.missed for score in same),
            "false_alarms": sum(score.false_alarm for score in same),
        }
        for label, own in by_label.items()
        for same in zip(*(one.scores for one in own), strict=True)
    ]


@dataclasses.dataclass(frozen=True)
class Shown:
    """A case that is shown."""

    name: str  # of the case
    row: int  # number of its slice in the split
    position: int | None  # place of that slice in its case; None where it is the only one
    kind: str  # `best`, `median` or `worst`


def choose(runs: Sequence[Measured], slices: Slices) -> list[Shown]:
    """Returns the best, the median and the worst case, by the mean Dice over classes, optimizers and seeds.

    Of an even number of cases the lower one in the middle is the median; of equal ones the first counts as the
    better. Of a volume, the slice is shown that has most pixels of any structure, the first of equals.
    """
    dice: dict[str, list[float]] = {}
    for one in runs:
        for score in one.scores:
            dice.setdefault(score.case, []).append(score.dice)
    order = sorted(dice, key=lambda case: -statistics.fmean(dice[case]))
    numbers = dict(cases(slices))
    shown = []
    for kind, place in (("best", 0), ("median", len(order) // 2), ("worst", len(order) - 1)):
        rows = numbers[order[place]]
        row = max(rows, key=lambda r: int((slices.labels[r] > 0).sum()))
        position = int(slices.positions[row]) if len(rows) > 1 else None
        shown.append(Shown(order[place], int(row), position, kind))
    return shown


def kinds(truth: np.ndarray, prediction: np.ndarray) -> dict[str, np.ndarray]:
    """Returns which pixels are of each kind, given two label maps; the others are true negatives."""
    inside, found = truth > 0, prediction > 0
    return {
        "true_positive": inside & (truth == prediction),
        "false_positive": found & ~inside,
        "false_negative": inside & ~found,
        "wrong_class": inside & found & (truth != prediction),
    }


def counted(shown: Shown, one: Measured, truth: np.ndarray, prediction: np.ndarray) -> dict[str, Any]:
    """Returns the row of an overlay: the scores of a case by one run, and how many pixels of a slice are of a kind."""
    own = [score for score in one.scores if score.case == shown.name]
    counts = {kind: int(mask.sum()) for kind, mask in kinds(truth, prediction).items()}
    return {
        **origin(one.record.run),
        "shown_as": shown.kind,
        "case": shown.name,
        "slice": "" if shown.position is None else shown.position,
        "optimizer": one.label,
        "seed": one.seed,
        "dice": statistics.fmean(score.dice for score in own),
        "hausdorff_95_mm": statistics.fmean(score.hausdorff_95_mm for score in own),
        **{f"{kind}_pixels": count for kind, count in counts.items()},
        "true_negative_pixels": int(truth.size) - sum(counts.values()),
    }
