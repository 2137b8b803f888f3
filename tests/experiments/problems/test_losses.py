"""Losses equal a loop over the pixels, have its gradients, and stay finite where there is no structure."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from experiments.problems.losses import CrossEntropy, DiceCrossEntropy, SoftDice

LOSSES = (CrossEntropy, SoftDice, DiceCrossEntropy)
# Images of batch 3: a plane and a volume, two, three and one logit a pixel.
SHAPES = ((3, 4, 5, 3), (3, 2, 3, 4, 2), (3, 4, 5, 1))
every_loss = pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.__name__)
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)


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
    total = sum(math.exp(z) for z in logits)
    return [math.exp(z) / total for z in logits]


def pixels(labels, logits):
    """Label and probabilities of each pixel of one example."""
    flat = logits.reshape(-1, logits.shape[-1]).tolist()
    return list(zip(labels.ravel().tolist(), map(probabilities, flat), strict=True))


def reference(loss, labels, logits, smooth=1.0, background=False):
    """The losses of the examples, by looking at one pixel after the other."""
    values = []
    for example in range(len(labels)):
        seen = pixels(labels[example], logits[example])
        entropy = -sum(math.log(p[label]) for label, p in seen) / len(seen)
        dice = []
        for c in range(0 if background and logits.shape[-1] > 1 else 1, len(seen[0][1])):
            both = sum(p[c] for label, p in seen if label == c)
            either = sum(p[c] + (label == c) for label, p in seen)
            dice.append((2 * both + smooth) / (either + smooth))
        overlap = 1 - sum(dice) / len(dice)
        values.append({CrossEntropy: entropy, SoftDice: overlap, DiceCrossEntropy: entropy + overlap}[loss])
    return values


@every_shape
@every_loss
def test_losses_equal_a_loop_over_the_pixels(loss, shape):
    """In float64, within rounding of sums; a last axis of size 1 and the labels' type change nothing."""
    labels, logits = batch(shape)
    expected = reference(loss, labels, logits)
    built = loss(dtype="float64", reduction="none")
    for given in (labels, labels[..., None], labels.astype(np.uint8), labels.astype(np.float32)):
        assert expected == pytest.approx(built(given, logits).numpy().tolist(), rel=1e-12)


@pytest.mark.parametrize(("smooth", "background"), [(0.0, False), (1e-5, True), (10.0, True)])
@pytest.mark.parametrize("loss", [SoftDice, DiceCrossEntropy])
def test_smoothing_and_background_are_as_documented(loss, smooth, background):
    """Both arguments reach the formula."""
    labels, logits = batch(SHAPES[0])
    built = loss(smooth, background, dtype="float64", reduction="none")
    expected = reference(loss, labels, logits, smooth, background)
    assert expected == pytest.approx(built(labels, logits).numpy().tolist(), rel=1e-12)


@every_shape
@every_loss
def test_gradients_equal_finite_differences(loss, shape):
    """Central differences of the loop with steps of 1e-5 are right to about 1e-9."""
    labels, logits = batch(shape)
    variable = tf.Variable(logits)
    with tf.GradientTape() as tape:
        value = loss(dtype="float64")(labels, variable)
    gradient = tape.gradient(value, variable).numpy()
    random, step = np.random.default_rng(1), 1e-5
    for _ in range(12):
        place = tuple(int(random.integers(n)) for n in shape)
        moved = [logits.copy(), logits.copy()]
        moved[0][place] += step
        moved[1][place] -= step
        up, down = (np.mean(reference(loss, labels, m)) for m in moved)
        assert (up - down) / (2 * step) == pytest.approx(gradient[place], rel=1e-6, abs=1e-9)


@every_loss
def test_the_loss_of_a_batch_is_the_mean_of_its_examples(loss):
    """Weights are of examples; Keras divides by the number of examples, not by the sum of weights."""
    labels, logits = batch(SHAPES[0])
    each = np.array(reference(loss, labels, logits))
    built = loss(dtype="float64")
    assert each.mean() == pytest.approx(float(built(labels, logits)), rel=1e-12)
    weights = np.array([0.5, 0.0, 2.0])
    for given in (weights, weights[:, None]):
        assert (each * weights).sum() / 3 == pytest.approx(float(built(labels, logits, given)), rel=1e-12)
    assert each.sum() == pytest.approx(float(loss(reduction="sum", dtype="float64")(labels, logits)), rel=1e-12)


@pytest.mark.parametrize("smooth", [0.0, 1e-5, 1.0])
@pytest.mark.parametrize("certainty", [0.0, 8.0, 200.0, 1e4])
@pytest.mark.parametrize("truth", [0, 1])
@pytest.mark.parametrize("loss", [SoftDice, DiceCrossEntropy])
@pytest.mark.parametrize("classes", [1, 3])
def test_losses_and_gradients_are_finite_without_a_structure(loss, smooth, certainty, truth, classes):
    """Nothing there and nothing predicted, to the last bit, and a structure missed by as much; in float32."""
    logits = np.zeros((1, 4, 4, classes), np.float32)
    logits[..., 0] = certainty if classes > 1 else -certainty
    variable = tf.Variable(logits)
    with tf.GradientTape() as tape:
        value = loss(smooth)(np.full((1, 4, 4), truth), variable)
    assert np.isfinite(float(value))
    assert np.isfinite(tape.gradient(value, variable).numpy()).all()


@pytest.mark.parametrize("smooth", [0.0, 1.0])
def test_nothing_found_where_nothing_is_costs_nothing(smooth):
    """The soft Dice of two empty masks is 1 whatever the smoothing; a whole image missed costs all."""
    sure = np.full((1, 8, 8, 1), -200.0, np.float32)
    assert 0.0 == float(SoftDice(smooth)(np.zeros((1, 8, 8)), sure))
    assert 1 - smooth / (64 + smooth) == pytest.approx(float(SoftDice(smooth)(np.ones((1, 8, 8)), sure)), rel=1e-6)


@every_loss
def test_a_perfect_prediction_costs_nothing(loss):
    """Softmax is applied once: applied twice, the least cross entropy of ten classes would be 1.46."""
    labels, _ = batch(SHAPES[0])
    logits = 100 * np.eye(3)[labels]
    assert 0 == pytest.approx(float(loss()(labels, logits)), abs=1e-6)


@every_loss
def test_logits_of_half_precision_are_summed_in_float32(loss):
    """A mask of 320 x 320 has more pixels than float16 can count."""
    labels, logits = np.ones((1, 320, 320)), np.full((1, 320, 320, 1), 2.0)
    half = float(loss()(labels, tf.constant(logits, tf.float16)))
    # 1e-5: sums of 1e5 terms in float32; float16 ends at 65504.
    assert half == pytest.approx(float(loss(dtype="float64")(labels, logits)), rel=1e-5)


@every_loss
@pytest.mark.parametrize("compiled", [False, True])
def test_a_label_that_is_no_class_makes_its_example_nan(loss, compiled):
    """Also under XLA, where nothing can be raised; the other examples keep their loss."""
    labels, logits = batch(SHAPES[0])
    for wrong in (3, -1, 255, 0.5, math.nan):
        changed = labels.astype(float)
        changed[1, 0, 0] = wrong
        run = tf.function(loss(reduction="none", dtype="float64"), jit_compile=compiled)
        found = run(tf.constant(changed), tf.constant(logits)).numpy().tolist()
        expected = reference(loss, labels, logits)
        assert [expected[0], math.nan, expected[2]] == pytest.approx(found, rel=1e-12, nan_ok=True)


@every_loss
def test_losses_are_saved_with_their_arguments(loss):
    """Keras makes the same loss from its configuration, without being told of the class."""
    arguments = {} if loss is CrossEntropy else {"smooth": 0.5, "background": True}
    first = loss(name="mine", reduction="sum", dtype="float64", **arguments)
    second = keras.losses.deserialize(keras.losses.serialize(first))
    assert (loss, first.get_config()) == (type(second), second.get_config())
    labels, logits = batch(SHAPES[0])
    assert float(first(labels, logits)) == float(second(labels, logits))


@pytest.mark.parametrize(("loss", "jit_compile"), [(CrossEntropy, False), (SoftDice, False), (DiceCrossEntropy, True)])
def test_a_model_learns_with_the_loss(loss, jit_compile):
    """A bright square is found by one weight and one bias, in `fit`, with and without XLA."""
    keras.utils.set_random_seed(0)
    labels = np.zeros((8, 6, 6), np.uint8)
    labels[:6, 2:5, 1:4] = 1  # the last two examples are empty
    images = labels[..., None].astype(np.float32)
    model = keras.Sequential([keras.Input((6, 6, 1)), keras.layers.Conv2D(2, 1)])
    model.compile(keras.optimizers.Adam(0.1), loss(), jit_compile=jit_compile)
    losses = model.fit(images, labels, batch_size=4, epochs=30, verbose=0).history["loss"]
    assert losses[-1] < 0.2 * losses[0]


@every_loss
def test_shapes_that_do_not_belong_together_are_refused(loss):
    """One-hot labels, another size, weights of pixels."""
    labels, logits = batch(SHAPES[0])
    with pytest.raises(ValueError, match=r"class numbers of the logits' shape.*of one-hot labels take the argmax"):
        loss()(np.eye(3)[labels], logits)
    with pytest.raises(ValueError, match=r"class numbers.*got the shape \(3, 4, 4\)"):
        loss()(labels[..., :4], logits)
    with pytest.raises(ValueError, match=r"one weight an example, of the shape \[batch\], got \(3, 4, 5\)"):
        loss()(labels, logits, np.ones((3, 4, 5)))


@pytest.mark.parametrize("smooth", [-1, math.nan, math.inf, "1", None, True])
def test_smoothing_out_of_range_is_refused(smooth):
    """The message has the class, the range and the value."""
    with pytest.raises(ValueError, match="SoftDice: smooth must be a finite number, at least 0, got "):
        SoftDice(smooth)
