"""The operation computes what the rule computes, in every precision, mode, and whatever is around the rule."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.library.cases import CASES
from tests.library.native import doubles  # noqa: F401
from tfoptim.update.kernels import formulas

SERVED = [c for c in CASES if any(f.rule in type(c.make()).__mro__ for f in formulas.FORMULAS) and not c.make().cautious]
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
        monkeypatch.delenv("TFOPTIM_NATIVE", raising=False)
        return with_it, without

    return compare


def assert_within(actual, expected, ulps, ulp):
    """Every number is so many units in the last place of the largest of its array, a step."""
    for t, (found, wanted) in enumerate(zip(actual, expected, strict=True), start=1):
        for x, y in zip(found, wanted, strict=True):
            np.testing.assert_allclose(x, y, rtol=0, atol=ulps * t * ulp * np.abs(y).max(initial=1e-30))


@EVERY
def test_float32_is_within_two_units_of_the_rule_in_float64(case, compared):
    """Two units in the last place a step: TensorFlow's kernels, with a rounded 1 - beta, are hundreds away."""
    actual, expected = compared(case.make, "float32", reference="float64")
    assert_within(actual, expected, 2, ULP["float32"])


@EVERY
def test_float64_is_within_1e_15_of_the_rule(case, compared):
    """The rule itself rounds as often."""
    actual, expected = compared(case.make, "float64")
    assert_within(actual, expected, 1, 1e-15)
