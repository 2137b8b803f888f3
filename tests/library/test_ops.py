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


OF_ONE = {"sqrt": 1.5, "square": 5.0625, "absolute": 2.25, "sign": 1, "exp": np.e**2.25, "log": 0.8109302162163288}


@pytest.mark.parametrize("name", OF_ONE)
@pytest.mark.parametrize("kind", KINDS)
def test_functions_of_one_number_are_the_same_for_every_kind(name, kind):
    """TensorFlow, NumPy and Scalar give one answer, to an ulp or two."""
    result = getattr(ops, name)(KINDS[kind](2.25))
    assert (result if kind == "number" else plain(result)) == pytest.approx(OF_ONE[name], rel=1e-15)


@pytest.mark.parametrize("kind", KINDS)
def test_roots_and_signs_of_negative_numbers_and_of_zero(kind):
    """The cube root of -8 is -2, to an ulp or two of a power; the logarithm of 0 is finite."""
    values = [ops.cbrt(KINDS[kind](x)) for x in (-8.0, 0.0, 27.0)] + [ops.sign(KINDS[kind](x)) for x in (-3.0, 0.0)]
    found = [plain(x) if kind != "number" else float(x) for x in values]
    assert found == pytest.approx([-2.0, 0.0, 3.0, -1.0, 0.0], rel=1e-15)
    zero = ops.log(KINDS[kind](0.0))
    assert (plain(zero) if kind != "number" else zero) == pytest.approx(-708.4, rel=1e-4)


PAIRS = list(itertools.product(KINDS, repeat=2))


@pytest.mark.parametrize("kinds", PAIRS, ids="-".join)
def test_functions_of_two_numbers_are_the_same_for_every_pair_of_kinds(kinds):
    """In both orders."""
    two, three = (KINDS[kind](x) for kind, x in zip(kinds, (2.0, 3.0), strict=True))
    results = [ops.maximum(two, three), ops.minimum(two, three), ops.power(two, three), ops.clip(two, 2.5, three)]
    assert [float(plain(as_tensor(x))) for x in results] == [3.0, 2.0, 8.0, 2.5]


COMPARED = [kinds for kinds in PAIRS if kinds != ("tensor", "scalar")]  # TensorFlow refuses what stands on its right


@pytest.mark.parametrize("kinds", COMPARED, ids="-".join)
def test_a_condition_of_any_kind_chooses_between_any_two(kinds):
    """Also an equation, for which Scalars have no operator."""
    two, three = (KINDS[kind](x) for kind, x in zip(kinds, (2.0, 3.0), strict=True))
    for condition, expected in ((two < three, 2.0), (two >= three, 3.0), (ops.equal(two, three), 3.0)):
        assert float(plain(as_tensor(ops.where(condition, two, three)))) == expected
    assert bool(np.all(two <= three))
    assert not bool(np.any(two > three))


def as_tensor(x):
    """A result of any kind as one that `plain` reads."""
    return x if isinstance(x, ops.Scalar) else tf.convert_to_tensor(x)


def test_norm_and_mean_are_those_of_all_elements():
    """In NumPy and in TensorFlow; along one axis, means of that axis."""
    x = np.array([[3.0, 4.0], [0.0, 12.0]])
    for kind in (np.asarray, tf.constant):
        assert float(ops.norm(kind(x))) == 13.0
        assert float(ops.mean(kind(x))) == 4.75
        np.testing.assert_array_equal(ops.mean(kind(x), axis=0), [1.5, 8.0])


@pytest.mark.parametrize("shape", [(3, 3, 128, 96), (513, 257)], ids=["in columns", "as it is"])
@pytest.mark.parametrize("jit", [False, True])
def test_norm_of_a_large_array(shape, jit):
    """Four units in the last place: sums of float32, in another order than NumPy's in float64."""
    x = np.random.default_rng(0).normal(size=shape).astype("float32")
    found = tf.function(ops.norm, jit_compile=jit)(tf.constant(x))
    np.testing.assert_allclose(found, np.linalg.norm(x.astype("float64")), rtol=4 * 2**-23)


def test_norm_of_a_large_array_keeps_nan():
    """The step must show what went wrong."""
    assert np.isnan(ops.norm(tf.fill([2**16], np.nan)))


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
