"""The operation computes what the rule computes, in every precision, mode, and whatever is around the rule."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.cases import CASES
from tfoptim.update.kernels import formulas

SERVED = [
    c for c in CASES if any(f.rule in type(c.make()).__mro__ for f in formulas.FORMULAS) and not c.make().cautious
]
ULP = {"float32": 2.0**-23, "float64": 2.0**-52}
SHAPES = ((3, 4), (5,), (1100,))
EVERY = pytest.mark.parametrize("case", SERVED, ids=str)


def state(shape, dtype, seed):
    """Weights and gradient of a variable, numbers of dtype float32 in any precision."""
    generator = np.random.default_rng(seed)
    return [generator.normal(size=shape).astype("float32").astype(dtype) for _ in range(2)]


def trained(optimizer, dtype, steps=3, compiled=None):
    """Weights and slots of each variable after each step, in float64."""
    start = [state(shape, "float32", i)[0] for i, shape in enumerate(SHAPES)]
    variables = [keras.Variable(w, dtype=dtype) for w in start]
    optimizer.build(variables)
    precision = "float64" if dtype == "float64" else "float32"
    step = tf.function(lambda g: optimizer.apply(g, variables), jit_compile=compiled, autograph=False)
    trajectory = []
    for t in range(steps):
        step([tf.constant(state(shape, precision, 10 * t + i)[1]) for i, shape in enumerate(SHAPES)])
        arrays = [*variables, *(slot for own in optimizer._runtime.slots for slot in own.values())]
        arrays += [a for a in optimizer._runtime.averages if a is not None]
        trajectory.append([np.asarray(keras.ops.convert_to_numpy(x), "float64") for x in arrays])
    return trajectory


@pytest.fixture
def compared(on, monkeypatch):
    """A function that trains with the operation and without it."""

    def compare(make, dtype, reference=None, **options):
        with_it = trained(make(), dtype, **options)
        monkeypatch.setenv("TFOPTIM_NATIVE", "0")
        monkeypatch.setattr("tfoptim.update.kernels.find", lambda *_, **__: None)
        without = trained(make(), reference or dtype, **options)
        monkeypatch.undo()
        return with_it, without

    return compare


def assert_within(actual, expected, ulps, ulp, of_slots=None):
    """Weights, slots and averages are so many units in the last place of the largest of their array away, a step."""
    for t, (found, wanted) in enumerate(zip(actual, expected, strict=True), start=1):
        for i, (x, y) in enumerate(zip(found, wanted, strict=True)):
            most = t * (ulps if i < len(SHAPES) else of_slots or ulps)
            np.testing.assert_allclose(x, y, rtol=0, atol=most * ulp * np.abs(y).max(initial=1e-30))


@EVERY
def test_float32_is_within_two_units_of_the_rule_in_float64(case, compared):
    """Two units in the last place a step: TensorFlow's kernels, with a rounded 1 - beta, are hundreds away.

    Four for the slots of Adadelta: one is the square of a quotient of two roots, of numbers that were rounded, times g;
    its six roundings count twice.
    """
    actual, expected = compared(case.make, "float32", reference="float64")
    assert_within(actual, expected, 2, ULP["float32"], of_slots=4 if case.name == "Adadelta" else 2)


@EVERY
def test_float64_is_within_1e_15_of_the_rule(case, compared):
    """The rule itself rounds as often."""
    actual, expected = compared(case.make, "float64")
    assert_within(actual, expected, 1, 1e-15)


SURROUNDINGS = {
    "decay": {"weight_decay": 0.01},
    "clipnorm": {"clipnorm": 0.5},
    "global_clipnorm": {"global_clipnorm": 0.5},
    "average": {"use_ema": True, "ema_momentum": 0.9},
    "all": {"weight_decay": 0.01, "global_clipnorm": 0.5, "use_ema": True},
}
ADAM = next(case for case in SERVED if case.name == "Adam")
MOMENTUM = next(case for case in SERVED if case.name == "Momentum")
LAMB = next(case for case in SERVED if case.name == "Lamb")


@pytest.mark.parametrize("options", SURROUNDINGS)
@pytest.mark.parametrize("case", [MOMENTUM, ADAM, LAMB], ids=str)
def test_what_is_around_a_rule_is_in_the_pass(case, options, compared):
    """Decay, factors of clipping and averages: two units a step, as the rule alone; the norm adds one."""
    make = lambda: case.make(**SURROUNDINGS[options])  # noqa: E731
    actual, expected = compared(make, "float32", reference="float64")
    assert_within(actual, expected, 3, ULP["float32"])


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("case", [MOMENTUM, ADAM, LAMB], ids=str)
def test_half_precision_weights_round_as_the_rule_rounds_them(case, dtype, compared):
    """But for numbers on the edge between two: one unit in the last place of half precision."""
    make = lambda: case.make(use_ema=True, ema_momentum=0.9)  # noqa: E731
    actual, expected = compared(make, dtype)
    unit = {"bfloat16": 2.0**-8, "float16": 2.0**-11}[dtype]
    for found, wanted in zip(actual, expected, strict=True):
        for x, y in zip(found[:3], wanted[:3], strict=True):
            assert (x != y).mean() < 0.02
            np.testing.assert_allclose(x, y, rtol=2 * unit, atol=0)


@pytest.mark.slow
@EVERY
def test_xla_gives_the_same_bits(case, on):
    """The same driver runs, on one thread."""
    options = {"weight_decay": 0.01, "use_ema": True}
    plain, compiled = (trained(case.make(**options), "float32", compiled=c) for c in (None, True))
    for found, wanted in zip(compiled, plain, strict=True):
        for x, y in zip(found, wanted, strict=True):
            np.testing.assert_array_equal(x, y)


def rows_of(optimizer, dtype="float32", compiled=None, width=3):
    """A table and its slots after two steps by gradients with repeated rows."""
    start = state((7, width), "float32", 0)[0]
    table = keras.Variable(start, dtype=dtype)
    optimizer.build([table])

    def apply(values, index):
        optimizer.apply([tf.IndexedSlices(values, index, tf.constant([7, width]))], [table])

    step = tf.function(apply, jit_compile=compiled, autograph=False)
    for t in range(2):
        step(tf.constant(state((5, width), "float32", t + 1)[1]), tf.constant([1, 4, 1, 6, 1]))
    return start, [v.numpy() for v in (table, *optimizer._runtime.slots[0].values())]


@pytest.mark.parametrize("case", [c for c in SERVED if c.make().elementwise], ids=str)
def test_touched_rows_move_as_by_the_rule_and_others_not_at_all(case, on, monkeypatch):
    """Two units in the last place a step; repeated rows are summed."""
    make = lambda: case.make(lazy=True)  # noqa: E731
    start, actual = rows_of(make())
    monkeypatch.setenv("TFOPTIM_NATIVE", "0")
    _, expected = rows_of(make(), "float32")
    np.testing.assert_array_equal(actual[0][[0, 2, 3, 5]], start[[0, 2, 3, 5]])
    for x, y in zip(actual, expected, strict=True):
        np.testing.assert_allclose(x, y, rtol=0, atol=8 * ULP["float32"] * np.abs(y).max(initial=1e-30))


@pytest.mark.parametrize("clip", [{}, {"clipnorm": 0.1}, {"global_clipnorm": 0.1}], ids=str)
def test_rows_under_xla_are_the_same_bits(on, clip):
    """The number of distinct rows is known only when the step runs, to the sum of their squares as well."""
    _, plain = rows_of(ADAM.make(lazy=True, **clip))
    _, compiled = rows_of(ADAM.make(lazy=True, **clip), compiled=True)
    for x, y in zip(compiled, plain, strict=True):
        np.testing.assert_array_equal(x, y)


def test_the_rows_of_a_clipped_gradient_are_measured_and_scaled(on, monkeypatch):
    """The norm is that of the summed rows."""
    make = lambda: ADAM.make(lazy=True, global_clipnorm=0.1)  # noqa: E731
    _, actual = rows_of(make())
    monkeypatch.setenv("TFOPTIM_NATIVE", "0")
    _, expected = rows_of(make())
    np.testing.assert_allclose(actual[0], expected[0], rtol=0, atol=8 * ULP["float32"] * np.abs(expected[0]).max())


@EVERY
def test_nan_is_kept(case, on):
    """A number of the gradient that is none leaves one weight that is none; without a norm, Lamb's factor is 1."""
    v = keras.Variable(np.ones(1100, "float32"))
    optimizer = case.make()
    optimizer.build([v])
    g = np.ones(1100, "float32")
    g[3] = np.nan
    optimizer.apply([tf.constant(g)], [v])
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(v.numpy())), [3])


def test_sums_of_squares_are_added_in_double_precision(on):
    """In float32, adding ones to 2**24 changes nothing."""
    x = np.ones(2**24 + 100, "float32")
    [ones, empty] = on.tfoptim_sums_of_squares(arrays=[tf.constant(x), tf.zeros([0])]).numpy()
    assert (ones, empty) == (2**24 + 100, 0)


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16])
def test_every_half_precision_number_comes_back_as_it_was(dtype, on):
    """A step of length 0 reads and writes all 65,536; those below float32's normal numbers become 0."""
    every = tf.bitcast(tf.range(2**16, dtype=tf.int32), tf.uint16)[:, 0]
    v = tf.Variable(tf.bitcast(every, dtype))
    on.tfoptim_step(
        weights=[v.handle], slots=[], averages=[], gradients=[tf.zeros([2**16])],
        numbers=tf.constant([[0.0, 0.0, 0.0]], tf.float64), factors=tf.zeros([0], tf.float64),
        rule="gd", W=dtype, groups=[0],
    )  # fmt: skip
    now, was = (tf.cast(x, tf.float32).numpy() for x in (v, tf.bitcast(every, dtype)))
    np.testing.assert_array_equal(now, np.where(np.abs(was) < np.finfo("float32").tiny, 0, was))


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16])
def test_rounding_to_half_precision_is_tensorflows(dtype, on):
    """To the nearest, ties to even, from numbers of all sizes, as `tf.cast`."""
    generator = np.random.default_rng(0)
    x = (generator.normal(size=20_000) * 10 ** generator.uniform(-9, 6, 20_000)).astype("float32")
    halves = np.array(
        [1 + 2.0**-11, 1 + 3 * 2.0**-11, 1 + 2.0**-8, 65519.0, 65520.0, 2.0**-25, 3 * 2.0**-25], "float32"
    )
    x = np.concatenate([x, halves, -halves])
    v = tf.Variable(tf.zeros(x.shape, dtype))
    on.tfoptim_step(
        weights=[v.handle], slots=[], averages=[], gradients=[tf.constant(-x)],
        numbers=tf.constant([[0.0, 0.0, 1.0]], tf.float64), factors=tf.zeros([0], tf.float64),
        rule="gd", W=dtype, groups=[0],
    )  # fmt: skip
    np.testing.assert_array_equal(tf.cast(v, tf.float32).numpy(), tf.cast(tf.cast(x, dtype), tf.float32).numpy())


def test_a_beta_near_1_set_by_a_tensor_is_no_1(on):
    """After a step with beta_2 = 0.999, v = 0.001; the next divides by 1 - beta_2**2 = 2e-8, in double precision."""
    near, one = tf.constant(0.99999999, tf.float64), tf.constant([1.0])
    weight, optimizer = keras.Variable([0.0]), tfoptim.Adam(0.1)
    optimizer.apply([one], [weight])

    @tf.function
    def step(beta_2):
        optimizer.beta_2 = beta_2
        optimizer.apply([one], [weight])

    step(near)
    v = 0.99999999 * 0.001 + 1e-8
    expected = -0.1 / (1 + 1e-7 / np.sqrt(0.001)) - 0.1 / np.sqrt(v / (1 - 0.99999999**2))
    # rounding of two float32 steps; in the first, epsilon is 3e-6 of the root, which this would show
    np.testing.assert_allclose(weight.numpy(), [expected], rtol=0, atol=2e-8)
