"""Volumes that users bring: read as they are meant, and every fault found before anything is used."""

import itertools
import re
import shutil

import numpy as np
import pytest

from experiments.errors import UserError
from experiments.problems import datasets
from experiments.problems.datasets import cases as reading
from experiments.problems.datasets import load, preprocessing, taking, volumes
from experiments.problems.datasets.acdc import acdc_dataset_builder as acdc
from experiments.problems.datasets.msd_heart import msd_heart_dataset_builder as heart
from tests.experiments import hearts


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A folder in the form of Task02_Heart with seven patients."""
    return hearts.heart(tmp_path_factory.mktemp("sound"), patients=7)


@pytest.fixture
def folder(sound, tmp_path):
    """A copy of it to damage."""
    return shutil.copytree(sound, tmp_path / "Task02_Heart")


def refused(folder, module=heart):
    """The sentence with which a folder is refused."""
    cases, faults = module.find(folder)
    with pytest.raises(UserError) as caught:
        reading.survey(folder, cases, faults, module.look)
    lines = str(caught.value).splitlines()
    assert lines[0].endswith(f" {len(lines) - 1} fault(s):")
    return str(caught.value)


def test_a_sound_folder_has_every_patient_once(folder):
    """Seven images with their masks; a Mac's ._ files are no images."""
    cases, faults = heart.find(folder)
    found = reading.survey(folder, cases, faults, heart.look)
    assert [case.name for case in cases] == [f"la_{number:03d}" for number in range(7)]
    assert found["slices"] == {case.name: 4 for case in cases}
    assert len(found["files"]) == 14


def damage_missing(folder):
    """Takes a mask away."""
    (folder / "labelsTr" / "la_001.nii.gz").unlink()


def damage_name(folder):
    """Names an image as no image of the data set is named."""
    (folder / "imagesTr" / "la_002.nii.gz").rename(folder / "imagesTr" / "heart2.nii.gz")


def damage_end(folder):
    """Cuts a file off."""
    path = folder / "imagesTr" / "la_003.nii.gz"
    path.write_bytes(path.read_bytes()[:-200])


def damage_all(folder):
    """Puts a text in the place of an image."""
    (folder / "imagesTr" / "la_003.nii.gz").write_text("not a volume")


def damage_dimensions(folder):
    """Gives an image a fourth dimension."""
    hearts.write(folder / "imagesTr" / "la_004.nii.gz", np.zeros((4, 4, 4, 2), np.float32))


def damage_size(folder):
    """Has a header claim more than a machine holds."""
    hearts.header(folder / "imagesTr" / "la_004.nii.gz", dim=[3, 30000, 30000, 30000, 1, 1, 1, 1])


def damage_numbers(folder):
    """Puts one value in that is no number."""
    voxels = np.ones(hearts.SHAPE, np.float32)
    voxels[3, 3, 3] = np.nan
    hearts.write(folder / "imagesTr" / "la_005.nii.gz", voxels)


def damage_label(folder):
    """Gives a mask a class that there is none of."""
    hearts.write(folder / "labelsTr" / "la_005.nii.gz", np.full(hearts.SHAPE, 2, np.uint8))


def damage_shape(folder):
    """Makes a mask smaller than its image."""
    hearts.write(folder / "labelsTr" / "la_006.nii.gz", np.zeros((24, 20, 3), np.uint8))


def damage_spacing(folder):
    """Gives a mask other voxels than its image."""
    hearts.write(folder / "labelsTr" / "la_006.nii.gz", np.zeros(hearts.SHAPE, np.uint8), spacing=(1.25, 1.5, 5))


def damage_place(folder):
    """Moves a mask by 3 mm."""
    hearts.write(folder / "labelsTr" / "la_006.nii.gz", np.zeros(hearts.SHAPE, np.uint8), shift=3.0)


def damage_voxels(folder):
    """Has a header claim voxels without a size."""
    hearts.header(folder / "imagesTr" / "la_000.nii.gz", pixdim=[1, 0, 1, 1, 0, 0, 0, 0])


def damage_side(folder):
    """Puts structure where slices are cut off."""
    mask = np.zeros((400, 20, 4), np.uint8)
    mask[1, 10, 2] = 1
    hearts.write(folder / "labelsTr" / "la_000.nii.gz", mask)
    hearts.write(folder / "imagesTr" / "la_000.nii.gz", mask.astype(np.float32))


FAULTS = [
    (damage_missing, r"1 fault\(s\):\n  labelsTr/la_001.nii.gz is missing$"),
    (
        damage_name,
        r"2 fault\(s\):\n  imagesTr/heart2.nii.gz is not named la_NNN.nii.gz\n  imagesTr/la_002.nii.gz is missing$",
    ),
    (damage_end, r"imagesTr/la_003.nii.gz is cut short, its compressed data end too early; copy or download it again"),
    (damage_all, r"imagesTr/la_003.nii.gz is not a NIfTI file: it is named .gz, but is not compressed by gzip"),
    (damage_dimensions, r"imagesTr/la_004.nii.gz has 4 dimensions \(4 x 4 x 4 x 2\), not 3; store one volume of it"),
    (damage_size, r"imagesTr/la_004.nii.gz says that it has 30000 x 30000 x 30000 voxels, allowed are"),
    (damage_numbers, r"imagesTr/la_005.nii.gz has values that are not finite \(1 of 1,920 voxels\)"),
    (damage_label, r"labelsTr/la_005.nii.gz has the values 2, allowed are 0 to 1"),
    (damage_shape, r"labelsTr/la_006.nii.gz has 24 x 20 x 3 voxels, its image 24 x 20 x 4"),
    (damage_spacing, r"labelsTr/la_006.nii.gz has voxels of 1.25 x 1.5 x 5 mm, its image of 1.25 x 1.5 x 4 mm"),
    (damage_place, r"labelsTr/la_006.nii.gz lies up to 3 mm off its image"),
    (damage_voxels, r"imagesTr/la_000.nii.gz says that its voxels have 0 x 1 x 1 mm, allowed are 0.01 to 100"),
    (damage_side, r"labelsTr/la_000.nii.gz has structure outside the middle 320 x 320"),
]


@pytest.mark.parametrize(("damage", "words"), FAULTS, ids=[damage.__name__ for damage, _ in FAULTS])
def test_a_damaged_folder_is_refused(folder, damage, words):
    """It names the file and says what is wrong with it."""
    damage(folder)
    sentence = refused(folder)
    assert sentence.startswith(f"The folder {folder} cannot be used")
    assert re.search(words, sentence), sentence


def test_all_faults_are_named_in_one_go(folder):
    """Seven masks are gone, and an image without mask is looked at all the same."""
    shutil.rmtree(folder / "labelsTr")
    damage_end(folder)
    sentence = refused(folder)
    assert "8 fault(s)" in sentence
    assert all(f"labelsTr/la_{number:03d}.nii.gz is missing" in sentence for number in range(7))
    assert "imagesTr/la_003.nii.gz is cut short" in sentence


@pytest.mark.parametrize(
    ("module", "words"), [(heart, "it has no imagesTr and labelsTr"), (acdc, "it has no folder `training`")]
)
def test_a_folder_of_something_else_is_refused(tmp_path, module, words):
    """An empty folder, or the wrong one."""
    assert words in refused(tmp_path, module)


def test_a_patient_is_in_one_split_and_the_split_does_not_depend_on_the_order(sound):
    """Whatever order the file system gives, and all patients are used."""
    cases, _ = heart.find(sound)
    patients = volumes.divide("msd_heart", cases)
    assert sorted(itertools.chain(*patients.values())) == [case.patient for case in cases]
    assert {split: len(found) for split, found in patients.items()} == {"train": 5, "validation": 1, "test": 1}
    assert volumes.divide("msd_heart", cases[::-1]) == patients


def test_each_split_has_its_share_of_each_group(tmp_path):
    """Ten patients of two diagnoses: one of each in validation and in test."""
    cases = [reading.Case(f"p{n}", f"p{n}", tmp_path, tmp_path, group="ab"[n % 2]) for n in range(10)]
    patients = volumes.divide("acdc", cases)
    groups = {case.patient: case.group for case in cases}
    assert sorted(groups[p] for p in patients["validation"]) == ["a", "b"]
    assert sorted(groups[p] for p in patients["test"]) == ["a", "b"]


def test_a_patient_in_two_splits_is_refused_by_name(tmp_path):
    """Given both for training and as test patient."""
    root = hearts.acdc(tmp_path, training=5, testing=1)
    shutil.copytree(root / "training" / "patient002", root / "testing" / "patient002")
    cases, faults = acdc.find(root)
    assert faults == []
    with pytest.raises(UserError, match=r"acdc: 1 patient\(s\) are in two splits: patient002\."):
        volumes.divide("acdc", cases)


def test_acdc_names_what_is_wrong_with_a_patient(tmp_path):
    """No Info.cfg, no mask, no such name."""
    root = hearts.acdc(tmp_path, training=3)
    (root / "training" / "patient001" / "Info.cfg").unlink()
    (root / "training" / "patient002" / "patient002_frame09_gt.nii.gz").unlink()
    (root / "training" / "patient003").rename(root / "training" / "pat3")
    sentence = refused(root, acdc)
    assert "3 fault(s)" in sentence
    assert "training/patient001/Info.cfg is missing or does not give the frames ED and ES" in sentence
    assert "training/patient002/patient002_frame09_gt.nii.gz is missing" in sentence
    assert "training/pat3 is not named patientNNN" in sentence


def test_an_own_data_set_that_is_not_prepared_says_what_to_type(tmp_path, monkeypatch):
    """Where to get it, and the command."""
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    words = r"msd_heart is not on this machine: get Task02_Heart.tar from .*medicaldecathlon.*prepare msd_heart PATH"
    with pytest.raises(UserError, match=words):
        datasets.require(datasets.CARDS["msd_heart"])
    with pytest.raises(UserError, match=words):
        load.load("msd_heart", ("train",))


def test_prepared_hearts_are_loaded_with_their_cases(sound, tmp_path, monkeypatch):
    """From the folder to slices in memory; sizes, patients and identity come from what was written down."""
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    card = taking.take("msd_heart", sound)
    assert card.sizes == {"train": 20, "validation": 4, "test": 4}
    found = load.load("msd_heart", datasets.SPLITS)
    for split, patients in card.patients.items():
        assert sorted(set(found[split].cases)) == patients
    seen = heart.look(heart.find(sound)[0][0])
    (split,) = (split for split, patients in card.patients.items() if "la_000" in patients)
    rows = found[split].cases == "la_000"
    assert np.array_equal(found[split].images[rows][..., 0], preprocessing.grey_levels(seen.images))
    assert np.array_equal(found[split].labels[rows], seen.masks)
    assert (~found[split].labels.any(axis=(1, 2))).sum() == 2 * len(card.patients[split])
    before = card.split_sha256
    shutil.copytree(sound, tmp_path / "more")
    hearts.case(*(tmp_path / "more" / part / "la_000.nii.gz" for part in ("imagesTr", "labelsTr")), 2, 99)
    assert taking.take("msd_heart", tmp_path / "more").split_sha256 != before
