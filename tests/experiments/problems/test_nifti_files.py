"""Files that are no sound NIfTI files: each is named with what is wrong, and nothing escapes as another exception."""

import errno
import gzip
import os
from pathlib import Path

import nibabel
import numpy as np
import pytest

from experiments.problems.datasets import nifti, nifti_file
from tests.experiments import hearts

NAN, INF = float("nan"), float("inf")
VOXELS = np.arange(np.prod(hearts.SHAPE), dtype=np.float32).reshape(hearts.SHAPE)


def rewritten(change):
    """Damage to the bytes of an uncompressed file."""
    return lambda path: path.write_bytes(change(path.read_bytes()))


def fields(**values):
    """Damage to fields of the header."""
    return lambda path: hearts.header(path, **values)


def stored(voxels):
    """Another volume in the place of the file."""
    return lambda path: hearts.write(path, voxels)


def linked(path):
    """A link to nowhere in the place of the file."""
    path.unlink()
    path.symlink_to("elsewhere.nii")


def folder(path):
    """A folder in the place of the file, as some programs unpack."""
    path.unlink()
    path.mkdir()


def pipe(path):
    """A named pipe, which nobody writes to."""
    path.unlink()
    os.mkfifo(path)


PLAIN = {
    "missing": (Path.unlink, "is missing"),
    "folder": (folder, "is a folder, not a file"),
    "link": (linked, "is a link to elsewhere.nii, which does not exist"),
    "pipe": (pipe, "is no regular file"),
    "empty": (rewritten(lambda raw: b""), "is empty"),
    "text": (rewritten(lambda raw: b"not a volume" * 99), "is not a NIfTI file: it does not begin with"),
    "cut_in_header": (rewritten(lambda raw: raw[:200]), "is cut short: it ends after 200 of the 348 bytes"),
    "cut_before_voxels": (rewritten(lambda raw: raw[:350]), "is cut short: 7,680 bytes of voxels do not fit"),
    "cut_in_voxels": (rewritten(lambda raw: raw[:-2880]), "is cut short: 7,680 bytes of voxels do not fit"),
    "longer": (rewritten(lambda raw: raw + b"\1" * 80), "holds more than the 24 x 20 x 4 voxels"),
    "compressed": (rewritten(gzip.compress), "is compressed by gzip, but not named .nii.gz"),
    "magic": (fields(magic=b"abc"), "is not a NIfTI file: its magic is b'abc'"),
    "pair": (fields(magic=b"ni1"), "is one half of a pair .hdr and .img"),
    "analyze": (rewritten(lambda raw: nibabel.AnalyzeHeader().binaryblock + raw[348:]), "its magic is b''"),
    "no_dimension": (fields(dim=[0, 24, 20, 4, 1, 1, 1, 1]), r"says that it has 0 dimensions (dim[0])"),
    "nine_dimensions": (fields(dim=[9, 24, 20, 4, 1, 1, 1, 1]), r"says that it has 9 dimensions (dim[0])"),
    "two_dimensions": (fields(dim=[2, 24, 80, 1, 1, 1, 1, 1]), "has 2 dimensions (24 x 80), not 3"),
    "four_dimensions": (fields(dim=[4, 24, 20, 2, 2, 1, 1, 1]), "has 4 dimensions (24 x 20 x 2 x 2), not 3"),
    "negative_side": (fields(dim=[3, -24, 20, 4, 1, 1, 1, 1]), "says that it has -24 x 20 x 4 voxels"),
    "no_side": (fields(dim=[3, 24, 0, 4, 1, 1, 1, 1]), "says that it has 24 x 0 x 4 voxels"),
    "long_side": (fields(dim=[3, 32767, 1, 1, 1, 1, 1, 1]), "says that it has 32767 x 1 x 1 voxels"),
    "many_voxels": (fields(dim=[3, 2048, 2048, 2048, 1, 1, 1, 1]), "says that it has 2048 x 2048 x 2048 voxels"),
    "too_many_voxels": (fields(dim=[3, 512, 512, 512, 1, 1, 1, 1]), "is cut short: 536,870,912 bytes"),
    "start_nan": (fields(vox_offset=NAN), "says that its voxels begin at byte nan (vox_offset)"),
    "start_negative": (fields(vox_offset=-352), "says that its voxels begin at byte -352"),
    "start_in_header": (fields(vox_offset=100), "says that its voxels begin at byte 100"),
    "start_far": (fields(vox_offset=1e30), "says that its voxels begin at byte 1e+30"),
    "colours": (fields(datatype=128, bitpix=24), "holds RGB colours (datatype 128)"),
    "complex": (fields(datatype=32, bitpix=64), "holds complex64 (datatype 32)"),
    "float128": (fields(datatype=1536, bitpix=128), "holds float128 (datatype 1536)"),
    "unknown_type": (fields(datatype=77), "holds a data type that NIfTI does not know (datatype 77)"),
    "slope_nan": (fields(scl_slope=NAN), "scaled by scl_slope nan and scl_inter 0"),
    "slope_infinite": (fields(scl_slope=INF), "scaled by scl_slope inf and scl_inter 0"),
    "inter_nan": (fields(scl_inter=NAN), "scaled by scl_slope 1 and scl_inter nan"),
    "slope_0_with_inter": (fields(scl_slope=0, scl_inter=7), "scaled by scl_slope 0 and scl_inter 7"),
    "slope_overflows": (
        fields(scl_slope=3e38),
        "has values that are too large (1,918 of 1,920 voxels; scl_slope 3e+38",
    ),
    "infinite_voxel": (stored(np.where(VOXELS == 7, np.float32(INF), VOXELS)), "are not finite (1 of 1,920 voxels)"),
}
PACKED = {
    "checksum": (lambda raw: raw[:-8] + bytes(4) + raw[-4:], "is damaged (CRC check failed"),
    "length": (lambda raw: raw[:-4] + bytes(4), "is damaged (Incorrect length of data produced"),
    "cut_in_header": (lambda raw: raw[:40], "is cut short, its compressed data end too early"),
    "cut_in_voxels": (lambda raw: raw[:-500], "is cut short, its compressed data end too early"),
    "cut_before_checksum": (lambda raw: raw[:-8], "is cut short, its compressed data end too early"),
    "bytes_changed": (lambda raw: raw[:60] + bytes(200) + raw[260:], "is damaged ("),
    "nothing_packed": (lambda raw: gzip.compress(b""), "is not a NIfTI file"),
    "not_packed": (gzip.decompress, "is named .gz, but is not compressed; rename it to .nii"),
    "bomb": (lambda raw: gzip.compress(gzip.decompress(raw) + bytes(10**6) + b"\1"), "holds more than the 24 x 20 x 4"),
}


@pytest.mark.parametrize(("damage", "words"), PLAIN.values(), ids=PLAIN)
def test_a_file_that_is_no_sound_volume_is_refused_with_what_is_wrong(tmp_path, damage, words):
    """Whatever is in the bytes, it is a `Fault` and in one line."""
    path = tmp_path / "volume.nii"
    hearts.write(path, VOXELS)
    damage(path)
    with pytest.raises(nifti.Fault) as caught:
        nifti.read(path, canonical=True)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("damage", "words"), PACKED.values(), ids=PACKED)
def test_a_compressed_file_that_is_damaged_is_refused(tmp_path, damage, words):
    """Also where the voxels could be read: the checksum of gzip comes behind them."""
    path = tmp_path / "volume.nii.gz"
    hearts.write(path, np.random.default_rng(0).normal(size=hearts.SHAPE).astype(np.float32))
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(nifti.Fault) as caught:
        nifti.read(path)
    assert words in str(caught.value)


@pytest.mark.parametrize("start", [0, 300])
def test_no_bytes_at_all_make_another_exception_than_a_fault(tmp_path, start):
    """Three hundred headers with eight random bytes each are read, or refused by name."""
    path = tmp_path / "volume.nii"
    hearts.write(path, VOXELS)
    raw = path.read_bytes()
    generator = np.random.default_rng(start)
    refused = 0
    for place in range(start, min(start + 300, 344)):
        path.write_bytes(raw[:place] + generator.bytes(8) + raw[place + 8 :])
        try:
            nifti.mask(path, 4000, canonical=True)
        except nifti.Fault:
            refused += 1
    assert refused > 10


def sound_kinds():
    """Every way to store the same numbers that NIfTI files are found in."""
    ints = np.arange(24).reshape(2, 3, 4)
    for code in ("u1", "i1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"):
        yield code, nibabel.Nifti1Image(ints.astype(code), np.eye(4), dtype=code)
    yield "nifti2", nibabel.Nifti2Image(ints.astype("i2"), np.eye(4))
    header = nibabel.Nifti1Header(endianness=">")
    header.set_data_dtype(">i2")
    yield "big_endian", nibabel.Nifti1Image(ints.astype(">i2"), np.eye(4), header)
    scaled = nibabel.Nifti1Image(ints * 0.5 - 3, np.eye(4))
    scaled.set_data_dtype(np.int16)
    yield "scaled", scaled


@pytest.mark.parametrize("name", [name for name, _ in sound_kinds()])
@pytest.mark.parametrize("canonical", [False, True])
def test_sound_files_have_the_values_that_nibabel_reads(tmp_path, name, canonical):
    """Types, byte orders, scaling and axes that run left, down and in another order: all to the last bit."""
    affine = np.array([[0, -2.0, 0, 5], [0, 0, 3, 6], [-4, 0, 0, 7], [0, 0, 0, 1]])
    image = dict(sound_kinds())[name]
    image.set_sform(affine, 1)
    image.set_qform(affine, 1)
    path = tmp_path / "volume.nii.gz"
    image.to_filename(path)
    expected = nibabel.load(path)
    if canonical:
        expected = nibabel.as_closest_canonical(expected)
    found = nifti.read(path, canonical=canonical)
    assert np.array_equal(found.voxels, np.asarray(expected.dataobj, np.float64))
    assert np.array_equal(found.affine, expected.affine)
    assert found.spacing_mm == tuple(map(float, expected.header.get_zooms()))


def test_padding_behind_the_voxels_and_slope_0_are_taken(tmp_path):
    """Slope 0 stands for no scaling in the standard; zeros at the end fill a block."""
    path = tmp_path / "volume.nii"
    hearts.write(path, VOXELS)
    hearts.header(path, scl_slope=0, scl_inter=0)
    path.write_bytes(path.read_bytes() + bytes(512))
    assert np.array_equal(nifti.read(path).voxels, VOXELS)


def test_a_file_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    """Whoever runs the tests may read all, so that the system's answer is put in its place."""
    hearts.write(tmp_path / "volume.nii", VOXELS)

    def denied(path, mode):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(nifti.Fault, match=r"^cannot be read \(Permission denied\)$"):
        nifti.read(tmp_path / "volume.nii")


def test_a_file_of_too_many_bytes_is_refused(tmp_path, monkeypatch):
    """Before it is read to its end."""
    hearts.write(tmp_path / "volume.nii", VOXELS)
    monkeypatch.setattr(nifti_file, "MOST_BYTES", 1000)
    with pytest.raises(nifti.Fault, match="has more than 1,000 bytes"):
        nifti.read(tmp_path / "volume.nii")


def test_faults_of_header_and_values_of_one_file_are_both_named(tmp_path):
    """A NaN in the sform does not hide a label that is no class."""
    hearts.write(tmp_path / "mask.nii", np.full(hearts.SHAPE, 9, np.uint8))
    hearts.header(tmp_path / "mask.nii", srow_y=[NAN] * 4)
    with pytest.raises(nifti.Fault) as caught:
        nifti.mask(tmp_path / "mask.nii", 2)
    geometry, values = caught.value.words
    assert "not finite in its header (srow_y)" in geometry
    assert values == "has the values 9, allowed are 0 to 1"
