"""Weights and their moving average are moved into each other in every precision, and back without loss."""

import contextlib
import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.harness import values_of
from tests.library.products import parameters, turns

X = np.random.default_rng(0).normal(size=(16, 4)).astype("float32")
HALVES = ("bfloat16", "float16")


def trained(policy, *callbacks, wrap=lambda optimizer: optimizer, epochs=2, scope=contextlib.nullcontext):
    """Weights and averages after a validated training of a small model, as float64."""
    keras.utils.set_random_seed(1)
    with scope():
        layers = [keras.layers.Dense(n, dtype=policy) for n in (3, 1)]
        model = keras.Sequential([keras.Input((4,)), *layers])
        inner = tfoptim.Adam(0.05, use_ema=True, ema_momentum=0.9)
        model.compile(wrap(inner), "mse", jit_compile=False)
    data = {"x": X, "y": X[:, :1], "validation_data": (X, X[:, :1])}
    model.fit(**data, batch_size=8, epochs=epochs, verbose=0, shuffle=False, callbacks=list(callbacks))
    averages = [v for v in inner.variables if v.path.endswith("average")]
    return [v.astype("float64") for v in values_of([*model.trainable_variables, *averages])]


@functools.cache
def alone(policy, **surroundings):
    """The same training without callbacks, run once."""
    return trained(policy, **surroundings)


def one_replica():
    """The scope of a strategy whose variables are distributed, over one device."""
    return tf.distribute.MirroredStrategy(["/cpu:0"]).scope()


def averaged(dtype, values=(1.0, 1.2345678)):
    """An optimizer with an average that has moved away from its weights, and these."""
    weights = keras.Variable(np.array(values), dtype=dtype)
    optimizer = tfoptim.SGD(0.1, use_ema=True, ema_momentum=0.9)
    for _ in range(3):
        optimizer.apply([tf.ones(len(values), dtype)], [weights])
    (average,) = optimizer._model_variables_moving_average
    return weights, average


IN_TURN = turns(list(HALVES), [False, True])


@pytest.mark.parametrize(
    ("policy", "swap_on_epoch"),
    [parameters(policy, swap, fast=(policy, swap) in IN_TURN) for policy in HALVES for swap in (False, True)],
)
def test_swapping_callback_leaves_no_trace_in_half_precision(policy, swap_on_epoch):
    """A training whose validations see the averages ends with the same bits as one without the callback."""
    swapped = trained(policy, keras.callbacks.SwapEMAWeights(swap_on_epoch))
    for expected, found in zip(alone(policy), swapped, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_swapping_callback_works_under_a_scaled_loss():
    """It looks for the averages in the inner optimizer."""
    swapped = trained("float16", keras.callbacks.SwapEMAWeights(), wrap=tfoptim.LossScaleOptimizer)
    for expected, found in zip(trained("float16", wrap=tfoptim.LossScaleOptimizer), swapped, strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("swap_on_epoch", [pytest.param(False, marks=pytest.mark.slow), True])
def test_swapping_callback_works_on_distributed_variables(swap_on_epoch):
    """TensorFlow hands it the part on each device in turn."""
    swapped = trained("bfloat16", keras.callbacks.SwapEMAWeights(swap_on_epoch), scope=one_replica)
    for expected, found in zip(alone("bfloat16", scope=one_replica), swapped, strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_swapping_callback_keeps_float32_weights_but_for_rounding(policy):
    """These are swapped by Keras's additions, each of which rounds."""
    swapped = trained(policy, keras.callbacks.SwapEMAWeights(swap_on_epoch=True))
    for expected, found in zip(alone(policy), swapped, strict=True):
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)  # an ulp of weights near 1, per swap


class Watch(keras.callbacks.Callback):
    """Remembers the weights of each validation."""

    def __init__(self):
        """Nothing seen."""
        super().__init__()
        self.seen = []

    def on_test_batch_begin(self, batch, logs=None):
        """After the swap."""
        self.seen.append((values_of(self.model.trainable_variables), self.averages()))

    def averages(self):
        """The stored averages."""
        return values_of([v for v in self.model.optimizer.variables if v.path.endswith("average")])


@pytest.mark.parametrize("policy", HALVES)
def test_validation_sees_the_average(policy):
    """While swapped, the weights hold the average that the slot held before, rounded, and the slot the weights."""
    watch = Watch()
    trained(policy, keras.callbacks.SwapEMAWeights(), watch, epochs=1)
    weights, slots = watch.seen[0]
    assert any(np.any(w.astype("float32") != s) for w, s in zip(weights, slots, strict=True))
    assert all(np.array_equal(s, s.astype(w.dtype)) for w, s in zip(weights, slots, strict=True))


@pytest.mark.parametrize("dtype", HALVES)
def test_a_loop_of_its_own_swaps_through_a_copy_and_back(dtype):
    """The average gets back the digits that the weights had no room for."""
    weights, average = averaged(dtype)
    before = [v.numpy().tobytes() for v in (weights, average)]
    for _ in range(2):
        kept = keras.ops.convert_to_numpy(weights)
        weights.assign(average)
        average.assign(kept)
    assert before == [v.numpy().tobytes() for v in (weights, average)]


@pytest.mark.parametrize("dtype", HALVES)
def test_an_average_is_read_and_written_in_the_precision_asked_for(dtype):
    """As an array, as a tensor of either precision, and by assignment, eagerly and in a graph."""
    weights, average = averaged(dtype)
    assert np.asarray(average).dtype == np.float32
    assert [tf.convert_to_tensor(average, d).dtype for d in (None, dtype)] == [tf.float32, tf.as_dtype(dtype)]
    tf.function(lambda: weights.value.assign(tf.convert_to_tensor(average, dtype)))()
    np.testing.assert_array_equal(weights.numpy(), np.asarray(average).astype(weights.numpy().dtype))
    tf.function(lambda: average.assign(tf.constant([1 / 3, 2.0])), autograph=False)()
    average.assign([1 / 3, 2.0])
    np.testing.assert_array_equal(average.numpy(), np.float32([1 / 3, 2.0]))


def test_another_value_is_not_taken_for_a_swap():
    """Where weights are not the sum of both, what is assigned is what is kept."""
    weights, average = averaged("bfloat16")
    weights.value.assign_add(average)
    average.assign(tf.constant([5.0, 6.0]))
    assert average.numpy().tolist() == [5.0, 6.0]
    weights.assign([7.0, 8.0])
    average.assign(weights.value)
    assert average.numpy().tolist() == [7.0, 8.0]


@pytest.mark.parametrize("dtype", HALVES)
def test_half_precision_weights_end_with_their_average(dtype):
    """`finalize_variable_values` rounds the average to the weights."""
    weights = keras.Variable([1.0, 2.0], dtype=dtype)
    optimizer = tfoptim.SGD(0.125, use_ema=True, ema_momentum=0.5)
    for _ in range(2):
        optimizer.apply([tf.ones(2, dtype)], [weights])
    optimizer.finalize_variable_values([weights])
    assert weights.numpy().tolist() == [0.8125, 1.8125]  # the mean of 1 - 0.125 and 1 - 0.25
