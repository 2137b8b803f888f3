"""Data sets of volumes that users download: validated, split by patient, and built into slices."""

import functools
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import tensorflow_datasets as tfds

from experiments.errors import UserError
from experiments.problems.datasets import nifti, preprocessing
from experiments.problems.datasets.cards import SPLITS, Card, OwnCard
from experiments.problems.datasets.cases import SHOWN, Case, Look, survey
from experiments.problems.datasets.examples import MASK, example, features


def divide(label: str, cases: Sequence[Case]) -> dict[str, list[str]]:
    """Returns the patients of each split: a fifth for validation, a fifth for test, the others for training.

    Patients come in the order of a hash of their names, group by group in turn, so that the split is the same
    everywhere, depends on no order of files, and has its share of each group. Patients that the publisher gives as test
    set are the test set. A UserError says if a patient would be in two splits, or there are too few.
    """
    given = {split: sorted({c.patient for c in cases if c.given == split}) for split in ("", "test")}
    both = sorted(set(given[""]) & set(given["test"]))
    if both:
        raise UserError(f"{label}: {len(both)} patient(s) are in two splits: {', '.join(both[:SHOWN])}.")
    order = _order(label, {case.patient: case.group for case in cases if not case.given})
    held = max(1, round(len(order) / 5))
    test = given["test"] or order[:held]
    rest = order if given["test"] else order[held:]
    found = {"train": rest[held:], "validation": rest[:held], "test": test}
    if not all(found.values()):
        raise UserError(f"{label}: {len(order)} patient(s) with masks are too few for {', '.join(SPLITS)}.")
    return {split: sorted(patients) for split, patients in found.items()}


def manifest(survey: Mapping[str, Any], cases: Sequence[Case], patients: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Returns what is kept of the data's origin: patients and slices of each split, every file, and remarks."""
    slices = {split: sum(survey["slices"][c.name] for c in cases if c.patient in patients[split]) for split in SPLITS}
    kept = {key: survey[key] for key in ("files", "remarks")}
    return {"patients": dict(patients), "slices": slices, **kept}


def examples(
    survey: Mapping[str, Any],
    cases: Sequence[Case],
    look: Callable[[Case], Look],
    grey_levels: Callable[[np.ndarray], np.ndarray],
    rows: Callable[[np.ndarray], Sequence[int]],
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields number and example of the slices that `rows` takes of each case, one case in memory at a time."""
    number = 0
    for case in cases:
        seen = _again(survey, case, look)
        images = grey_levels(seen.images)
        for position in rows(seen.masks):
            yield number, example(images[position], seen.masks[position], case.name, position, seen.spacing_mm)
            number += 1


def _again(survey: Mapping[str, Any], case: Case, look: Callable[[Case], Look]) -> Look:
    try:
        seen = look(case)
    except nifti.Fault as fault:
        raise UserError(f"Files changed while they were read: {fault}. Type the command again.") from fault
    changed = [name for name, origin in seen.files.items() if survey["files"][name] != origin.sha256]
    if changed:
        raise UserError(f"Files changed while they were read: {', '.join(changed)}. Type the command again.")
    return seen


def _order(label: str, groups: Mapping[str, str]) -> list[str]:
    def drawn(patient: str) -> str:
        return hashlib.sha256(f"{label}|{patient}".encode()).hexdigest()

    turns: dict[str, int] = {}
    for group in set(groups.values()):
        members = sorted((p for p in groups if groups[p] == group), key=drawn)
        turns |= {patient: turn for turn, patient in enumerate(members)}
    return sorted(groups, key=lambda patient: (turns[patient], drawn(patient)))


class VolumeBuilder(tfds.core.GeneratorBasedBuilder, skip_registration=True):  # type: ignore[call-arg, unused-ignore]
    """Builds slices of the patients in a downloaded folder; subclasses declare the data set and read its cases."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES: ClassVar[dict[str, str]] = {"1.0.0": "As downloaded."}
    CARD: ClassVar[Card | OwnCard]
    CLASSES: ClassVar[tuple[str, ...]]
    SIDES: ClassVar[tuple[int, int]]
    DESCRIPTION: ClassVar[str]
    CITATION: ClassVar[str]

    def find(self, folder: Path) -> tuple[list[Case], list[str]]:
        """Returns the cases of a folder, and its faults."""
        raise NotImplementedError

    def look(self, case: Case) -> Look:
        """Returns the slices of a case."""
        raise NotImplementedError

    def divide(self, folder: Path, cases: Sequence[Case]) -> dict[str, list[str]]:
        """Returns the patients of each split."""
        return divide(self.name, cases)

    def rows(self, split: str, masks: np.ndarray) -> Sequence[int]:
        """Returns which slices of a case its split has, from their masks [slice, row, column]: all of them."""
        return range(len(masks))

    def fit(self, train: Sequence[Case]) -> None:
        """Learns from the training cases, all looked at before, what `grey_levels` needs."""

    def grey_levels(self, images: np.ndarray) -> np.ndarray:
        """Returns intensities 0 .. 1 as uint8."""
        return preprocessing.grey_levels(images)

    def _info(self) -> Any:
        return tfds.core.DatasetInfo(
            builder=self,
            description=self.DESCRIPTION,
            features=features(self.SIDES, self.CLASSES),
            supervised_keys=("image", MASK),
            homepage=self.CARD.source,
            citation=self.CITATION,
            disable_shuffling=True,
            metadata=tfds.core.MetadataDict(),
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
        folder = Path(dl_manager.manual_dir)
        cases, faults = self.find(folder)
        found = survey(folder, cases, faults, self.look)
        patients = self.divide(folder, cases)
        self.info.metadata.update(manifest(found, cases, patients))
        parts = {split: [case for case in cases if case.patient in patients[split]] for split in patients}
        self.fit(parts["train"])
        return {split: self._generate_examples(found, part, split) for split, part in parts.items()}

    def _generate_examples(self, found: Any, cases: Sequence[Case], split: str) -> Iterator[tuple[int, dict[str, Any]]]:
        return examples(found, cases, self.look, self.grey_levels, functools.partial(self.rows, split))
