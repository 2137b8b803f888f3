"""How the tests train: fixed weights and gradients in, the weights after every step out."""

import keras
import numpy as np
import tensorflow as tf

SHAPES = ((3, 4), (5,))
MODES = ("eager", "graph")


def start_weights(seed=0):
    """Float64 weights of two variables: a matrix and a vector."""
    generator = np.random.default_rng(seed)
    return [generator.normal(size=shape) for shape in SHAPES]


def random_gradients(steps, seed=1):
    """Float64 gradients[step][variable] with sizes from about 1e-2 to 10."""
    generator = np.random.default_rng(seed)
    return [
        [generator.normal(size=shape) * 10 ** generator.uniform(-2, 1, shape) for shape in SHAPES] for _ in range(steps)
    ]


def variables_of(weights, dtype="float32", constraint=None):
    """Keras variables with these values; their names say their order."""
    variables = [keras.Variable(w, dtype=dtype, name=f"weight_{i}") for i, w in enumerate(weights)]
    for variable in variables:
        variable.constraint = constraint
    return variables


def values_of(variables):
    """The values of Keras or TensorFlow variables as NumPy arrays."""
    return [variable.numpy() for variable in variables]


def stepper(optimizer, variables, mode):
    """A function that applies one list of gradients, as written or compiled into a graph."""

    def step(gradients):
        optimizer.apply(gradients, variables)

    return step if mode == "eager" else tf.function(step)


def train(optimizer, weights, gradients, *, mode="eager", dtype="float32", constraint=None):
    """Weights[step][variable] after each step, and at the end the weights that training keeps."""
    variables = variables_of(weights, dtype, constraint)
    optimizer.build(variables)
    step = stepper(optimizer, variables, mode)
    trajectory = []
    for gradient in gradients:
        step([tf.constant(g, dtype) for g in gradient])
        trajectory.append(values_of(variables))
    optimizer.finalize_variable_values(variables)
    return [*trajectory, values_of(variables)]


def assert_follows(expected, actual, start, tolerance):
    """Both trajectories agree to `tolerance` times the largest move away from the start."""
    assert len(expected) == len(actual)
    for i, w in enumerate(start):
        wanted = np.stack([np.asarray(step[i], "float64") for step in expected])
        got = np.stack([np.asarray(step[i], "float64") for step in actual])
        largest = np.max(np.abs(wanted - w))
        assert largest > 0, "the reference did not move, so nothing would be compared"
        np.testing.assert_allclose(got, wanted, rtol=0, atol=tolerance * largest)
