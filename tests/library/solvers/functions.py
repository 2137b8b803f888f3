"""Functions with known minima, and a search on them."""

import keras
import numpy as np
import tensorflow as tf

import tfoptim


def rosenbrock(x):
    """The chained form: minimum 0 at ones."""
    return tf.reduce_sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def quadratic(n, condition, seed=0):
    """A quadratic with eigenvalues from 1 to `condition`: function, matrix and minimum."""
    generator = np.random.default_rng(seed)
    q, _ = np.linalg.qr(generator.normal(size=(n, n)))
    a, b = q @ np.diag(np.logspace(0, np.log10(condition), n)) @ q.T, generator.normal(size=n)
    return lambda x: tf.tensordot(x, tf.linalg.matvec(tf.constant(a), x), 1) / 2 - tf.tensordot(b, x, 1), a, b


def logistic(seed=0):
    """Logistic regression of 200 points with 10 weights and a small penalty."""
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(200, 10))
    y = np.sign(x @ generator.normal(size=10) + generator.normal(size=200) / 2)
    return lambda w: (
        tf.reduce_mean(tf.nn.softplus(-y * tf.linalg.matvec(tf.constant(x), w))) + 5e-7 * tf.reduce_sum(w**2)
    )


def variable(start, dtype="float64"):
    """A Keras variable."""
    return keras.Variable(start, dtype=dtype)


def search(function, start, method=None, tolerance=1e-8, steps=2000, dtype="float64", **arguments):
    """Result of a minimization from a start, and the weights at its end."""
    x = variable(start, dtype)
    stop = tfoptim.callbacks.GradientNormBelow(tolerance) | tfoptim.callbacks.Budget(steps=steps)
    result = tfoptim.minimize(lambda: function(x.value), [x], method, stop=stop, **arguments)
    return result, x.numpy()
