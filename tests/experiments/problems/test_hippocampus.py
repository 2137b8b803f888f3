"""The hippocampus is split by heads, as committed, and test volumes are kept whole."""

import dataclasses
import itertools

import numpy as np
import pytest

from experiments.__main__ import main
from experiments.errors import UserError
from experiments.problems import datasets
from experiments.problems.datasets import decathlon, load, taking
from experiments.problems.datasets.msd_hippocampus import msd_hippocampus_dataset_builder
from tests.experiments import hearts

NAME = "msd_hippocampus"
INDEX = {"train": [1, 2], "validation": [4], "test": [6]}


@pytest.fixture
def small(monkeypatch, tmp_path):
    """An index of four volumes in place of the committed one of 260."""
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "data"))
    card = dataclasses.replace(datasets.CARDS[NAME], sizes={"train": 2, "validation": 1, "test": 4})
    monkeypatch.setattr(datasets, "CARDS", {NAME: card})
    monkeypatch.setattr(datasets, "indices", lambda card, splits: {k: np.array(INDEX[k]) for k in splits})
    return card


def committed():
    """Returns the numbers of the volumes of each split."""
    index = datasets.indices(datasets.CARDS[NAME], datasets.SPLITS)
    return {part: numbers.tolist() for part, numbers in index.items()}


def test_no_head_is_in_two_splits():
    """Files 2k - 1 and 2k are left and right of one brain: 170 heads in all."""
    heads = {part: {(number + 1) // 2 for number in numbers} for part, numbers in committed().items()}
    assert {part: len(own) for part, own in heads.items()} == {"train": 105, "validation": 25, "test": 40}
    assert len(set.union(*heads.values())) == 170


def test_the_committed_volumes_are_in_one_split_each_by_the_rule():
    """160 for training, 40 for validation, 60 for test, in the order of a hash of heads."""
    index = committed()
    assert {part: len(numbers) for part, numbers in index.items()} == {"train": 160, "validation": 40, "test": 60}
    numbers = sorted(itertools.chain(*index.values()))
    assert len(set(numbers)) == 260
    assert msd_hippocampus_dataset_builder.split(numbers) == index


def test_both_volumes_of_a_head_are_of_one_patient(tmp_path):
    """Whoever divides by patients then divides by heads."""
    folder = hearts.hippocampus(tmp_path, [1, 2, 3])
    rule = msd_hippocampus_dataset_builder.head
    cases, faults = decathlon.find(folder, "Task04_Hippocampus", "hippocampus", lambda name: str(rule(name)))
    assert not faults
    assert [case.patient for case in cases] == ["1", "1", "2"]


def test_prepared_volumes_are_in_their_splits_and_a_test_volume_is_whole(small, tmp_path, capsys):
    """Each has two slices with structure; training keeps every second, validation every fourth, the test all four.

    A volume that the index does not name is left out, though the other one of its head is in the test split.
    """
    folder = hearts.hippocampus(tmp_path / "Task04_Hippocampus", [1, 2, 4, 5, 6])
    assert main(["prepare", NAME, str(folder), "--debug"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "train: 2 examples" in said
    assert "note: the slices of train and validation and test are not to the last bit those of the committed" in said
    found = load.load(NAME, datasets.SPLITS)
    assert {split: sorted(set(found[split].cases)) for split in found} == {
        split: [f"hippocampus_{number:03d}" for number in numbers] for split, numbers in INDEX.items()
    }
    assert all(part.labels.any(axis=(1, 2)).all() for part in (found["train"], found["validation"]))
    assert found["test"].positions.tolist() == [0, 1, 2, 3]
    assert found["test"].images.shape == (4, 64, 48, 1)
    assert {value for part in found.values() for value in np.unique(part.labels)} == {0, 1, 2}


def test_a_volume_of_the_split_that_is_missing_is_named(small, tmp_path):
    """Another split would be another study."""
    with pytest.raises(
        UserError, match=r"2 fault\(s\):\n  hippocampus_002 is missing, .*\n  hippocampus_006 is missing"
    ):
        taking.take(NAME, hearts.hippocampus(tmp_path / "a", [1, 4]))


def test_structure_that_would_be_cut_off_is_refused(tmp_path):
    """The slice keeps its middle."""
    hearts.hippocampus(tmp_path, [1], (70, 24, 4))
    (case,), _ = decathlon.find(tmp_path, "Task04_Hippocampus", "hippocampus")
    with pytest.raises(Exception, match="has structure outside the middle 64 x 48"):
        decathlon.look(case, 3, (64, 48))


def test_slices_are_those_that_were_prepared_and_other_files_are_another_version(small, tmp_path):
    """Of an archive that is not the usual one, runs have their own identity; of the usual one, the version alone."""
    folder = hearts.hippocampus(tmp_path / "Task04_Hippocampus", sorted(itertools.chain(*INDEX.values())))
    assert datasets.version(small) == small.version
    card = taking.take(NAME, folder)
    version, digests = datasets.version(card), card.found
    assert version.startswith(f"{small.version} ")
    assert {split: part.sha256 for split, part in load.load(NAME, datasets.SPLITS).items()} == digests
    assert datasets.version(dataclasses.replace(card, usual=digests)) == small.version
    changed = f"hippocampus_{INDEX['train'][1]:03d}.nii.gz"
    hearts.case(*(folder / part / changed for part in ("imagesTr", "labelsTr")), 3, 99, (20, 24, 4))
    assert datasets.version(taking.take(NAME, folder)) not in (version, small.version)
    written = card.folder / "metadata.json"
    written.write_text(written.read_text().replace(card.found["train"], digests["train"]))
    with pytest.raises(
        UserError, match=r"The train split of msd_hippocampus in .* is damaged: 2 examples with SHA-256"
    ):
        load.load(NAME, ("train",))
