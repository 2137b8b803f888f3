"""A loss whose gradients are known: half the weighted squares of the weights, in TensorFlow and in NumPy."""

import numpy as np
import tensorflow as tf

from tests.library.harness import values_of, variables_of

CURVATURES = [np.array([1.0, 4.0, 9.0]), np.array([[2.0, 0.5], [3.0, 1.0]])]
START = [np.array([1.0, -0.5, 0.3]), np.array([[0.4, -1.0], [-0.2, 0.7]])]


def loss_of(variables):
    """The loss as a function of the variables' present values."""

    def loss():
        halves = [tf.reduce_sum(c * tf.square(v)) / 2 for c, v in zip(CURVATURES, map(read, variables), strict=False)]
        return tf.add_n(halves)

    return loss


def read(variable):
    """A variable as a tensor, Keras's or TensorFlow's."""
    return tf.convert_to_tensor(variable)


def gradients_at(weights):
    """Its gradients in NumPy."""
    return [c * w for c, w in zip(CURVATURES, weights, strict=False)]


def train(optimizer, steps, *, mode="eager", start=START, **traced):
    """Weights[step][variable] of a loop that asks the optimizer for its gradients."""
    variables = variables_of(start, "float64")
    loss = loss_of(variables)

    def step():
        optimizer.apply(optimizer.gradients(loss, variables), variables)

    optimizer.build(variables)
    run = step if mode == "eager" else tf.function(step, **traced)
    trajectory = []
    for _ in range(steps):
        run()
        trajectory.append(values_of(variables))
    return trajectory
