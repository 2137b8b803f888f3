"""MultiOptimizer: each variable moves as with its optimizer alone, and what concerns all of them is done once."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.library.devices import on_each
from tests.library.harness import stepper, values_of, variables_of
from tfoptim import SGD, AdaGrad, Adam, Lookahead, Momentum, MultiOptimizer, Nadam

STEPS = 4
FALLING = keras.optimizers.schedules.PiecewiseConstantDecay([0, 1], [0.5, 0.25, 0.125])
PARTS = {
    "rules": [
        lambda **a: Adam(0.1, weight_decay=0.1, **a),
        lambda **a: Nadam(0.1, **a),
        lambda **a: Momentum(FALLING, **a),
    ],
    "wrappers": [
        lambda **a: Lookahead(SGD(0.1, **a), sync_period=2),
        lambda **a: Adam(0.1, cautious=True, centralize=True, **a),
        lambda **a: AdaGrad(0.1, groups={"weight_2": {"learning_rate": 0.5}}, agc=0.5, **a),
    ],
}


def joined(parts, **arguments):
    """One optimizer for three variables, with a part for each."""
    first, second, third = (make() for make in parts)
    return MultiOptimizer(first, {"weight_1": second, "_2$": third}, **arguments)


def gradients_of(shape, dtype, steps=STEPS):
    """Gradients of three variables for each step."""
    generator = np.random.default_rng(3)
    return [[tf.constant(generator.normal(size=shape), dtype) for _ in range(3)] for _ in range(steps)]


def moved(optimizers, shape, dtype, mode):
    """Three variables after all steps and at the end of a training, by one optimizer for all or by one for each."""
    variables = variables_of([np.ones(shape)] * 3, dtype)
    members = [variables] if len(optimizers) == 1 else [[v] for v in variables]
    steps = []
    for optimizer, its in zip(optimizers, members, strict=True):
        optimizer.build(its)
        steps.append(stepper(optimizer, its, mode))
    for step in gradients_of(shape, dtype):
        for take, its in zip(steps, [step] if len(steps) == 1 else [[g] for g in step], strict=True):
            take(its)
    last = values_of(variables)
    for optimizer, its in zip(optimizers, members, strict=True):
        optimizer.finalize_variable_values(its)
    return last + values_of(variables)


SUMS = {"gradient_accumulation_steps": 2, "loss_scale_factor": 2.0}
WHOLE = {**SUMS, "use_ema": True, "ema_momentum": 0.5, "clipnorm": 1.0}


@pytest.mark.parametrize("mode", ["eager", "graph"])
@pytest.mark.parametrize(
    ("parts", "shape", "dtype", "whole"),
    [
        ("rules", (3, 4), "float32", {}),  # kernels
        ("rules", (3, 4), "float64", WHOLE),
        ("rules", (3, 4), "float64", {"use_ema": True, "ema_overwrite_frequency": 2, "clipvalue": 0.5}),
        ("wrappers", (3, 4), "bfloat16", {}),
        ("wrappers", (350, 200), "float32", {}),  # XLA
    ],
)
def test_parts_train_like_optimizers_alone(mode, parts, shape, dtype, whole):
    """To the last bit: rates, decay, options, groups and schedules of each; sums, averages and clips of the whole."""
    together = moved([joined(PARTS[parts], **whole)], shape, dtype, mode)
    apart = moved([make(**whole) for make in PARTS[parts]], shape, dtype, mode)
    for got, wanted in zip(together, apart, strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_the_norm_of_all_gradients_is_clipped_once():
    """3 and 4 have a norm of 5, and become .6 and .8, under different rates."""
    optimizer = MultiOptimizer(SGD(1.0), {"_1": SGD(10.0)}, global_clipnorm=1.0)
    variables = variables_of([np.zeros(1)] * 2)
    optimizer.apply([tf.constant([3.0]), tf.constant([4.0])], variables)
    np.testing.assert_allclose([float(v.numpy()[0]) for v in variables], [-0.6, -8.0], rtol=1e-6)


@pytest.mark.parametrize("where", [0, 1])
def test_a_gradient_that_is_not_finite_stops_all_parts(where):
    """Wherever it is; and no part counts the step."""
    optimizer = MultiOptimizer(SGD(1.0), {"_1": Adam(1.0)}, nonfinite="skip")
    variables = variables_of([np.zeros(1)] * 2)
    optimizer.apply([tf.constant([np.nan if i == where else 1.0]) for i in range(2)], variables)
    assert [float(v.numpy()[0]) for v in variables] == [0.0, 0.0]
    optimizer.apply([tf.ones(1)] * 2, variables)
    assert [int(part.iterations) for part in (optimizer, *optimizer.optimizers)] == [1, 1, 1]


def test_replicas_take_the_step_together(two_replicas):
    """One reduction: the sum of two gradients of 1 for each part, and the same state on both."""
    with two_replicas.scope():
        variables = variables_of([np.zeros(1)] * 2)
        optimizer = MultiOptimizer(SGD(1.0), {"_1": Momentum(1.0)}, global_clipnorm=100.0)
        optimizer.build(variables)
    step = tf.function(lambda: two_replicas.run(lambda: optimizer.apply([tf.ones(1)] * 2, variables)))
    step()
    step()
    first, second = (on_each(two_replicas, v) for v in variables)
    np.testing.assert_array_equal(first, [[-4.0], [-4.0]])
    np.testing.assert_allclose(second, [[-5.8]] * 2, rtol=1e-6)  # 2, then .9 * 2 + 2 more
    assert [on_each(two_replicas, part._iterations) for part in optimizer.optimizers] == [[2, 2], [2, 2]]


def test_touched_rows_are_those_of_the_part():
    """Lazy in one table, all rows of the other; repeated rows are summed first."""
    optimizer = MultiOptimizer(Momentum(1.0), {"_1": Momentum(1.0, lazy=True)})
    tables = variables_of([np.zeros((2, 1))] * 2)
    for row in (0, 1):
        rows = tf.IndexedSlices(tf.ones([2, 1]), tf.constant([row, row]), tf.constant([2, 1]))
        optimizer.apply([rows, rows], tables)
    np.testing.assert_allclose([v.numpy().ravel() for v in tables], [[-3.8, -2.0], [-2.0, -2.0]], rtol=1e-6)


def test_variables_without_gradient_keep_still():
    """Whichever they are: more patterns than have a function of their own, as in separate optimizers."""
    variables, alone = variables_of([np.ones(2)] * 3), variables_of([np.ones(2)] * 3)
    makers = [lambda: Adam(0.1), lambda: Adam(0.1, beta_1=0.5), lambda: SGD(0.1)]
    optimizer, others = joined(makers), [make() for make in makers]
    optimizer.build(variables)
    for other, v in zip(others, alone, strict=True):
        other.build([v])

    def step(pattern):
        optimizer.apply([tf.ones(2) if has else None for has in pattern], variables)
        for other, v, has in zip(others, alone, pattern, strict=True):
            if has:
                other.apply([tf.ones(2)], [v])
            else:
                other.iterations.assign_add(1)  # the parts count the steps of the whole

    step((1, 1, 1))
    for pattern in ((1, 1, 0), (1, 0, 1), (0, 1, 1), (1, 0, 0)):
        with pytest.warns(UserWarning, match="Gradients do not exist"):
            step(pattern)
    step((1, 1, 1))
    for got, wanted in zip(values_of(variables), values_of(alone), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-6)


def test_the_counter_of_the_whole_is_that_of_its_parts():
    """Set by hand, as to go on in a schedule."""
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([100], [1.0, 0.25])
    optimizer, variables = MultiOptimizer(SGD(schedule), {"_1": SGD(schedule)}), variables_of([np.zeros(1)] * 2)
    optimizer.build(variables)
    optimizer.iterations.assign(500)
    optimizer.apply([tf.ones(1)] * 2, variables)
    assert [float(v.numpy()[0]) for v in variables] == [-0.25, -0.25]
    assert {int(part.iterations) for part in optimizer.optimizers} == {501}


def test_a_part_may_keep_variables_still():
    """By its group; and let them go later."""
    still = {"_1": {"trainable": False}}
    optimizer = MultiOptimizer(SGD(1.0), {"_1": SGD(1.0, groups=still)})
    variables = variables_of([np.zeros(1)] * 2)
    optimizer.apply([tf.ones(1)] * 2, variables)
    optimizer.optimizers[1].groups = {"_1": {"trainable": True}}
    optimizer.apply([tf.ones(1)] * 2, variables)
    assert [float(v.numpy()[0]) for v in variables] == [-2.0, -1.0]


def test_numbers_of_parts_are_live():
    """Assigned, or set by a tensor inside a function, they act on the next step, also one that was traced before."""
    optimizer = MultiOptimizer(SGD(1.0), {"_1": Momentum(1.0, momentum=0.5)})
    variables = variables_of([np.zeros(1)] * 2)
    step = lambda: optimizer.apply([tf.ones(1)] * 2, variables)  # noqa: E731
    step()
    optimizer.learning_rate = 0.5
    optimizer.optimizers[1].momentum = 0.25
    step()
    assert [float(v.numpy()[0]) for v in variables] == [-1.5, -2.25]

    @tf.function
    def slower(value):
        optimizer.optimizers[1].momentum = value

    slower(tf.constant(0.0))
    step()
    assert [float(v.numpy()[0]) for v in variables] == [-2.0, -3.25]
