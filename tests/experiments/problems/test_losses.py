"""Losses equal a loop over the pixels, have its gradients, and stay finite where there is no structure."""

import functools
import math

import numpy as np
import pytest
import tensorflow as tf

from experiments.problems.losses import cross_entropy, soft_dice

# Images of batch 3: a plane and a volume, two, three and one logit a pixel.
SHAPES = ((3, 4, 5, 3), (3, 2, 3, 4, 2), (3, 4, 5, 1))
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)


def total(labels, logits, smooth=1.0, background=False):
    """Both losses of each example, as the segmentation tasks have them."""
    return soft_dice(labels, logits, smooth, background) + cross_entropy(labels, logits)


def batch(shape, seed=0):
    """Random labels, of which the last example has the background only, and float64 logits."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, max(shape[-1], 2), shape[:-1])
    labels[-1] = 0
    return labels, random.normal(size=shape) * 2


def probabilities(logits):
    """Class probabilities of one pixel; of a single logit those of background and structure."""
    if len(logits) == 1:
        one = 1 / (1 + math.exp(-logits[0]))
        return [1 - one, one]
    exponentials = [math.exp(z) for z in logits]
    return [e / sum(exponentials) for e in exponentials]


def reference(labels, logits, smooth=1.0, background=False):
    """Cross entropy and soft Dice of each example, pixel by pixel."""
    values = []
    for example in range(len(labels)):
        flat = logits[example].reshape(-1, logits.shape[-1]).tolist()
        seen = list(zip(labels[example].ravel().tolist(), map(probabilities, flat), strict=True))
        entropy = -sum(math.log(p[label]) for label, p in seen) / len(seen)
        dice = []
        for c in range(0 if background and logits.shape[-1] > 1 else 1, len(seen[0][1])):
            both = sum(p[c] for label, p in seen if label == c)
            either = sum(p[c] + (label == c) for label, p in seen)
            dice.append((2 * both + smooth) / (either + smooth))
        values.append((entropy, 1 - sum(dice) / len(dice)))
    return np.array(values)


@every_shape
def test_losses_equal_a_loop_over_the_pixels(shape):
    """In float64, within rounding of sums; a last axis of size 1 and the labels' type change nothing."""
    labels, logits = batch(shape)
    expected = reference(labels, logits)
    for given in (labels, labels[..., None], labels.astype(np.uint8), labels.astype(np.float32)):
        found = np.stack([cross_entropy(given, tf.constant(logits)), soft_dice(given, tf.constant(logits), 1.0, False)])
        assert found.T == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("smooth", "background"), [(0.0, False), (1e-5, True), (10.0, True)])
def test_smoothing_and_background_are_as_documented(smooth, background):
    """Both arguments reach the formula."""
    labels, logits = batch(SHAPES[0])
    expected = reference(labels, logits, smooth, background)[:, 1]
    assert soft_dice(labels, tf.constant(logits), smooth, background).numpy() == pytest.approx(expected, rel=1e-12)


@every_shape
def test_gradients_equal_finite_differences(shape):
    """Central differences of the loop with steps of 1e-5 are right to about 1e-9."""
    labels, logits = batch(shape)
    variable = tf.Variable(logits)
    with tf.GradientTape() as tape:
        value = tf.reduce_mean(total(labels, variable))
    gradient = tape.gradient(value, variable).numpy()
    random, step = np.random.default_rng(1), 1e-5
    for _ in range(12):
        place = tuple(int(random.integers(n)) for n in shape)
        moved = [logits.copy(), logits.copy()]
        moved[0][place] += step
        moved[1][place] -= step
        up, down = (reference(labels, m).sum(axis=1).mean() for m in moved)
        assert (up - down) / (2 * step) == pytest.approx(gradient[place], rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("smooth", [0.0, 1.0])
@pytest.mark.parametrize("certainty", [0.0, 200.0, 1e4])
@pytest.mark.parametrize("classes", [1, 3])
def test_losses_and_gradients_are_finite_without_a_structure(smooth, certainty, classes):
    """Nothing there and nothing predicted, to the last bit, and a structure missed by as much; in float32."""
    logits = np.zeros((1, 4, 4, classes), np.float32)
    logits[..., 0] = certainty if classes > 1 else -certainty
    variable = tf.Variable(logits)
    for truth in (0, 1):
        with tf.GradientTape() as tape:
            value = tf.reduce_mean(total(np.full((1, 4, 4), truth), variable, smooth))
        assert np.isfinite(float(value))
        assert np.isfinite(tape.gradient(value, variable).numpy()).all()


@pytest.mark.parametrize("smooth", [0.0, 1.0])
def test_nothing_found_where_nothing_is_costs_nothing(smooth):
    """The soft Dice of two empty masks is 1 whatever the smoothing; a whole image missed costs all."""
    sure = tf.fill((1, 8, 8, 1), -200.0)
    found, missed = (
        float(soft_dice(truth, sure, smooth, False)) for truth in (np.zeros((1, 8, 8)), np.ones((1, 8, 8)))
    )
    assert (found, missed) == (0.0, pytest.approx(1 - smooth / (64 + smooth), rel=1e-6))


@pytest.mark.parametrize("compiled", [False, True])
def test_a_label_that_is_no_class_makes_its_example_nan(compiled):
    """Also under XLA, where nothing can be raised; the other examples keep their loss."""
    labels, logits = batch(SHAPES[0])
    run = tf.function(functools.partial(total), jit_compile=compiled)
    expected = reference(labels, logits).sum(axis=1)
    for wrong in (3, -1, 255, 0.5, math.nan):
        changed = labels.astype(float)
        changed[1, 0, 0] = wrong
        found = run(tf.constant(changed), tf.constant(logits)).numpy().tolist()
        assert [expected[0], math.nan, expected[2]] == pytest.approx(found, rel=1e-12, nan_ok=True)


def test_shapes_that_do_not_belong_together_are_refused():
    """One-hot labels, another size."""
    labels, logits = batch(SHAPES[0])
    with pytest.raises(ValueError, match=r"class numbers of the logits' shape.*of one-hot labels take the argmax"):
        cross_entropy(np.eye(3)[labels], tf.constant(logits))
    with pytest.raises(ValueError, match=r"class numbers.*got the shape \(3, 4, 4\)"):
        cross_entropy(labels[..., :4], tf.constant(logits))
