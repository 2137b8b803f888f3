"""A step called eagerly runs through a cached function: the same numbers, and nothing lost that eager callers need."""

import gc
import tracemalloc
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.harness import random_gradients, start_weights, train, values_of
from tests.library.products import representative, representative_where

ROWS = tf.constant([6, 3])


def functions(optimizer):
    """The functions that the optimizer keeps for eager callers."""
    return [function for function, _ in optimizer._runtime.eager.values()]


def built(optimizer, shapes=((6, 3), (5,)), constraint=None):
    """The optimizer, built for variables of ones, and these."""
    variables = [keras.Variable(np.ones(shape, "float32")) for shape in shapes]
    for v in variables:
        v.constraint = constraint
    optimizer.build(variables)
    return optimizer, variables


@representative
def test_eager_steps_equal_graph_steps(case):
    """To the last bit, because they are the same graph."""
    start, gradients = start_weights(), random_gradients(6)
    eager, graph = (train(case.make(clipnorm=1.0), start, gradients, mode=mode) for mode in ("eager", "graph"))
    for expected, actual in zip(graph, eager, strict=True):
        for w, v in zip(expected, actual, strict=True):
            np.testing.assert_array_equal(v, w)


def test_a_step_is_traced_once():
    """However many steps follow and whatever numbers are assigned between them."""
    optimizer, variables = built(tfoptim.Adam())
    for rate in (0.1, 0.2, 0.3):
        optimizer.learning_rate = rate
        optimizer.apply([tf.ones(v.shape) for v in variables], variables)
    assert [f.experimental_get_tracing_count() for f in functions(optimizer)] == [1]


def test_embeddings_of_any_number_of_rows_share_a_trace():
    """The second number of rows makes it a trace for all numbers."""
    optimizer, (table,) = built(tfoptim.AdaGrad(), shapes=((6, 3),))
    for rows in ([0], [1, 2], [3, 3, 4], [0, 1, 2, 5]):
        optimizer.apply([tf.IndexedSlices(tf.ones([len(rows), 3]), tf.constant(rows), ROWS)], [table])
    assert [f.experimental_get_tracing_count() for f in functions(optimizer)] == [2]


def test_arrays_lists_and_missing_gradients_are_taken():
    """NumPy and nested lists become tensors; which variables have a gradient may differ from call to call."""
    optimizer, (matrix, vector) = built(tfoptim.SGD(1.0))
    optimizer.apply([np.ones((6, 3), "float32"), [1.0] * 5], [matrix, vector])
    with pytest.warns(UserWarning, match="Gradients do not exist"):
        optimizer.apply([None, tf.ones(5)], [matrix, vector])
    assert [matrix.numpy()[0, 0], vector.numpy()[0]] == [0.0, -1.0]


def test_a_tape_around_the_update_does_no_harm():
    """A tape that is still recording does not follow the update: its kernels have no gradient."""
    optimizer, (matrix, vector) = built(tfoptim.Adam())
    with tf.GradientTape(persistent=True) as tape:
        loss = tf.reduce_sum(matrix**2) + tf.reduce_sum(vector)
        gradients = tape.gradient(loss, [matrix.value, vector.value])
        optimizer.apply(gradients, [matrix, vector])
    assert matrix.numpy()[0, 0] < 1


class Halving(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule that looks at the number of the step, as only eager code can."""

    def __call__(self, step):
        """The rate, halved by Python."""
        return 0.5 ** int(step)

    def get_config(self):
        """Nothing to save."""
        return {}


class Rounded(keras.constraints.Constraint):
    """A constraint that goes through NumPy."""

    def __call__(self, w):
        """Whole numbers."""
        return tf.constant(np.round(np.asarray(w)))


def test_a_schedule_of_the_user_may_look_at_the_step():
    """Code that nobody knows to be TensorFlow throughout runs operation by operation, as eager callers expect."""
    optimizer, variables = built(tfoptim.SGD(Halving()))
    for _ in range(3):
        optimizer.apply([tf.ones(v.shape) for v in variables], variables)
    assert variables[0].numpy()[0, 0] == 1 - (1 + 0.5 + 0.25)
    assert functions(optimizer) == []


def test_a_constraint_of_the_user_may_leave_tensorflow():
    """The same for constraints."""
    optimizer, variables = built(tfoptim.SGD(0.7), constraint=Rounded())
    optimizer.apply([tf.ones(v.shape) for v in variables], variables)
    assert variables[0].numpy()[0, 0] == 0.0


def test_a_constraint_set_between_steps_is_met():
    """Also when a function was cached before."""
    optimizer, variables = built(tfoptim.SGD(1.0))
    for constraint in (None, keras.constraints.NonNeg()):
        variables[0].constraint = constraint
        optimizer.apply([tf.ones(v.shape) for v in variables], variables)
    assert values_of(variables)[0].min() == 0.0


def test_a_constraint_that_was_replaced_is_not_taken_for_another():
    """Cached steps are found by identities, so what these name must live as long as the step."""
    optimizer, variables = built(tfoptim.SGD(1.0), constraint=keras.constraints.NonNeg())
    replaced = weakref.ref(variables[0].constraint)
    optimizer.apply([tf.ones(v.shape) for v in variables], variables)
    for v in variables:
        v.constraint = None
    gc.collect()
    assert replaced() is not None


def test_a_schedule_replaced_between_steps_is_followed():
    """Keras lets one schedule replace another."""
    schedules = [keras.optimizers.schedules.PiecewiseConstantDecay([100], [rate, 0.0]) for rate in (1.0, 0.25)]
    optimizer, variables = built(tfoptim.SGD(schedules[0]))
    for schedule in schedules:
        optimizer.learning_rate = schedule
        optimizer.apply([tf.ones(v.shape) for v in variables], variables)
    assert variables[0].numpy()[0, 0] == 1 - 1.25


def test_functions_run_eagerly_when_tensorflow_is_told_so():
    """Then one can step through a rule with a debugger."""
    optimizer, variables = built(tfoptim.Adam())
    tf.config.run_functions_eagerly(True)
    try:
        optimizer.apply([tf.ones(v.shape) for v in variables], variables)
    finally:
        tf.config.run_functions_eagerly(False)
    assert functions(optimizer) == []
    assert variables[0].numpy()[0, 0] < 1


def test_a_scaled_loss_is_judged_in_the_cached_step_too():
    """A step that is not finite is skipped and halves the scale; the next one is taken."""
    optimizer = tfoptim.LossScaleOptimizer(tfoptim.SGD(1.0), initial_scale=4.0)
    w = keras.Variable(1.0)
    optimizer.build([w])
    for gradient in (4.0, float("inf"), 2.0):
        optimizer.apply([tf.constant(gradient)], [w])
    assert [w.numpy(), optimizer.dynamic_scale.numpy(), optimizer.inner_optimizer.iterations.numpy()] == [-1.0, 2.0, 2]
    assert [f.experimental_get_tracing_count() for f in functions(optimizer.inner_optimizer)] == [1]


# Long runs

WARM_UP = 110  # more than RATES: each has been seen once
RATES = 100  # different ones; TensorFlow keeps every Python number that it has made a tensor of
SMALL = 96 * 1024  # bytes: 30 to 75 KB were seen, after 6,000 steps too; 3,000 tensors would take more


@pytest.mark.parametrize("steps", [110, pytest.param(3000, marks=pytest.mark.slow)])
@representative_where(lambda case: case.shared_state)
def test_many_steps_need_one_trace_and_no_memory(case, steps):
    """The learning rate changes at every step; nothing is traced again and nothing is kept."""
    weight, gradient = keras.Variable(np.ones(8)), tf.ones(8)
    optimizer = case.make(use_ema=True, clipnorm=1.0, weight_decay=0.01)
    optimizer.build([weight])
    traces = []

    @tf.function
    def step(g):
        traces.append(1)
        optimizer.apply([g], [weight])

    def run(number):
        for i in range(number):
            optimizer.learning_rate = 0.001 / (1 + i % RATES)
            step(gradient)

    run(WARM_UP)
    gc.collect()
    tracemalloc.start()
    run(steps)
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert int(optimizer.iterations) == WARM_UP + steps
    assert sum(traces) == 1
    assert after < SMALL
