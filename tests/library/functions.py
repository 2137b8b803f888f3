"""Compiled steps that set numbers of an optimizer."""

import tensorflow as tf


def assign(optimizer, numbers):
    """Sets numbers by name."""
    for name, number in numbers.items():
        setattr(optimizer, name, number)


def inside_the_step(optimizer, weight):
    """Sets numbers by tensors in the compiled step."""

    @tf.function
    def apply(numbers, gradient):
        assign(optimizer, numbers)
        optimizer.apply([gradient], [weight])

    return apply


def setting(optimizer, name, weight):
    """A compiled step that sets one number by a tensor."""
    apply = inside_the_step(optimizer, weight)
    return lambda number, gradient: apply({name: number}, gradient)
