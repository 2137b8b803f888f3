"""The embedded brain: the known template, labelled and split by the stated rules, noisy in the same way everywhere."""

import hashlib

import numpy as np
import pytest

from experiments.errors import UserError
from experiments.problems import datasets
from experiments.problems.datasets import CARDS, load, preprocessing
from experiments.problems.datasets.mni152_tissue import mni152_tissue_dataset_builder as mni

LEVELS = ("clean", "noise06", "noise12")


@pytest.fixture(scope="module")
def volumes():
    """The template and its tissue maps."""
    return mni.read()


@pytest.fixture(scope="module")
def splits():
    """All splits at noise 0.06, verified against the committed hashes as they are loaded."""
    return load.load("mni152_tissue/noise06", datasets.SPLITS)


@pytest.mark.parametrize("level", LEVELS)
def test_every_level_has_the_committed_bytes(level):
    """Loading compares each split with its SHA-256; another machine's noise would be refused."""
    card = CARDS[f"mni152_tissue/{level}"]
    found = load.load(card.name, datasets.SPLITS)
    assert {split: examples.sha256 for split, examples in found.items()} == card.digests


def test_another_template_in_nilearn_is_refused(monkeypatch):
    """A brain that is not the expected one is never trained on."""
    monkeypatch.setitem(mni.SHA256, "wm", "0" * 64)
    with pytest.raises(UserError, match=r"not those of nilearn 0\.14\.1: .*wm_tal.* should have SHA-256 000"):
        mni.sources()


def test_slabs_are_those_of_the_protocol_ten_slices_apart(splits):
    """Slices 24-93, 104-119 and 130-145, each its own case, 2 x 2 x 1 mm."""
    expected = {"train": range(24, 94), "validation": range(104, 120), "test": range(130, 146)}
    for split, rows in expected.items():
        assert splits[split].positions.tolist() == list(rows)
        assert splits[split].cases.tolist() == [f"z{row:03d}" for row in rows]
        assert splits[split].images.shape == (len(rows), 112, 96, 1)
        assert np.array_equal(splits[split].spacing_mm, [[2, 2, 1]] * len(rows))
        assert splits[split].labels.any(axis=(1, 2)).all()


def test_labels_follow_the_rule_voxel_by_voxel(volumes):
    """At 1 mm: 1 where GM > 127 and GM >= WM, 2 where WM > 127 and WM > GM, in the window kept."""
    _, masks = mni.look(volumes, mni.Scan(name="x", pixel_mm=1))
    grey, white = (volumes[name].astype(int) for name in ("gm", "wm"))
    for x, y, z in np.random.default_rng(0).integers([40, 40, 20], [160, 200, 150], (500, 3)):
        expected = 0
        if grey[x, y, z] > 127 and grey[x, y, z] >= white[x, y, z]:
            expected = 1
        if white[x, y, z] > 127 and white[x, y, z] > grey[x, y, z]:
            expected = 2
        assert masks[z, 228 - y, 193 - x] == expected


def test_no_tissue_lies_outside_the_window(volumes):
    """The window cuts nothing off."""
    for volume in volumes.values():
        assert volume[mni.WINDOW].sum(dtype=int) == volume.sum(dtype=int)


def test_labels_lie_on_their_tissue(splits):
    """White matter is brighter than grey, grey than the background around the brain, in each slice."""
    for examples in splits.values():
        for image, label in zip(examples.images[..., 0], examples.labels, strict=True):
            dark, grey, white = (image[label == k].mean() for k in range(3))
            assert dark < grey < white


def test_the_front_is_up():
    """A voxel in front, on the right and at the top comes first in the last slice."""
    volume = np.zeros((3, 4, 2))
    volume[2, 3, 1] = 1
    assert np.argwhere(preprocessing.upright(volume)).tolist() == [[1, 0, 0]]


def test_the_template_is_its_mirror_image(volumes):
    """Which is why the brain is cut into slabs and mirroring is no augmentation."""
    assert all(np.array_equal(volume, volume[::-1]) for volume in volumes.values())


def test_noise_has_the_mean_of_rice_without_signal_and_the_declared_spread_with_much():
    """Sqrt(pi / 2) sigma at signal 0; spread sigma far above it; 10^6 draws leave 0.1 %, tested at 0.5 %."""
    silent = mni.rician(np.zeros((1000, 1000)), 0.06, "a")
    loud = mni.rician(np.full((1000, 1000), 5.0), 0.06, "b")
    assert silent.mean() == pytest.approx(0.06 * np.sqrt(np.pi / 2), rel=0.005)
    assert loud.std() == pytest.approx(0.06, rel=0.005)


def test_draws_are_the_known_ones():
    """Three numbers of a stream, so that another NumPy or another machine is found out."""
    found = (mni.uniform("mni152_tissue|bias", (3,)) * 2.0**53).astype(np.uint64)
    assert hashlib.sha256(found.astype("<u8").tobytes()).hexdigest()[:16] == "2f564bf377c21bf2"


def test_the_bias_field_has_the_declared_range_and_is_smooth():
    """0.4 runs from 0.8 to 1.2; neighbouring pixels differ by less than a fiftieth."""
    field = mni.bias_field((30, 112, 96), 0.4, "x")
    assert (field.min(), field.max()) == (pytest.approx(0.8), pytest.approx(1.2))
    assert max(np.abs(np.diff(field, axis=axis)).max() for axis in (1, 2)) < 0.02
    assert np.array_equal(mni.bias_field((3, 4, 5), 0.0, "x"), np.ones((3, 4, 5)))


def test_every_title_says_that_it_is_one_brain_only():
    """Titles stand under each figure."""
    assert all("one averaged brain only" in CARDS[f"mni152_tissue/{level}"].title for level in LEVELS)
