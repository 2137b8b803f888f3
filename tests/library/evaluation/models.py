"""A small model with an average that has moved away from its weights, and what looks at both."""

import contextlib

import keras
import numpy as np
import tensorflow as tf

import tfoptim
from tests.library.harness import values_of

X = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
Y = X[:, :1] ** 2
FIT = {"x": X, "y": Y, "batch_size": 4, "shuffle": False, "verbose": 0}
QUIET = {"batch_size": 4, "verbose": 0}


def sgd(**arguments):
    """An optimizer with an average."""
    return tfoptim.SGD(0.1, momentum=0.9, **{"use_ema": True, "ema_momentum": 0.5, **arguments})


def compiled(make=sgd, *, policy="float32", scope=contextlib.nullcontext, batch_norm=False, **arguments):
    """A model of two layers; without graphs, unless they are the subject."""
    keras.utils.set_random_seed(1)
    with scope():
        layers = [keras.layers.Dense(2, dtype=policy, kernel_constraint=arguments.pop("constraint", None))]
        layers += [keras.layers.BatchNormalization()] * batch_norm
        model = keras.Sequential([keras.Input((3,)), *layers, keras.layers.Dense(1, dtype=policy)])
        model.compile(make(), "mse", **{"run_eagerly": True, "jit_compile": False, **arguments})
    return model


def trained(*callbacks, epochs=1, **arguments):
    """A model after two steps an epoch, stopped before `fit` ends with the averages."""
    model = compiled(**arguments)
    with contextlib.suppress(StoppedError):
        model.fit(**FIT, epochs=epochs, callbacks=[*callbacks, Stop(epochs)])
    return model


class StoppedError(Exception):
    """What stops a training in these tests."""


class Stop(keras.callbacks.Callback):
    """Raises at the end of the last epoch."""

    def __init__(self, epochs):
        super().__init__()
        self.epochs = epochs

    def on_epoch_end(self, epoch, logs=None):
        """Stops."""
        if epoch + 1 == self.epochs:
            raise StoppedError


class Look(keras.callbacks.Callback):
    """Remembers, for each hook, whether the weights were the averaged ones."""

    def __init__(self, *hooks):
        super().__init__()
        self.seen = {}
        for name in hooks:
            setattr(
                self, name, lambda *_, name=name, **__: self.seen.setdefault(name, []).append(shows_average(self.model))
            )


def parts_of(optimizer):
    """The optimizer that has the average."""
    return getattr(optimizer, "inner_optimizer", optimizer)


def averaged(model):
    """The averaged weights, from the slots, by hand: rounded, and under their constraints."""
    slots = [v.numpy() for v in parts_of(model.optimizer).variables if v.path.endswith("average")]
    rounded = [slot.astype(v.dtype) for slot, v in zip(slots, values_of(model.trainable_variables), strict=True)]
    constraints = [v.constraint or (lambda w: w) for v in model.trainable_variables]
    return [np.asarray(c(tf.constant(w))) for c, w in zip(constraints, rounded, strict=True)]


def shows_average(model):
    """Whether the weights are the averaged ones."""
    pairs = zip(averaged(model), values_of(model.trainable_variables), strict=True)
    return all(np.array_equal(average, w) for average, w in pairs)


def bits(model):
    """All of a model and its optimizer, on every device."""
    copies = model.distribute_strategy.experimental_local_results
    return [c.numpy().tobytes() for v in [*model.variables, *model.optimizer.variables] for c in copies(v.value)]


def copy_with_averages(model, **arguments):
    """Another model that has the averages as its weights, to be compared with."""
    other = compiled(**arguments)
    other.set_weights(model.get_weights())
    for v, average in zip(other.trainable_variables, averaged(model), strict=True):
        v.assign(average)
    return other
