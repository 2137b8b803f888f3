"""Stands in for Keras's module of optimizers in its tests: our optimizers, and the rest of the module as it is."""

import unittest

import keras

import tfoptim
from tfoptim.counterparts import counterparts

OURS = {theirs.__name__ for theirs in counterparts().values()} | {"LossScaleOptimizer"}
# What is not an optimizer, or is the base that a test derives a class of its own from.
OF_KERAS = ("MultiOptimizer", "Optimizer", "OptimizerMap", "schedules", "serialize", "deserialize")


def __getattr__(name):
    """Our class of that name; where we have none, a test that calls it is skipped and says so."""
    if name in OURS:
        return getattr(tfoptim, name)
    if name in OF_KERAS:
        return getattr(keras.optimizers, name)
    if not isinstance(getattr(keras.optimizers, name), type):
        raise AttributeError(name)

    def absent(*args, **kwargs):
        raise unittest.SkipTest(f"tfoptim has no {name}")

    return absent


def get(identifier):
    """What `keras.optimizers.get` does, with our names."""
    if identifier is None:
        return None
    name, config = (identifier, {}) if isinstance(identifier, str) else (identifier["class_name"], identifier["config"])
    if name not in tfoptim.available() and hasattr(keras.optimizers, name.capitalize()):
        raise unittest.SkipTest(f"tfoptim has no {name}")
    return tfoptim.get(name, **config)
