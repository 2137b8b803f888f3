"""What is done to volumes before training keeps their anatomy, their millimetres and their labels."""

import numpy as np
import pytest

from experiments.problems.datasets import nifti, preprocessing
from experiments.problems.datasets.acdc import acdc_dataset_builder as acdc
from experiments.problems.datasets.msd_heart import msd_heart_dataset_builder as heart
from tests.experiments import hearts


def test_axes_are_turned_as_the_file_says(tmp_path):
    """A file whose first axis runs to the left gives the same slices as one whose axis runs to the right."""
    voxels = np.random.default_rng(0).normal(size=hearts.SHAPE).astype(np.float32)
    hearts.write(tmp_path / "right.nii.gz", voxels)
    hearts.write(tmp_path / "left.nii.gz", voxels[::-1], spacing=(-1.25, 1.5, 4), shift=1.25 * 23)
    right, left = (nifti.read(tmp_path / f"{name}.nii.gz", canonical=True) for name in ("right", "left"))
    assert np.array_equal(right.voxels, left.voxels)
    assert right.spacing_mm == left.spacing_mm == (1.25, 1.5, 4.0)


def test_a_slice_keeps_its_voxels_their_size_and_its_mask(tmp_path):
    """Padding to 320 x 320 moves image and mask alike; rows are the second axis."""
    case = heart.find(hearts.heart(tmp_path, patients=1))[0][0]
    seen = heart.look(case)
    assert seen.images.shape == seen.masks.shape == (4, 320, 320)
    assert seen.spacing_mm == (1.5, 1.25, 4.0)
    assert seen.masks.sum() == nifti.read(case.mask).voxels.sum()
    assert (
        seen.images[seen.masks == 1].mean()
        > 2 * seen.images[1, 150:170, 148:172][seen.masks[1, 150:170, 148:172] == 0].mean()
    )


def test_resizing_keeps_the_size_of_the_heart_in_mm(tmp_path):
    """Sides change, so do the spacings; labels stay labels."""
    root = hearts.acdc(tmp_path, training=1)
    case = acdc.find(root)[0][0]
    seen, mask = acdc.look(case), nifti.mask(case.mask, 4)
    assert case.name == "patient001_ED"
    assert seen.images.shape == (3, 200, 200)
    assert seen.spacing_mm == pytest.approx((1.5 * 20 / 200, 1.25 * 28 / 200, 4))
    assert set(np.unique(seen.masks)) == {0, 1, 2, 3}
    before, after = (
        np.prod(s) * (m == 3).sum() for s, m in ((mask.spacing_mm, mask.voxels), (seen.spacing_mm, seen.masks))
    )
    assert after == pytest.approx(before, rel=0.02)  # a border moves by at most half of a small pixel


def test_histograms_are_matched_to_the_training_patients():
    """A scanner that is twice as bright and offset gives the same image; order is kept."""
    generator = np.random.default_rng(0)
    first = generator.gamma(2, 1, (20, 20, 5))
    target = preprocessing.standard([preprocessing.landmarks(first)])
    assert preprocessing.match(2 * first + 7, target) == pytest.approx(first, abs=1e-9)
    assert np.array_equal(preprocessing.match(np.zeros((2, 2, 1)), target), np.full((2, 2, 1), target[0]))


def test_diffusion_smooths_noise_and_keeps_the_edge_and_the_mean():
    """Perona and Malik: noise falls to less than half, a step ten times the edge constant stays."""
    step = np.zeros((40, 40, 1))
    step[20:] = 1
    noisy = step + np.random.default_rng(0).normal(0, 0.02, step.shape)
    smooth = preprocessing.diffuse(noisy, steps=10)
    assert (smooth - step).std() < 0.5 * (noisy - step).std()
    assert np.diff(smooth, axis=0)[19].min() > 0.9
    assert smooth.mean() == pytest.approx(noisy.mean(), abs=1e-12)


def test_cutting_and_padding_keep_the_middle():
    """A middle voxel stays in the middle, whether sides grow or shrink."""
    volume = np.zeros((9, 4, 1))
    volume[4, 2, 0] = 1
    fitted = preprocessing.fit(volume, (5, 8))
    assert fitted.shape == (5, 8, 1)
    assert np.argwhere(fitted).tolist() == [[2, 4, 0]]
