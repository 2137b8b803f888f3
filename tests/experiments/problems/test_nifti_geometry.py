"""Millimetres: the table of `nifti_geometry`, row by row, and labels that are off by a rounding."""

import nibabel
import numpy as np
import pytest

from experiments.__main__ import main
from experiments.errors import UserError
from experiments.problems.datasets import cases as reading
from experiments.problems.datasets import nifti
from experiments.problems.datasets.msd_heart import msd_heart_dataset_builder as heart
from tests.experiments import hearts

NAN, INF = float("nan"), float("inf")
SHAPE = hearts.SHAPE
UNKNOWN = "no unit of length (xyzt_units), taken as mm"
PIXDIM = [1, 1.25, 1.5, 4, 0, 0, 0, 0]
QFORM = {"qform_code": 1, "quatern_b": 0, "quatern_c": 0, "quatern_d": 0}


def turned(degrees):
    """The third part of a quaternion that turns about the third axis."""
    return float(np.sin(np.radians(degrees) / 2))


def scaled(factor):
    """Fields of the usual header in another unit."""
    rows = np.diag([1.25, 1.5, 4]) * factor
    names = dict(zip(("srow_x", "srow_y", "srow_z"), ([*row, 0] for row in rows), strict=True))
    return {"pixdim": [1, *(s * factor for s in PIXDIM[1:4]), 0, 0, 0, 0], **names}


def volume(path, voxels=None, **fields):
    """Writes a volume with a sform alone, in mm, and then other fields."""
    hearts.write(path, np.zeros(SHAPE, np.uint8) if voxels is None else voxels)
    hearts.header(path, **{"xyzt_units": 2, **fields})
    return path


TAKEN = {
    "millimetres": ({}, ()),
    "millimetres_and_seconds": ({"xyzt_units": 10}, ()),
    "no_unit": ({"xyzt_units": 0}, (UNKNOWN,)),
    "metres": ({"xyzt_units": 1, **scaled(0.001)}, ("lengths in metres (xyzt_units), converted to mm",)),
    "microns": ({"xyzt_units": 3, **scaled(1000)}, ("lengths in microns (xyzt_units), converted to mm",)),
    "metres_of_a_qform": (
        {"xyzt_units": 1, **scaled(0.001), **QFORM, "sform_code": 0},
        ("lengths in metres (xyzt_units), converted to mm",),
    ),
    "both_forms": (QFORM, ()),
    "both_forms_nearly": ({**QFORM, "qoffset_x": 0.3}, ()),
    "qform_alone": ({**QFORM, "sform_code": 0}, ()),
    "qform_with_pixdim_0": ({**QFORM, "sform_code": 0, "pixdim": [0, *PIXDIM[1:]]}, ()),
    "no_form": (
        {"sform_code": 0},
        ("no place of the voxels (neither sform nor qform), sides of the patient unknown",),
    ),
    "pixdim_rounded": ({"pixdim": [1, 1.255, 1.5, 4, 0, 0, 0, 0]}, ()),
    "unused_qform_that_differs": ({"quatern_d": 0.5, "qoffset_x": 90}, ()),
    "half_a_degree_of_shear": ({"srow_x": [1.25, 0.013, 0, 0]}, ()),
}
REFUSED = {
    "srow_nan": ({"srow_x": [NAN, 0, 0, 0]}, "not finite in its header (srow_x)"),
    "srow_infinite": ({"srow_z": [0, 0, 4, INF]}, "not finite in its header (srow_z)"),
    "quaternion_nan": ({**QFORM, "quatern_c": NAN}, "not finite in its header (quatern_c)"),
    "quaternion_nan_unused": ({"quatern_c": NAN}, "not finite in its header (quatern_c)"),
    "offset_infinite": ({**QFORM, "qoffset_y": -INF}, "not finite in its header (qoffset_y)"),
    "pixdim_nan": ({"pixdim": [1, 1.25, NAN, 4, 0, 0, 0, 0]}, "not finite in its header (pixdim[2])"),
    "pixdim_infinite": ({"pixdim": [1, 1.25, 1.5, INF, 0, 0, 0, 0]}, "not finite in its header (pixdim[3])"),
    "two_at_once": ({"srow_x": [NAN] * 4, "xyzt_units": 5}, "(srow_x); write the header again; has xyzt_units 5"),
    "spacing_0": ({"pixdim": [1, 1.25, 0, 4, 0, 0, 0, 0]}, "voxels have 1.25 x 0 x 4 mm, allowed are 0.01 to 100"),
    "spacing_negative": ({"pixdim": [1, -1.25, 1.5, 4, 0, 0, 0, 0]}, "voxels have -1.25 x 1.5 x 4 mm"),
    "spacing_huge": ({"pixdim": [1, 1.25, 1.5, 4000, 0, 0, 0, 0]}, "voxels have 1.25 x 1.5 x 4000 mm"),
    "micron_for_mm": ({"xyzt_units": 3}, "0.00125 x 0.0015 x 0.004 mm (its pixdim are in microns, xyzt_units 3)"),
    "metre_for_mm": ({"xyzt_units": 1}, "1250 x 1500 x 4000 mm (its pixdim are in metres, xyzt_units 1)"),
    "another_unit": ({"xyzt_units": 4}, "has xyzt_units 4, no unit of length that NIfTI knows; 2 is mm"),
    "a_unit_of_time": ({"xyzt_units": 7 | 8}, "has xyzt_units 15, no unit of length"),
    "code_of_sform": ({"sform_code": 77}, "has sform_code 77, allowed are 0 to 5"),
    "code_of_qform": ({"qform_code": -1}, "has qform_code -1, allowed are 0 to 5"),
    "forms_moved": ({**QFORM, "qoffset_x": 0.7}, "contradicts itself: sform and qform are up to 0.7 mm apart"),
    "forms_turned": ({**QFORM, "quatern_d": turned(2)}, "contradicts itself: sform and qform are up to"),
    "forms_mirrored": ({**QFORM, "pixdim": [-1, *PIXDIM[1:]]}, "sform and qform are up to 24 mm apart"),
    "pixdim_other": ({"pixdim": [1, 1.25, 1.6, 4, 0, 0, 0, 0]}, "1.25 x 1.6 x 4 mm by pixdim, of 1.25 x 1.5 x 4 mm by"),
    "pixdim_swapped": ({"pixdim": [1, 1.5, 1.25, 4, 0, 0, 0, 0]}, "contradicts itself: voxels of 1.5 x 1.25 x 4 mm"),
    "singular_row": ({"srow_y": [0, 0, 0, 0]}, "has a singular sform: its axes span no volume"),
    "singular_same": ({"srow_y": [1.25, 0, 0, 0], "srow_x": [1.25, 1.5, 0, 0]}, None),
    "no_sform_but_a_code": ({name: [0] * 4 for name in ("srow_x", "srow_y", "srow_z")}, "has a singular sform"),
    "sheared": ({"srow_x": [1.25, 0.3, 0, 0]}, "has a sform whose axes are 78.7 degrees apart, not 90"),
    "quaternion_long": ({**QFORM, "quatern_b": 0.8, "quatern_c": 0.8}, "whose quaternion has length 1.13137"),
    "quaternion_side": ({**QFORM, "pixdim": [3, *PIXDIM[1:]]}, "has a qform with pixdim[0] 3, allowed are -1 and 1"),
}


@pytest.mark.parametrize("canonical", [False, True])
@pytest.mark.parametrize(("fields", "remarks"), TAKEN.values(), ids=TAKEN)
def test_a_geometry_that_is_of_one_piece_is_taken_in_millimetres(tmp_path, fields, remarks, canonical):
    """And what was assumed or converted is said; spacings are exact after a conversion."""
    found = nifti.read(volume(tmp_path / "a.nii", **fields), canonical=canonical)
    assert found.origin.remarks == remarks
    assert found.spacing_mm == pytest.approx((1.25, 1.5, 4), abs=0.005 + 1e-9)  # as much as one row rounds
    if "converted" in "".join(remarks):
        assert found.spacing_mm == pytest.approx((1.25, 1.5, 4), rel=1e-12)
    if fields.get("sform_code") != 0 or "qform_code" in fields:
        assert np.linalg.norm(found.affine[:3, :3], axis=0) == pytest.approx((1.25, 1.5, 4), rel=1e-3)


@pytest.mark.parametrize("canonical", [False, True])
@pytest.mark.parametrize(("fields", "words"), REFUSED.values(), ids=REFUSED)
def test_a_geometry_that_cannot_be_or_contradicts_itself_is_refused(tmp_path, fields, words, canonical):
    """In words that name the fields and their values."""
    path = volume(tmp_path / "a.nii", **fields)
    with pytest.raises(nifti.Fault) as caught:
        nifti.read(path, canonical=canonical)
    assert (words or "contradicts itself: voxels of") in str(caught.value)


def test_a_scanner_s_oblique_volume_is_taken(tmp_path):
    """Forms that a program wrote from one matrix differ by float32 and by the quaternion's rounding alone."""
    generator = np.random.default_rng(0)
    for number in range(40):
        axes, _ = np.linalg.qr(generator.normal(size=(3, 3)))
        spacing = generator.uniform(0.3, 9, 3)
        affine = np.block([[axes * spacing, generator.uniform(-400, 400, (3, 1))], [np.zeros(3), 1]])
        image = nibabel.Nifti1Image(np.zeros((320, 320, 2), np.uint8), affine)
        image.set_qform(affine, 1)
        image.to_filename(tmp_path / "a.nii")
        found = nifti.read(tmp_path / "a.nii", canonical=True)
        assert sorted(found.spacing_mm) == pytest.approx(sorted(spacing), rel=1e-6), number  # float32


MASKS = {
    "half_a_voxel": ({"srow_x": [1.25, 0, 0, 0.6]}, None),
    "rounded": ({"pixdim": [1, 1.2500001, 1.5, 4, 0, 0, 0, 0]}, None),
    "moved": ({"srow_x": [1.25, 0, 0, 0.7]}, "lies up to 0.7 mm off its image"),
    "turned": ({**QFORM, "sform_code": 0, "quatern_d": turned(3)}, "off its image, or is turned against it"),
    "mirrored": ({"srow_x": [-1.25, 0, 0, 28.75]}, None),
    "other_spacing": ({"pixdim": [1, 1.25, 1.5, 4.03, 0, 0, 0, 0], "sform_code": 0}, "has voxels of 1.25 x 1.5 x 4.03"),
    "other_unit": ({"xyzt_units": 3, **scaled(1000)}, None),
    "unplaced": ({"sform_code": 0}, "may be turned against its image: its image has a sform or qform, it has none"),
}


@pytest.mark.parametrize(("fields", "words"), MASKS.values(), ids=MASKS)
def test_a_mask_must_lie_on_its_image(tmp_path, fields, words):
    """Within half of the smallest voxel, 0.01 mm a voxel of turn, and 0.01 mm of spacing."""
    image, mask = volume(tmp_path / "image.nii"), volume(tmp_path / "mask.nii", **fields)
    case = reading.Case("a", "a", image, mask, root=tmp_path)
    if words is None:
        reading.read(case, 2, canonical=True)
        return
    with pytest.raises(nifti.Fault) as caught:
        reading.read(case, 2, canonical=True)
    assert str(caught.value).startswith("mask.nii ")
    assert words in str(caught.value)


def test_a_turn_about_the_diagonal_is_seen(tmp_path):
    """By 0.8 degrees: both ends of the diagonal stay where they are, other corners move by more than a voxel."""
    half = np.sin(np.radians(0.4)) / np.sqrt(3)
    cube = np.zeros((100, 100, 100), np.uint8)
    affine = np.eye(4)
    for name in ("image", "mask"):
        nibabel.Nifti1Image(cube, affine).to_filename(tmp_path / f"{name}.nii")
    whole = {"qform_code": 1, "sform_code": 0, "xyzt_units": 2}
    hearts.header(tmp_path / "mask.nii", **whole, quatern_b=half, quatern_c=half, quatern_d=half)
    image, mask = (nifti.read(tmp_path / f"{name}.nii") for name in ("image", "mask"))
    with pytest.raises(nifti.Fault, match=r"lies up to 1\.\d+ mm off"):
        nifti.check_aligned(image, mask)


ROUNDED = {
    "above": [0, 1.0000001, 1],
    "below": [0, 0.99998, 1],
    "both": [0.0009, 1.0009, 0.9991],
    "negative": [-0.0005, 1, 0],
}


@pytest.mark.parametrize("values", ROUNDED.values(), ids=ROUNDED)
def test_labels_off_by_a_rounding_are_taken_and_named(tmp_path, values):
    """Within a thousandth of a whole number."""
    voxels = np.resize(np.array(values), SHAPE)
    found = nifti.mask(volume(tmp_path / "a.nii", voxels), 2)
    assert found.voxels.dtype == np.uint8
    assert np.array_equal(found.voxels, np.rint(voxels))
    assert found.origin.remarks == ("labels off by a rounding, taken as the nearest whole numbers",)


@pytest.mark.parametrize("stored", [np.uint8, np.int16])
def test_float_labels_that_nibabel_stored_with_a_slope_are_taken(tmp_path, stored):
    """Its slope for labels 0 to 3 as integers gives 0.99999 or the like back."""
    labels = np.resize(np.array([0.0, 1, 2, 3]), SHAPE)
    image = nibabel.Nifti1Image(labels, np.diag([1.25, 1.5, 4, 1]))
    image.set_data_dtype(stored)
    image.to_filename(tmp_path / "a.nii.gz")
    assert not np.array_equal(np.asarray(nibabel.load(tmp_path / "a.nii.gz").dataobj), labels)
    assert np.array_equal(nifti.mask(tmp_path / "a.nii.gz", 4).voxels, labels)


STRANGE = {
    "beyond": ([0, 1.002], {}, "has the values 1.002, allowed are 0 to 1"),
    "digits": ([0, 1.0010001], {}, "has the values 1.0010001, allowed are 0 to 1"),
    "half": ([0, 0.5], {}, "has the values 0.5, allowed are 0 to 1"),
    "negative": ([0, -1], {}, "has the values -1, allowed are 0 to 1"),
    "slope": (
        [0, 1],
        {"scl_slope": 1.5, "scl_inter": 0.25},
        "has the values 0.25, 1.75, allowed are 0 to 1 (scl_slope 1.5, scl_inter 0.25)",
    ),
}


@pytest.mark.parametrize(("values", "fields", "words"), STRANGE.values(), ids=STRANGE)
def test_labels_that_are_no_classes_are_refused_with_all_digits(tmp_path, values, fields, words):
    """And with the scaling that they come from."""
    path = volume(tmp_path / "a.nii", np.resize(np.array(values, np.float64), SHAPE), **fields)
    with pytest.raises(nifti.Fault) as caught:
        nifti.mask(path, 2)
    assert str(caught.value) == words


def test_many_strange_labels_make_no_long_sentence(tmp_path):
    """A probability map in the place of a mask: five values and a number."""
    path = volume(tmp_path / "a.nii", np.linspace(0.1, 0.9, np.prod(SHAPE)).reshape(SHAPE))
    with pytest.raises(nifti.Fault, match=r"and 1,915 more, allowed are 0 to 1$") as caught:
        nifti.mask(path, 2)
    assert len(str(caught.value)) < 130


def test_prepare_says_what_it_assumed_and_converted(tmp_path, monkeypatch, capsys):
    """With the number of files, and their names when they are not all."""
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "data"))
    root = hearts.heart(tmp_path / "Task02_Heart", patients=3)
    hearts.header(root / "imagesTr" / "la_001.nii.gz", xyzt_units=3, **scaled(1000))
    assert main(["prepare", "msd_heart", str(root)]) == 0
    notes = [line for line in capsys.readouterr().out.splitlines() if line.startswith("note: ")]
    others = "imagesTr/la_000.nii.gz, labelsTr/la_000.nii.gz, labelsTr/la_001.nii.gz, imagesTr/la_002.nii.gz"
    assert notes == [
        f"note: {UNKNOWN}: 5 of 6 files ({others}, labelsTr/la_002.nii.gz).",
        "note: lengths in microns (xyzt_units), converted to mm: 1 of 6 files (imagesTr/la_001.nii.gz).",
    ]


def test_a_folder_is_refused_for_one_header_that_contradicts_itself(tmp_path):
    """With the file's name, as every other fault."""
    root = hearts.heart(tmp_path, patients=3)
    hearts.header(root / "labelsTr" / "la_002.nii.gz", **QFORM, qoffset_z=5)
    cases, faults = heart.find(root)
    with pytest.raises(UserError, match=r"1 fault\(s\):\n  labelsTr/la_002.nii.gz contradicts itself: sform and qform"):
        reading.survey(root, cases, faults, heart.look)
