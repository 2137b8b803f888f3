"""Augmentation moves image and mask together, and is a pure function of (seed, epoch, index)."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage

from experiments.problems.datasets import augment
from experiments.problems.datasets.augment import BRAIN, HEART, Augmentation

MUCH = Augmentation(rotation=40, scale=0.3, shift=0.2, moved=1.0, mirror=0.5, gain=0.2, gamma=0.2)


def discs(count=6, sides=(40, 32)):
    """Images of a bright disc off the middle, uint8, with masks of it; label 2 is its upper half."""
    rows, columns = np.mgrid[: sides[0], : sides[1]]
    masks = np.zeros((count, *sides), np.uint8)
    for n in range(count):
        inside = (rows - 18) ** 2 + (columns - 12 - n) ** 2 < 64
        masks[n] = np.where(inside, np.where(rows < 18, 2, 1), 0)
    return (masks * 100)[..., None], masks


def test_nothing_changes_without_reach():
    """All zeros leave image and mask as they are."""
    images, masks = discs()
    moved, labels = Augmentation()(images, masks, 1, 1, tf.range(6))
    assert np.array_equal(moved, images)
    assert np.array_equal(labels, masks)
    assert (moved.dtype, labels.dtype) == (tf.float32, tf.uint8)


def test_an_augmentation_says_what_it_does():
    """In the words of a table's notes; what has no reach is left out."""
    assert (
        BRAIN.words
        == "with chance 0.3 turned by up to 15 degrees, scaled by a factor up to 1.22, shifted by up to 5% of a side"
    )
    assert "brightened by a factor up to 1.11, intensities to a power up to 1.22" in HEART.words
    assert Augmentation().words == ""


def test_a_seed_may_be_given_as_its_halves():
    """So that one trace serves every seed."""
    images, masks = discs()
    seed = 2**63 + 5
    halves = tf.constant(augment.halves(seed), tf.int64)
    for one, other in zip(
        MUCH(images, masks, seed, 4, tf.range(6)), MUCH(images, masks, halves, 4, tf.range(6)), strict=True
    ):
        assert np.array_equal(one, other)


def test_mask_and_image_move_together():
    """Wherever the mask says 0, 1 or 2 and all neighbours agree, the image has that class's level."""
    images, masks = discs()
    far = Augmentation(rotation=180, scale=0.3, shift=0.2, moved=1.0, mirror=0.5)
    for epoch in range(1, 6):
        moved, labels = (part.numpy() for part in far(images, masks, 3, epoch, tf.range(6)))
        assert set(np.unique(labels)) <= {0, 1, 2}
        around = {"size": (1, 3, 3)}
        same = ndimage.minimum_filter(labels, **around) == ndimage.maximum_filter(labels, **around)
        same[:, [0, -1]] = same[:, :, [0, -1]] = False
        assert moved[..., 0][same] == pytest.approx(100.0 * labels[same], abs=0.01)
        assert (labels != masks).mean() > 0.05


def test_the_same_seed_epoch_and_index_give_the_same_example():
    """In another batch, another order and another process of tracing."""
    images, masks = discs()
    together = MUCH(images, masks, 2**63 + 5, 4, tf.range(6))
    order = [5, 2, 0]
    apart = tf.function(MUCH)(images[order], masks[order], 2**63 + 5, tf.constant(4), tf.constant(order))
    for whole, part in zip(together, apart, strict=True):
        # A compiled graph may round differently in the last digit of a grey level of 0 .. 255.
        assert whole.numpy()[order] == pytest.approx(part.numpy(), abs=1e-3)


@pytest.mark.parametrize("change", [{"seed": 8}, {"seed": 7 + 2**32}, {"epoch": 2}, {"index": tf.range(1, 7)}])
def test_another_seed_epoch_or_index_gives_another_example(change):
    """Each of them counts, the upper half of the seed too."""
    images, masks = discs(1)
    six = np.repeat(images, 6, axis=0), np.repeat(masks, 6, axis=0)
    place = {"seed": 7, "epoch": 1, "index": tf.range(6)}
    first, second = (MUCH(*six, **found)[0].numpy() for found in (place, place | change))
    assert all(not np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_the_draws_are_the_known_ones():
    """The same on every device and release: Philox, named as such."""
    images = np.full((2, 8, 8, 1), 100, np.uint8)
    light, _ = Augmentation(gain=0.5)(images, images[..., 0], 11, 3, tf.constant([0, 9]))
    assert light.numpy()[:, 0, 0, 0] == pytest.approx([68.348, 111.833], abs=1e-3)


@pytest.mark.slow
def test_the_share_of_moved_examples_is_the_stated_one():
    """Of 1,000 examples 0.3 are moved; the standard error is 0.0145, tested at four of them."""
    images = np.random.default_rng(0).integers(0, 256, (1, 8, 8, 1), dtype=np.uint8).repeat(1000, axis=0)
    moved, _ = Augmentation(rotation=90, scale=0.5, moved=0.3)(images, images[..., 0], 0, 1, tf.range(1000))
    changed = np.any(moved.numpy() != images, axis=(1, 2, 3)).mean()
    assert changed == pytest.approx(0.3, abs=0.058)


def test_a_mirror_exchanges_left_and_right_alone():
    """With certainty, and to the last bit."""
    images, masks = discs()
    moved, labels = Augmentation(mirror=1.0)(images, masks, 0, 1, tf.range(6))
    assert np.array_equal(moved, images[:, :, ::-1])
    assert np.array_equal(labels, masks[:, :, ::-1])


def test_anatomy_keeps_its_sides():
    """Neither brain nor heart is mirrored."""
    assert BRAIN.mirror == HEART.mirror == 0
