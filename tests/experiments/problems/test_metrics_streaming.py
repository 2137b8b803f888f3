"""The streaming Dice equals the Dice of all pixels seen, in every way that Keras runs it."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from experiments.problems.metrics import MeanDice
from experiments.problems.metrics.streaming import exact_sums

# One ratio of two integers below 2**24 in float32.
SINGLE = 1e-6


def batches(classes=3, shape=(4, 6, 5), count=3):
    """Labels and logits of a few batches."""
    random = np.random.default_rng(0)
    return [(random.integers(0, classes, shape), random.normal(size=(*shape, classes))) for _ in range(count)]


def pooled_dice(seen, label):
    """The Dice of one class over all pixels of all batches, one pixel after the other."""
    pairs = [
        (truth == label, found == label)
        for labels, logits in seen
        for truth, found in zip(labels.ravel().tolist(), logits.argmax(-1).ravel().tolist(), strict=True)
    ]
    return 2 * pairs.count((True, True)) / sum(truth + found for truth, found in pairs)


@pytest.mark.parametrize("way", ["eager", "graph", "xla"])
def test_it_is_the_dice_of_all_pixels_seen(way):
    """The mean over classes but the background, and any one class."""
    seen = batches()
    expected = {label: pooled_dice(seen, label) for label in range(3)}
    for label, value in [*expected.items(), (None, (expected[1] + expected[2]) / 2)]:
        metric = MeanDice(3, label)
        update = metric.update_state
        update = update if way == "eager" else tf.function(update, jit_compile=way == "xla")
        for labels, logits in seen:
            update(tf.constant(labels), tf.constant(logits))
        assert value == pytest.approx(float(metric.result()), rel=SINGLE)


def test_one_logit_is_decided_at_zero():
    """A probability of one half is logit 0, and belongs to the background as with argmax."""
    metric = MeanDice(2)
    metric.update_state(np.array([[1, 1, 0, 0]]), np.array([[[3.0], [-1.0], [0.5], [0.0]]]))
    assert 0.5 == float(metric.result())


def test_labels_may_have_a_last_axis_and_any_type():
    """As Keras's own losses take them."""
    ((labels, logits),) = batches(count=1)
    values = set()
    for given in (labels, labels[..., None], labels.astype(np.uint8), labels.astype(np.float32)):
        metric = MeanDice(3)
        metric.update_state(given, logits)
        values.add(float(metric.result()))
    assert 1 == len(values)


def test_a_class_without_pixels_counts_as_found():
    """Nothing there and nothing predicted is 1, as in `measure`; before anything was seen the result is 0."""
    metric = MeanDice(3)
    assert 0.0 == float(metric.result())
    metric.update_state(np.zeros((1, 4, 4)), np.eye(3)[np.zeros((1, 4, 4), int)])
    assert 1.0 == float(metric.result())
    metric.update_state(np.ones((1, 4, 4)), np.eye(3)[np.zeros((1, 4, 4), int)])
    assert 0.5 == float(metric.result())


def test_counts_go_on_beyond_single_precision():
    """float32 stops counting at 2**24; the counts are whole numbers of 64 bits."""
    metric = MeanDice(2)
    metric.truth.assign([0, 2**40])
    metric.update_state(np.ones((1, 3), np.uint8), np.ones((1, 3, 1)))
    assert [3, 2**40 + 3] == [int(metric.both[1]), int(metric.truth[1])]


def test_a_volume_beyond_single_precision_is_counted_exactly():
    """3 x 5592415 ones are an odd number above 2**24, which float32 has not."""
    assert [3 * 5592415] == exact_sums(tf.ones((1, 3, 5592415, 1))).numpy().tolist()


def test_reset_forgets_everything():
    """What an epoch had counted, a fault among it, is gone in the next."""
    metric = MeanDice(2)
    metric.update_state([[7]], [[[1.0]]])
    assert math.isnan(float(metric.result()))
    metric.reset_state()
    metric.update_state([[1]], [[[1.0]]])
    assert 1.0 == float(metric.result())


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(
    ("label", "logit"), [(3, 0.0), (-1, 0.0), (255, 0.0), (0.5, 0.0), (math.nan, 0.0), (0, math.nan)]
)
def test_a_label_that_is_no_class_or_a_nan_makes_the_result_nan(label, logit, compiled):
    """One pixel is enough, in every batch order, also under XLA, where nothing can be raised."""
    ((labels, logits),) = batches(count=1)
    bad_labels, bad_logits = labels.astype(float), logits.copy()
    bad_labels[0, 0, 0], bad_logits[0, 0, 0, 1] = label, logit
    metric = MeanDice(3)
    update = tf.function(metric.update_state, jit_compile=compiled)
    update(tf.constant(bad_labels), tf.constant(bad_logits))
    update(tf.constant(labels.astype(float)), tf.constant(logits))
    assert math.isnan(float(metric.result()))


@pytest.mark.parametrize("jit_compile", [False, True])
def test_fit_and_evaluate_report_it(jit_compile):
    """In `compile(metrics=...)`, beside sample weights, with a last batch that is smaller."""
    keras.utils.set_random_seed(0)
    images, labels = np.random.default_rng(0).random((10, 4, 4, 1)), np.zeros((10, 4, 4), np.uint8)
    labels[:7, 1:3, 1:3] = 1
    model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Conv2D(2, 1)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, metrics=[MeanDice(2), MeanDice(2, 0, name="back")], jit_compile=jit_compile)
    weights = np.ones((10, 4, 4))
    history = model.fit(images, labels, 4, 2, verbose=0, sample_weight=weights, validation_data=(images, labels))
    assert {"mean_dice", "back", "val_mean_dice", "val_back"} < set(history.history)
    found = model.evaluate(images, labels, batch_size=4, verbose=0, return_dict=True)
    seen = [(labels, model.predict(images, verbose=0))]
    assert pooled_dice(seen, 1) == pytest.approx(found["mean_dice"], rel=SINGLE)
    assert pooled_dice(seen, 0) == pytest.approx(found["back"], rel=SINGLE)


def test_it_is_saved_with_a_model(tmp_path):
    """A file brings the metric back without being told of the class."""
    model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Conv2D(3, 1)])
    model.compile("sgd", "mse", metrics=[MeanDice(3, 2, name="white")])
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert model.get_compile_config() == loaded.get_compile_config()
    metric = MeanDice(3, 2, name="white", dtype="float64")
    again = MeanDice.from_config(metric.get_config())
    assert metric.get_config() == again.get_config()
    assert tf.float64 == again.result().dtype


def test_replicas_count_together():
    """Each device counts its part of the batch; the result is of all."""
    devices = tf.config.list_logical_devices("CPU")
    strategy = tf.distribute.MirroredStrategy([d.name for d in devices])
    with strategy.scope():
        metric = MeanDice(3)
    seen = batches()
    for labels, logits in seen:
        strategy.run(metric.update_state, (tf.constant(labels), tf.constant(logits)))
    expected = (pooled_dice(seen, 1) + pooled_dice(seen, 2)) / 2
    assert expected == pytest.approx(float(metric.result()), rel=SINGLE)


REFUSED = {
    "one class": (lambda: MeanDice(1), r"classes must be a whole number, at least 2, got 1"),
    "classes as text": (lambda: MeanDice("3"), r"classes must be.*got '3'"),
    "label beyond": (lambda: MeanDice(3, 3), r"label must be None or a class from 0 to 2, got 3"),
    "label as truth": (lambda: MeanDice(3, True), r"label must be.*got True"),
    "weights": (
        lambda: MeanDice(2).update_state([[1]], [[[1.0]]], sample_weight=[1.0]),
        r"takes no sample_weight; put it under metrics",
    ),
    "too few logits": (
        lambda: MeanDice(3).update_state([[1]], [[[1.0, 2.0]]]),
        r"3 classes need 3 logits.*\(1, 1, 2\)",
    ),
    "one logit for three": (lambda: MeanDice(3).update_state([[1]], [[[1.0]]]), r"3 classes need 3 logits"),
    "one-hot": (lambda: MeanDice(2).update_state([[[0, 1]]], [[[1.0, 2.0]]]), r"of one-hot labels take the argmax"),
}


@pytest.mark.parametrize(("make", "words"), REFUSED.values(), ids=REFUSED)
def test_what_it_cannot_count_is_refused(make, words):
    """While the step is traced, with the value and the way out."""
    with pytest.raises(ValueError, match=words):
        make()
