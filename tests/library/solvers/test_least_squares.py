"""Nonlinear least squares: known problems, linear problems in one step, and what is refused."""

import importlib

import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.solvers.functions import variable
from tfoptim import callbacks, solvers

METHODS = {
    "marquardt": solvers.LevenbergMarquardt(),
    "levenberg": solvers.LevenbergMarquardt("levenberg"),
    "gauss_newton": solvers.GaussNewton(),
}
STRICT = 1e-10


def fitted(residuals, start, method=None, dtype="float64"):
    """Result of a fit from a start, and the weights at its end."""
    x = variable(start, dtype)
    stop = callbacks.GradientNormBelow(STRICT) | callbacks.Budget(steps=200)
    result = tfoptim.least_squares(lambda: residuals(x.value), [x], method, stop=stop)
    return result, x.numpy()


def rosenbrock(x):
    """Rosenbrock's function as residuals."""
    return tf.stack([10 * (x[1] - x[0] ** 2), 1 - x[0]])


@pytest.mark.parametrize("name", METHODS)
def test_a_valley_is_followed_to_its_end(name):
    """In at most the iterations that Nielsen's damping takes elsewhere, and some more evaluations."""
    result, x = fitted(rosenbrock, [-1.2, 1.0], METHODS[name])
    np.testing.assert_allclose(x, 1.0, atol=1e-9)
    assert result.iterations <= 25
    assert result.reason.startswith("gradient: ")


@pytest.mark.parametrize("name", METHODS)
def test_a_curve_is_fitted(name):
    """Noise of a known seed: the solution is where the gradient of the sum of squares vanishes."""
    t = np.linspace(0, 4, 40)
    y = 2.0 * np.exp(-0.7 * t) + 0.3 + np.random.default_rng(0).normal(0, 0.01, 40)
    result, x = fitted(lambda w: w[0] * tf.exp(-w[1] * t) + w[2] - y, [1.0, 1.0, 0.0], METHODS[name])
    j = np.stack([np.exp(-x[1] * t), -x[0] * t * np.exp(-x[1] * t), np.ones(40)], 1)
    r = x[0] * np.exp(-x[1] * t) + x[2] - y
    assert np.max(np.abs(j.T @ r)) <= 1e-8  # a line search sees no more digits of the loss
    assert result.loss == pytest.approx(r @ r / 2, rel=1e-12)
    np.testing.assert_allclose(x, [2.0, 0.7, 0.3], atol=0.03)


def test_residuals_count_once_and_jacobians_by_their_columns():
    """Of an accepted step the residuals are known; scipy 1.17.1, least_squares(method="lm"), takes 21 evaluations."""
    result, _ = fitted(rosenbrock, [-1.2, 1.0])
    assert result.evaluations <= 1.3 * 21
    assert result.evaluations >= result.iterations + 1
    assert result.products == 2 * (result.iterations + 1)
    assert result.history[-1].gradients == result.evaluations + result.products


def test_a_linear_problem_takes_one_step():
    """Also where the solution is not unique: then the shortest."""
    a, b = np.array([[1.0, 2.0, 0.0], [0.0, 0.0, 1.0]]), np.array([5.0, 2.0])
    result, x = fitted(lambda w: tf.linalg.matvec(tf.constant(a), w) - b, np.zeros(3), solvers.GaussNewton())
    assert result.iterations == 1
    np.testing.assert_allclose(x, [1.0, 2.0, 2.0], atol=1e-12)


def test_the_scale_of_a_weight_does_not_matter_to_marquardt():
    """A weight in other units: the same losses, up to rounding."""
    scaled = [fitted(lambda w, k=k: rosenbrock(w / k), [-1.2 * k, k])[0] for k in (1.0, 1024.0)]
    losses = [[now.loss for now in result.history[:10]] for result in scaled]
    np.testing.assert_allclose(*losses, rtol=1e-6)


def test_float32_ends_with_the_reason_precision():
    """Where no damping decreases the loss: residuals that cannot vanish, in few digits."""
    t = np.linspace(0, 4, 40).astype("float32")
    y = np.sin(3 * t) + 2
    result, _ = fitted(lambda w: w[0] * tf.exp(-w[1] * t) - y, [1.0, 1.0], dtype="float32")
    assert result.reason.startswith("precision: no step decreases the loss")


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: fitted(rosenbrock, [1.0, 2.0], tfoptim.LBFGS()), TypeError, r"got LBFGS\(.* call tfoptim.minimize"),
        (
            lambda: fitted(rosenbrock, [1.0, 2.0], "lm"),
            TypeError,
            "must be LevenbergMarquardt or GaussNewton, got 'lm'",
        ),
        (lambda: fitted(lambda w: tf.cast(w, tf.int32), [1.0]), ValueError, "must return a float tensor, got int32"),
        (lambda: fitted(lambda w: None, [1.0]), ValueError, r"residuals must return a float tensor, got None\.$"),
        (
            lambda: fitted(lambda w: tf.cast(w, tf.bfloat16), [1.0]),
            ValueError,
            "of float32 or float64, got bfloat16; le",
        ),
        (lambda: tfoptim.least_squares(3.0, [variable([1.0])]), TypeError, "residuals must be a function without arg"),
        (lambda: tfoptim.least_squares(lambda: 0.0, variable([1.0])), TypeError, "put it into a list"),
        (lambda: solvers.LevenbergMarquardt("newton"), ValueError, "LevenbergMarquardt: damping must be"),
        (lambda: solvers.LevenbergMarquardt(start=0.0), ValueError, "LevenbergMarquardt: start must satisfy x > 0"),
    ],
)
def test_what_makes_no_sense_is_refused(make, error, message):
    """In one sentence."""
    with pytest.raises(error, match=message):
        make()


def test_a_jacobian_that_is_too_large_is_refused(monkeypatch):
    """Before it is computed, with the way out."""
    monkeypatch.setattr(importlib.import_module("tfoptim.solvers.least_squares"), "LARGEST", 3)
    with pytest.raises(ValueError, match=r"2 residuals by 2 weights is too large to keep .* by tfoptim.minimize"):
        fitted(rosenbrock, [1.0, 2.0])
