"""Where tfoptim differs from Keras on purpose: each test shows Keras's number and ours.

These are the only differences from a drop-in; `test_drop_in.py` shows everything that is equal.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.harness import values_of, variables_of


def final(optimizer, gradients, start=0.0, dtype="float32", constraint=None):
    """The weight that training keeps after these gradients (the average, if there is one)."""
    (weight,) = variables_of([start], dtype, constraint)
    optimizer.build([weight])
    for gradient in gradients:
        optimizer.apply([tf.constant(gradient, dtype)], [weight])
    optimizer.finalize_variable_values([weight])
    return values_of([weight])[0]


@pytest.mark.parametrize(("library", "expected"), [(keras.optimizers, -2.375), (tfoptim, -2.25)])
def test_average_moves_once_per_update_and_not_once_per_call(library, expected):
    """With accumulation, weights -1, -2, -3 average to -2.25; Keras counts every micro-step."""
    optimizer = library.SGD(1.0, use_ema=True, ema_momentum=0.5, gradient_accumulation_steps=2)
    assert expected == final(optimizer, [1.0] * 6)


class AtMostOne(keras.constraints.Constraint):
    """Keeps weights in [-1, 1]."""

    def __call__(self, w):
        """The nearest allowed weights."""
        return keras.ops.clip(w, -1.0, 1.0)


@pytest.mark.parametrize(("library", "expected"), [(keras.optimizers, -2.0), (tfoptim, -1.0)])
def test_average_is_taken_of_constrained_weights(library, expected):
    """An average of allowed weights is allowed; Keras averages before the constraint acts."""
    optimizer = library.SGD(2.0, use_ema=True, ema_momentum=0.5)
    assert expected == final(optimizer, [1.0], constraint=AtMostOne())


@pytest.mark.parametrize(("library", "expected"), [(keras.optimizers, -0.2), (tfoptim, -1.1)])
def test_schedule_counts_updates_and_not_calls(library, expected):
    """Rates 1, then 0.1 from the second update on; Keras has left the first rate at call 2."""
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([0], [1.0, 0.1])
    optimizer = library.SGD(schedule, gradient_accumulation_steps=2)
    assert expected == pytest.approx(float(final(optimizer, [1.0] * 4)), rel=1e-6)


@pytest.mark.parametrize(("library", "exact"), [(keras.optimizers, False), (tfoptim, True)])
def test_repeated_rows_are_summed_before_they_are_squared(library, exact):
    """Two gradients of 1 for one row are a gradient of 2; Keras squares them one by one."""
    table = keras.Variable(np.zeros((3, 1), "float32"))
    optimizer = library.RMSprop(0.05)
    rows = tf.IndexedSlices(tf.ones([2, 1]), tf.constant([1, 1]), tf.constant([3, 1]))
    optimizer.apply([rows], [table])
    summed = float(final(library.RMSprop(0.05), [2.0]))
    assert exact == (abs(float(table.numpy()[1, 0]) - summed) < 1e-7)


@pytest.mark.parametrize(("library", "moves"), [(keras.optimizers, False), (tfoptim, True)])
def test_bfloat16_weights_move_under_adam(library, moves):
    """In bfloat16 0.999 is 1, so Keras's Adam stands still."""
    assert moves == (float(final(library.Adam(0.1), [1.0] * 3, dtype="bfloat16")) < -0.25)


@pytest.mark.parametrize(("library", "digits"), [(keras.optimizers, False), (tfoptim, True)])
def test_float64_hyperparameters_keep_their_digits(library, digits):
    """Keras casts every number through float32."""
    step = float(final(library.SGD(0.1), [1.0], dtype="float64"))
    assert digits == (step == -0.1)


@pytest.mark.parametrize(("library", "rate"), [(keras.optimizers, 0.0010000000474974513), (tfoptim, 0.001)])
def test_learning_rate_is_saved_as_it_was_given(library, rate):
    """A configuration says 0.001; Keras's has gone through float32."""
    assert rate == library.Adam(0.001).get_config()["learning_rate"]


@pytest.mark.parametrize("rate", [1, np.float32(1.0), np.float64(1.0), np.array(1.0)])
def test_any_number_is_a_learning_rate(rate):
    """Keras refuses all of these; we read them as the float they are."""
    with pytest.raises(ValueError, match="learning_rate"):
        keras.optimizers.SGD(np.float32(rate) if isinstance(rate, float) else rate)
    assert final(tfoptim.SGD(rate), [1.0]) == -1.0


@pytest.mark.parametrize(("library", "ends_at"), [(keras.optimizers, -2.0), (tfoptim, -1.1)])
def test_other_numbers_can_be_changed_after_tracing(library, ends_at):
    """Clipping set to 0.1 between two traced steps of size 1; Keras goes on with the old value."""
    weight = keras.Variable(0.0)
    optimizer = library.SGD(1.0, clipvalue=1.0)
    optimizer.build([weight])
    step = tf.function(lambda g: optimizer.apply([g], [weight]))
    step(tf.constant(1.0))
    optimizer.clipvalue = 0.1
    step(tf.constant(1.0))
    assert ends_at == pytest.approx(float(weight.numpy()))


@pytest.mark.parametrize(("library", "finite"), [(keras.optimizers, False), (tfoptim, True)])
def test_centered_rmsprop_never_takes_the_root_of_a_negative_variance(library, finite):
    """Of a steady gradient the variance is 0 up to rounding; Keras takes the root of what rounding leaves."""
    gradients = np.logspace(-2, 4, 100, dtype="float32")
    weight = keras.Variable(np.zeros_like(gradients))
    optimizer = library.RMSprop(centered=True)
    optimizer.build([weight])
    step = tf.function(lambda: optimizer.apply([tf.constant(gradients)], [weight]))
    for _ in range(200):
        step()
    assert finite == bool(np.all(np.isfinite(weight.numpy())))
