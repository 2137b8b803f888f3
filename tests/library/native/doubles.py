"""Stand-ins: an operation in place of the native one, and programs in place of compilers."""

import sys

import keras
import numpy as np
import tensorflow as tf


class Recorder:
    """A library whose operations note their arguments, and do nothing."""

    def __init__(self):
        self.calls = []

    def tfoptim_step(self, **arguments):
        """Notes a step of whole variables."""
        self.calls.append(("step", arguments))

    def tfoptim_rows(self, **arguments):
        """Notes a step of touched rows."""
        self.calls.append(("rows", arguments))

    def tfoptim_sums_of_squares(self, arrays):
        """The sums, by TensorFlow."""
        self.calls.append(("sums", {"arrays": arrays}))
        return tf.stack([tf.reduce_sum(tf.square(tf.cast(x, tf.float64))) for x in arrays])


class Momentum:
    """A library that computes a step of momentum by TensorFlow, `factor` times as long as it should be."""

    def __init__(self, factor=1.0):
        self.factor = factor

    def tfoptim_step(self, weights, slots, gradients, numbers, **_):
        """Moves one variable of 100 elements."""
        rate, momentum = (tf.cast(numbers[0, i], tf.float32) for i in (2, 3))
        read = [tf.raw_ops.ReadVariableOp(resource=x, dtype=tf.float32) for x in (weights[0], slots[0])]
        velocity = momentum * read[1] - self.factor * rate * gradients[0]
        tf.raw_ops.AssignVariableOp(resource=slots[0], value=velocity)
        tf.raw_ops.AssignVariableOp(resource=weights[0], value=read[0] + velocity)


COMPILER = """#!{python}
import pathlib, sys, time
arguments = sys.argv[1:]
pathlib.Path({log!r}).open("a").write(" ".join(arguments) + "\\n")
if {fails!r} and {fails!r} in " ".join(arguments):
    sys.exit("boom")
time.sleep({seconds})
pathlib.Path(arguments[arguments.index("-o") + 1]).write_bytes(b"a library")
"""


def compiler(folder, fails="", waits=False):
    """The path of a program that writes what a compiler would, fails on a file, or waits; and that of its log."""
    program, log = folder / "compiler", folder / "log"
    program.write_text(COMPILER.format(python=sys.executable, log=str(log), fails=fails, seconds=60 if waits else 0))
    program.chmod(0o755)
    log.touch()
    return program, log


def variables(*shapes, dtype="float32"):
    """TensorFlow variables of ones."""
    return [tf.Variable(np.ones(shape), dtype=dtype) for shape in shapes]


def built(optimizer, *shapes, dtype="float32"):
    """The optimizer with variables of ones; and these."""
    variables = [keras.Variable(np.ones(shape), dtype=dtype, name=f"w{i}") for i, shape in enumerate(shapes)]
    optimizer.build(variables)
    return optimizer, variables


def stepped(optimizer, variables, gradients=None):
    """Takes a step by gradients of ones, in a graph that is run once."""
    gradients = [tf.ones(v.shape) for v in variables] if gradients is None else gradients
    optimizer.apply(gradients, variables)
