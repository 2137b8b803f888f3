"""Classes as users derive them from optimizers, and one step with them."""

import keras
import tensorflow as tf

import tfoptim


def nothing(self, *args, **kwargs):
    """Stands in for what a user would write."""


def subclass(base=tfoptim.Adam, **body):
    """A class of a user's, derived from an optimizer."""
    return type("Mine", (base,), body)


def step(optimizer, start=(1.0, 2.0), gradient=(4.0, 0.01)):
    """The weights after one eager step."""
    weight = keras.Variable(start)
    optimizer.apply([tf.constant(gradient)], [weight])
    return weight.numpy()
