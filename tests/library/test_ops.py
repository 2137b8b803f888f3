"""The arithmetic of rules is that of numbers, whatever kind of number meets which."""

import itertools
import operator

import numpy as np
import pytest
import tensorflow as tf

from tfoptim import ops

CANCELLED = 1e-7  # what is left of the 19 digits of a long double in 1 - (1 - 1e-12)
OPERATORS = (operator.add, operator.sub, operator.mul, operator.truediv, operator.pow)
KINDS = {
    "scalar": ops.Scalar,
    "number": float,
    "tensor": lambda x: tf.constant([x], tf.float64),
}


def plain(x):
    """A result of any kind as a float."""
    return float(np.squeeze((x.value if isinstance(x, ops.Scalar) else x).numpy()))


@pytest.mark.parametrize("kinds", [k for k in itertools.product(KINDS, repeat=2) if "scalar" in k], ids="-".join)
@pytest.mark.parametrize("operation", OPERATORS, ids=lambda f: f.__name__)
def test_scalars_compute_like_numbers_on_either_side(operation, kinds):
    """0.9 and 3.0 in both orders: the same float64 result as Python's."""
    left, right = (KINDS[kind] for kind in kinds)
    assert plain(operation(left(0.9), right(3.0))) == pytest.approx(operation(0.9, 3.0), rel=1e-15)


@pytest.mark.parametrize("name", ["sqrt", "square", "absolute"])
@pytest.mark.parametrize("kind", KINDS)
def test_functions_of_one_number_are_the_same_for_every_kind(name, kind):
    """TensorFlow, NumPy and Scalar give one answer."""
    expected = {"sqrt": 1.5, "square": 5.0625, "absolute": 2.25}[name]
    result = getattr(ops, name)(KINDS[kind](2.25))
    assert (result if kind == "number" else plain(result)) == expected


@pytest.mark.parametrize("beta", [0.0, 0.9, 0.999, 1 - 1e-12])
@pytest.mark.parametrize("t", [1.0, 7.0, 1e9])
def test_bias_correction_is_right_to_the_last_digits(beta, t):
    """1 - beta**t without cancellation, for Scalars as for numbers; an ulp or two for exp and log."""
    exact = float(1 - np.longdouble(beta) ** np.longdouble(t))
    for result in (ops.debias(beta, t), plain(ops.debias(ops.Scalar(beta), ops.Scalar(t)))):
        assert result == pytest.approx(exact, rel=CANCELLED if beta > 0.9999 else 1e-14)


def test_a_scalar_is_rounded_once_to_what_it_meets():
    """0.1 beside a float32 tensor is float32's 0.1, beside float64 it keeps all digits."""
    tenth = ops.Scalar(0.1)
    for dtype in (tf.float32, tf.float64):
        assert (tenth * tf.constant(1.0, dtype)).numpy() == dtype.as_numpy_dtype(0.1)


def test_an_expression_of_scalars_is_computed_once():
    """Many variables ask for 1 - beta; they all get the same tensor."""
    beta = ops.Scalar(0.9)
    assert (1 - beta) is (1 - beta)
    assert (1 - beta).cast(tf.float32) is (1 - beta).cast(tf.float32)
    assert -beta is -beta
