"""Rules with slots of another shape than their variable, and their loops in NumPy."""

import numpy as np

import tfoptim
from tfoptim.declaration import Fraction, NonNegative, Slot
from tfoptim.ops import mean, norm, sqrt, square


class PerVariable(tfoptim.Optimizer):
    """A second moment of one number per variable, as in NovoGrad."""

    beta_1: Fraction = 0.9
    beta_2: Fraction = 0.95
    start: NonNegative = 0.25

    slots = {"m": 0.0, "v": Slot("start", shape=())}  # noqa: RUF012  as in every rule

    def direction(self, h, g, w, s):
        """The averaged gradient of unit length."""
        s.v = h.beta_2 * s.v + (1 - h.beta_2) * square(norm(g))
        s.m = h.beta_1 * s.m + g / sqrt(s.v)
        return s.m


def per_variable(w, gradients, learning_rate=0.1, beta_1=0.9, beta_2=0.95, start=0.25):
    """Weights after each step."""
    m, v, trajectory = np.zeros_like(w), start, []
    for g in gradients:
        v = beta_2 * v + (1 - beta_2) * np.sum(g**2)
        m = beta_1 * m + g / np.sqrt(v)
        w = w - learning_rate * m
        trajectory.append(w)
    return trajectory


def rows(shape, path):
    """The shape of the means of rows: only matrices have them."""
    return shape[:-1] if len(shape) == 2 else None


def columns(shape, path):
    """The shape of the means of columns."""
    return shape[1:] if len(shape) == 2 else None


def others(shape, path):
    """The shape of the second moment of what is no matrix."""
    return None if len(shape) == 2 else shape


class Factored(tfoptim.Optimizer):
    """A second moment in means of rows and columns, as in Adafactor."""

    beta: Fraction = 0.9
    epsilon: NonNegative = 1e-8

    slots = {"r": Slot(shape=rows), "c": Slot(shape=columns), "v": Slot(0.0, others)}  # noqa: RUF012

    def direction(self, h, g, w, s):
        """The gradient divided by its root mean square."""
        squares = square(g) + h.epsilon
        if "v" in s:
            s.v = h.beta * s.v + (1 - h.beta) * squares
            return g / sqrt(s.v)
        s.r = h.beta * s.r + (1 - h.beta) * mean(squares, axis=1)
        s.c = h.beta * s.c + (1 - h.beta) * mean(squares, axis=0)
        return g * sqrt(mean(s.r) / (s.r[:, None] * s.c[None, :]))


def factored(w, gradients, learning_rate=0.1, beta=0.9, epsilon=1e-8):
    """Weights after each step, element by element."""
    trajectory, moments = [], [np.zeros_like(w)] if w.ndim != 2 else [np.zeros(n) for n in w.shape]
    for g in gradients:
        squares = g**2 + epsilon
        if w.ndim != 2:
            moments = [beta * moments[0] + (1 - beta) * squares]
            root = np.sqrt(moments[0])
        else:
            r = beta * moments[0] + (1 - beta) * squares.sum(axis=1) / w.shape[1]
            c = beta * moments[1] + (1 - beta) * squares.sum(axis=0) / w.shape[0]
            moments, root = [r, c], np.sqrt(np.outer(r, c) / (r.sum() / len(r)))
        w = w - learning_rate * g / root
        trajectory.append(w)
    return trajectory


RULES = {"one number": (PerVariable, per_variable), "rows and columns": (Factored, factored)}
SHAPES = ((), (3,), (4, 3))


def begin(seed=0, shapes=SHAPES):
    """Float64 weights of these shapes."""
    generator = np.random.default_rng(seed)
    return [generator.normal(size=shape) for shape in shapes]
