"""Folders of NIfTI files: all their faults are named in one go, and what was looked at is what is used."""

import errno
import shutil
from pathlib import Path

import numpy as np
import pytest

from experiments.__main__ import main
from experiments.errors import UserError
from experiments.problems.datasets import cases as reading
from experiments.problems.datasets import volumes
from experiments.problems.datasets.acdc import acdc_dataset_builder as acdc
from experiments.problems.datasets.msd_heart import msd_heart_dataset_builder as heart
from tests.experiments import hearts

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize("packed", [True, False])
def test_prepare_names_all_faults_of_a_folder_in_one_go(tmp_path, monkeypatch, capsys, packed):
    """Exit code 2 and no traceback; an archive is named by its own name."""
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "data"))
    root = hearts.heart(tmp_path / "Task02_Heart", patients=6)
    images = [root / "imagesTr" / f"la_{number:03d}.nii.gz" for number in range(6)]
    hearts.header(images[0], srow_x=[NAN] * 4)
    images[1].write_bytes(images[1].read_bytes()[:2000])
    images[2].write_bytes(b"")
    hearts.header(images[3], qform_code=1, quatern_b=INF)
    hearts.header(images[4], dim=[9, 24, 20, 4, 1, 1, 1, 1])
    hearts.write(root / "labelsTr" / "la_004.nii.gz", np.full(hearts.SHAPE, 3, np.uint8))
    path = Path(shutil.make_archive(str(tmp_path / "hearts"), "tar", tmp_path, root.name)) if packed else root
    assert main(["prepare", "msd_heart", str(path)]) == 2
    told = capsys.readouterr().err.splitlines()
    assert told[0] == f"error: The {'archive' if packed else 'folder'} {path} cannot be used, 6 fault(s):"
    named = [f"imagesTr/la_{number:03d}.nii.gz" for number in range(5)] + ["labelsTr/la_004.nii.gz"]
    assert [line.split()[0] for line in told[1:]] == named
    assert list((tmp_path / "data").iterdir()) == []


def test_acdc_looks_at_the_files_of_a_patient_without_facts(tmp_path):
    """A missing Info.cfg hides no fault of a volume, and a volume's fault hides none of its mask."""
    root = hearts.acdc(tmp_path, training=2)
    place = root / "training" / "patient001"
    (place / "Info.cfg").unlink()
    (place / "patient001_frame09.nii.gz").write_bytes(b"")
    hearts.header(place / "patient001_frame09_gt.nii.gz", pixdim=[1, NAN, 1, 1, 0, 0, 0, 0])
    cases, faults = acdc.find(root)
    with pytest.raises(UserError) as caught:
        reading.survey(root, cases, faults, acdc.look)
    lines = [line.strip() for line in str(caught.value).splitlines()[1:]]
    assert lines[0] == "training/patient001/Info.cfg is missing or does not give the frames ED and ES"
    assert lines[1].startswith("training/patient001/patient001_frame09.nii.gz is empty")
    assert lines[2].startswith("training/patient001/patient001_frame09_gt.nii.gz has numbers that are not finite")
    assert len(lines) == 3


def test_a_folder_that_may_not_be_listed_is_named(tmp_path, monkeypatch):
    """Permission is missing on one folder of the data set, or on that which was given."""
    root = hearts.heart(tmp_path, patients=1)
    listing = Path.iterdir

    def denied(path):
        if path.name == "imagesTr":
            raise PermissionError(errno.EACCES, "Permission denied")
        return listing(path)

    monkeypatch.setattr(Path, "iterdir", denied)
    assert heart.find(root)[1] == ["imagesTr cannot be read (Permission denied)"]


@pytest.mark.parametrize("change", ["other", "gone"])
def test_a_file_that_changes_after_it_was_surveyed_is_named(tmp_path, change):
    """What splits and manifest rest on is what the slices are made of."""
    root = hearts.heart(tmp_path, patients=3)
    cases, faults = heart.find(root)
    found = reading.survey(root, cases, faults, heart.look)
    if change == "gone":
        cases[1].image.unlink()
    else:
        shutil.copy(cases[0].image, cases[1].image)
    with pytest.raises(UserError, match=r"Files changed while they were read: imagesTr/la_001.nii.gz"):
        list(volumes.examples(found, cases, heart.look, lambda images: images, lambda masks: range(len(masks))))


def test_a_file_that_changes_while_it_is_prepared_ends_with_code_2(tmp_path, monkeypatch, capsys):
    """After the survey, when tensorflow-datasets writes the slices; nothing half made is left."""
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "data"))
    root = hearts.heart(tmp_path / "Task02_Heart", patients=3)
    survey = volumes.survey

    def surveyed(*args):
        found = survey(*args)
        (root / "labelsTr" / "la_002.nii.gz").write_bytes(b"")
        return found

    monkeypatch.setattr(volumes, "survey", surveyed)
    assert main(["prepare", "msd_heart", str(root)]) == 2
    assert "error: Files changed while they were read: labelsTr/la_002.nii.gz is empty" in capsys.readouterr().err
    assert list((tmp_path / "data").iterdir()) == []


def test_a_place_that_cannot_be_written_ends_with_code_2(tmp_path, monkeypatch, capsys):
    """The folder for data is inside a file."""
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "file" / "data"))
    root = hearts.heart(tmp_path / "Task02_Heart", patients=3)
    assert main(["prepare", "msd_heart", str(root)]) == 2
    assert f"error: {root} cannot be prepared (Not a directory: {tmp_path}/file/data)" in capsys.readouterr().err
