"""Whatever runs a rule, a kernel, XLA or plain operations, gives what the rule gives; and the choice follows facts."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.cases import CLASSES
from tests.library.products import crossed, every_rule_where
from tfoptim import update
from tfoptim.declaration import Fraction
from tfoptim.update import kernels

STEPS = 10
ULP = np.finfo(np.float32).eps
SIZES = {"tiny": (100,), "small": (20, 30), "medium": (40_000,), "large": (350, 200)}
DECAYS = {"plain": {}, "decay": {"weight_decay": 0.01}}
WAYS = {f"{size}-{decay}": (SIZES[size], DECAYS[decay]) for size in SIZES for decay in DECAYS}
KERNEL = 3e-5  # by so much of itself a kernel's 1 - beta is wrong for beta = 0.999, and v and the step with it


def gradients_of(shape, steps=STEPS):
    """Float32 gradients of sizes from about 1e-2 to 10."""
    generator = np.random.default_rng(2)
    return [
        (generator.normal(size=shape) * 10 ** generator.uniform(-2, 1, shape)).astype("float32") for _ in range(steps)
    ]


def trained(optimizer, shape):
    """The weights at the start and after ten steps in graph mode."""
    start = np.random.default_rng(1).normal(size=shape).astype("float32")
    w = keras.Variable(start)
    optimizer.build([w])
    step = tf.function(lambda g: optimizer.apply([g], [w]), autograph=False)
    for g in gradients_of(shape):
        step(tf.constant(g))
    return start, w.numpy()


@pytest.fixture
def plain(monkeypatch):
    """A context in which every rule runs operation by operation."""

    def enter():
        monkeypatch.setattr("tfoptim.update.kernels.find", lambda *_, **__: None)
        monkeypatch.setattr(update, "LARGE", float("inf"))

    return enter


@every_rule_where(lambda case: kernels.of(case.make()))
def test_a_kernel_gives_what_the_rule_gives(case, plain, without_native):
    """Small variables without decay, which kernels update; without a kernel they are updated by the rule itself."""
    assert_executors_agree(case, "small-plain", plain)


@every_rule_where(lambda case: "v_max" in case.slots and kernels.of(case.make()))
def test_adams_kernel_moves_the_averages_of_tiny_variables(case, plain, without_native):
    """With amsgrad, where three small kernels would not be sooner."""
    assert_executors_agree(case, "tiny-plain", plain)


@crossed("way", WAYS, in_turn=WAYS)
def test_every_executor_gives_what_the_rule_gives(case, way, plain, without_native):
    """TensorFlow's kernels, XLA and plain operations; the rule is run operation by operation."""
    assert_executors_agree(case, way, plain)


def assert_executors_agree(case, way, plain):
    """Four units in the last place of the largest weight a step, and what the kernels' `1 - beta` costs."""
    shape, settings = WAYS[way]
    start, actual = trained(case.make(**settings), shape)
    plain()
    _, expected = trained(case.make(**settings), shape)
    moved = np.abs(expected - start).max()
    assert moved > 0
    tolerance = 4 * STEPS * ULP * np.abs(expected).max() + KERNEL * moved
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance)


@pytest.fixture
def chosen(monkeypatch, without_native):
    """The names of the executors of one variable that ran, in order."""
    names = []

    def spy(name, run):
        def executor(*arguments):
            names.append(name)
            return run(*arguments)

        return executor

    for name in ("rows", "kernel", "compiled", "dense"):
        monkeypatch.setattr(update, name, spy(name, getattr(update, name)))
    return names


class Sign(tfoptim.Optimizer):
    """A user's rule, with a number of its own."""

    beta: Fraction = 0.9

    slots = {"m": 0.0}  # noqa: RUF012  as in every rule

    def direction(self, h, g, w, s):
        """The averaged gradient, twice."""
        s.m = h.beta * s.m + (1 - h.beta) * g
        return s.m + s.m


class Named(Sign):
    """A user's rule that hands a tensor to every variable, which no executor can know."""

    def once(self, h, s):
        """Something that is no number."""
        h.mask = tf.ones([])


LARGE, SMALL = (350, 200), (20, 30)
FROM_ZERO = {"initial_accumulator_value": 0.0}
CHOICES = [
    (tfoptim.Adam, {}, LARGE, "float32", "kernel"),
    (tfoptim.Adam, {}, LARGE, "float64", "kernel"),
    (tfoptim.Adam, {}, LARGE, "bfloat16", "compiled"),
    (tfoptim.Adam, {}, SMALL, "bfloat16", "dense"),
    (tfoptim.Adam, {"amsgrad": True}, LARGE, "float32", "compiled"),
    (tfoptim.Adam, {"amsgrad": True}, SMALL, "float32", "kernel"),
    (tfoptim.Adam, {"weight_decay": 0.1}, LARGE, "float32", "compiled"),
    (tfoptim.Adam, {"weight_decay": 0.1}, SMALL, "float32", "kernel"),
    (tfoptim.Adam, {"beta_2": 0.99999999}, SMALL, "float32", "dense"),
    (tfoptim.RMSprop, {}, LARGE, "float32", "compiled"),
    (tfoptim.RMSprop, {}, SMALL, "float32", "kernel"),
    (tfoptim.RMSprop, {"momentum": 0.9}, LARGE, "float32", "kernel"),
    (tfoptim.AdaGrad, {}, LARGE, "float32", "kernel"),
    (tfoptim.AdaGrad, {}, SMALL, "float64", "dense"),
    (tfoptim.AdaGrad, FROM_ZERO, SMALL, "float32", "dense"),
    (tfoptim.AdaGrad, FROM_ZERO, LARGE, "float32", "compiled"),
    (tfoptim.Ftrl, {}, LARGE, "float32", "kernel"),
    (tfoptim.Ftrl, {}, SMALL, "float64", "kernel"),
    (tfoptim.Ftrl, FROM_ZERO, SMALL, "float32", "dense"),
    (tfoptim.Ftrl, {"learning_rate_power": -50.0}, SMALL, "float32", "dense"),
    (tfoptim.ProximalAdagrad, {}, LARGE, "float32", "kernel"),
    (tfoptim.ProximalAdagrad, FROM_ZERO, SMALL, "float32", "dense"),
    (Sign, {}, SMALL, "float32", "dense"),
    (Sign, {}, LARGE, "float32", "compiled"),
    (Named, {}, LARGE, "float32", "dense"),
]


@pytest.mark.parametrize(("cls", "arguments", "shape", "dtype", "expected"), CHOICES)
def test_the_choice_follows_rule_size_and_precision(chosen, cls, arguments, shape, dtype, expected):
    """A kernel where it is the rule, in few passes; else XLA where a variable repays its compiling."""
    optimizer, w = cls(**arguments), keras.Variable(np.ones(shape), dtype=dtype)
    optimizer.build([w])
    tf.function(lambda: optimizer.apply([tf.ones(shape, dtype)], [w]), autograph=False)()
    assert chosen[0] == expected


@pytest.mark.parametrize(
    ("arguments", "expected"), [({}, "kernel"), ({"lazy": True}, "rows"), ({"weight_decay": 0.1}, "kernel")]
)
def test_rows_run_alone_only_where_that_is_exact_or_asked_for(chosen, arguments, expected):
    """Adam moves every row, as its paper says, unless it is lazy."""
    optimizer, w = tfoptim.Adam(**arguments), keras.Variable(np.ones((6, 3), "float32"))
    optimizer.build([w])
    optimizer.apply([tf.IndexedSlices(tf.ones([2, 3]), tf.constant([1, 1]), tf.constant([6, 3]))], [w])
    assert chosen == [expected]


def test_xla_compiles_once_for_variables_of_one_shape(without_native):
    """Three tables of one shape, with and without decay, are two functions, traced once each."""
    optimizer = tfoptim.RMSprop(weight_decay=0.1)
    variables = [keras.Variable(np.ones((350, 200), "float32"), name=f"table_{i}") for i in range(3)]
    optimizer.exclude_from_weight_decay(var_names=["table_2"])
    optimizer.build(variables)
    step = tf.function(lambda g: optimizer.apply([g] * 3, variables), autograph=False)
    for _ in range(2):
        step(tf.ones([350, 200]))
    functions = optimizer._runtime.compiled.values()
    assert [function.experimental_get_tracing_count() for function in functions] == [1, 1]


def test_xla_is_not_asked_on_a_mac(chosen, monkeypatch):
    """There it has no compiler for the GPU."""
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    optimizer, w = Sign(), keras.Variable(np.ones(LARGE, "float32"))
    optimizer.build([w])
    optimizer.apply([tf.ones(LARGE)], [w])
    assert chosen == ["dense"]


def operations(case, number, elements):
    """How many operations the graph of a step on so many variables has."""
    optimizer, gradient = case.make(), tf.ones(elements)
    variables = [keras.Variable(np.ones(elements, "float32")) for _ in range(number)]
    optimizer.build(variables)
    step = tf.function(lambda: optimizer.apply([gradient] * number, variables), autograph=False)
    return len(step.get_concrete_function().graph.get_operations())


@crossed("elements", (50, 600), representative=(600,), rows=CLASSES)
def test_operations_per_variable_stay_few(case, elements, without_native):
    """What one more variable adds to the graph is in the table; with Keras's Adam it is 41."""
    added = (operations(case, 6, elements) - operations(case, 2, elements)) / 4
    assert added <= case.operations
