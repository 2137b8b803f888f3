"""PSGD Kron (Li 2015, 2022), in the form of kron_torch, with the noise of the docstring."""

import math
from itertools import count

import numpy as np
import tensorflow as tf

from tests.library.reference.rates import rate_at
from tests.library.reference.soap import outer, times
from tests.library.reference.stepwise import stepwise


def noise(shape, seed, t):
    """Normal numbers of a step: Box and Muller's of the uniform ones of the seed (seed, t), each rounded to float32."""
    pairs = (math.prod(shape) + 1) // 2
    drawn = tf.random.stateless_uniform([pairs, 2], [seed, t], dtype=tf.float32, alg="philox")
    first, second = np.asarray(drawn, "float64").T
    radius = np.sqrt(np.float32(-2) * np.log(np.maximum(first, 1e-7)).astype("float32"))
    angle = (2 * np.pi * second).astype("float32").astype("float64")
    both = np.stack([radius * f(angle).astype("float32") for f in (np.sin, np.cos)], axis=1)
    return both.ravel()[: math.prod(shape)].reshape(shape).astype("float64")


def chance(seed, t):
    """A number in [0, 1) of a step."""
    return float(tf.random.stateless_uniform([], [seed, t], dtype=tf.float32, alg="philox"))


def norm_at_least(x):
    """A lower bound of the 2-norm: x along its image of its longest column."""
    size = np.max(np.abs(x))
    x = x / size
    column = x[:, np.argmax([np.sum(c**2) for c in x.T])]
    ahead = column @ x
    return size * np.linalg.norm(x @ (ahead / np.linalg.norm(ahead)))


@stepwise
def kron(
    w,
    learning_rate=0.0003,
    momentum=0.9,
    preconditioner_learning_rate=0.1,
    update_probability=None,
    max_size_triangular=2048,
    seed=0,
):
    """Weights after each step. A diagonal is held as the matrix that it is."""
    view = w.shape or (1,)
    axes = range(len(view))
    triangular = [w.ndim > 1 and n <= max_size_triangular for n in view]
    triangles = [np.eye(n) for n in view]
    m = np.zeros(view)
    for t in count(1):
        w, g = yield w
        m = momentum * m + (1 - momentum) * np.reshape(g, view)
        u = m / (1 - momentum**t)
        p = max(0.03, min(1.0, np.exp(-0.001 * (t - 500)))) if update_probability is None else update_probability
        if chance(seed, t) < p:
            b = noise(view, seed, t)
            size = np.mean(np.abs(u))
            u = u + 2**-11.5 * size * b
            a = u
            for i in axes:
                a = times(a, triangles[i], i)
                b = times(b, np.linalg.inv(triangles[i]).T, i)
            for i in axes if size > 0 else ():
                plus, minus = outer(a, i), outer(b, i)
                if triangular[i]:
                    change = np.triu(plus - minus) / norm_at_least(plus + minus)
                else:
                    change = np.diag(np.diag(plus - minus)) / np.max(np.diag(plus + minus))
                triangles[i] = triangles[i] - preconditioner_learning_rate * change @ triangles[i]
        d = u
        for i in axes:
            d = times(d, triangles[i].T @ triangles[i], i)
        d = d * min(1.0, 1.1 / (np.sqrt(np.mean(d**2)) + 1e-12))
        w = w - rate_at(learning_rate, t) * d.reshape(w.shape)
