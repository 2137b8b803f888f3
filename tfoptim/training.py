"""Training of models by rules that need the loss more than once, such as SAM.

| the model | for `fit` |
|---|---|
| functional, Sequential | `model = tfoptim.training.trainable(model)`, then `compile` |
| a class of your own | `class Net(tfoptim.training.Trainer, keras.Model)` |
| a class with a `train_step` | call `self.optimizer.gradients(loss, self.trainable_variables)` in it |

>>> import keras, numpy as np, tfoptim
>>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, kernel_initializer="ones")])
>>> model = tfoptim.training.trainable(model)
>>> model.compile(tfoptim.SAM(tfoptim.SGD(0.1), rho=0.05), loss="mse")
>>> x, y = np.ones((4, 2), "float32"), np.zeros((4, 1), "float32")
>>> [round(loss, 3) for loss in model.fit(x, y, epochs=3, verbose=0).history["loss"]]
[4.0, 0.56, 0.061]
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from tfoptim.step import derivatives
from tfoptim.variables import raw

__all__ = ["Loss", "Trainer", "gradients", "trainable"]


class Loss:
    """The loss of a compiled model on one batch, as a function that may be called more than once.

    The first call is a forward pass as in `fit`. Later ones start from the same states, and change none: random numbers
    are the same, BatchNorm statistics and metrics stay as the first call left them. Give it to `optimizer.gradients`.

    Args:
        model: compiled with a loss.
        x: inputs of the batch.
        y: targets.
        sample_weight: weight of each sample, if any.
    """

    def __init__(self, model: Any, x: Any, y: Any = None, sample_weight: Any = None) -> None:
        self.model, self.x, self.y, self.sample_weight = model, x, y, sample_weight
        self.prediction: Any = None
        """Output of the model in the first call."""
        self.value: Any = None
        """Scalar loss of the first call, without loss scale."""
        self._state: list[tuple[Any, tf.Tensor]] = []
        if not model.built:
            model(x, **_training(model.call, False))  # so that it has variables to differentiate with respect to

    def __call__(self) -> tf.Tensor:
        """Returns the loss at the present weights, a scalar."""
        if self.value is not None:
            with derivatives.Traceless(self._state):
                return self._forward()[0]
        self._state = [(v, tf.convert_to_tensor(raw(v))) for v in self.model.non_trainable_variables]
        self.value, self.prediction = self._forward()
        return self.value

    def _forward(self) -> tuple[Any, Any]:
        model = self.model
        prediction = model(self.x, **_training(model.call, True))
        training = _training(model.compute_loss, True)
        return model.compute_loss(self.x, self.y, prediction, self.sample_weight, **training), prediction


def _training(function: Any, value: bool) -> dict[str, bool]:
    """Returns the argument `training` for a method that takes it."""
    return {"training": value} if "training" in inspect.signature(function).parameters else {}


def gradients(optimizer: Any, loss: derivatives.Loss, variables: Sequence[Any]) -> list[Any]:
    """Returns the gradients that an optimizer, any of Keras, asks for; give them to its `apply`.

    Args:
        optimizer: an optimizer of tfoptim or Keras, possibly in a `LossScaleOptimizer` of either.
        loss: returns the scalar loss, without loss scale; reads the variables whenever it is called.
        variables: to differentiate with respect to.
    """
    if hasattr(type(optimizer), "gradients"):
        return optimizer.gradients(loss, variables)  # type: ignore[no-any-return]
    inner = getattr(optimizer, "inner_optimizer", None)
    if hasattr(type(inner), "gradients"):  # compile under mixed_float16 adds Keras's own wrapper
        return derivatives.gradients_within(optimizer, inner, loss, variables)
    return derivatives.gradients(optimizer, loss, variables)


class Trainer:
    """Mixin for models whose optimizer may need the loss more than once: `class Net(Trainer, keras.Model)`.

    `fit` and `train_on_batch` do what they do without it, with any optimizer: its `train_step` differs from Keras's in
    asking the optimizer for the gradients. Metrics, outputs and BatchNorm statistics are those of the first pass.

    Raises:
        TypeError: when the class is made, if `keras.Model` stands before it, so that it would never be used.
    """

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        owner = next(c for c in cls.__mro__ if "train_step" in vars(c))
        if owner.__module__.partition(".")[0] == "keras":
            raise TypeError(f"{cls.__name__}: write Trainer first: class {cls.__name__}(Trainer, keras.Model).")

    def train_step(self, data: Any) -> dict[str, Any]:
        """Takes one step on a batch; called by `fit`. Returns the metrics by name.

        Args:
            data: x, (x, y) or (x, y, sample_weight).
        """
        x, y, weight = keras.utils.unpack_x_y_sample_weight(data)
        loss, variables = Loss(self, x, y, weight), self.trainable_variables
        if variables:
            found = gradients(self.optimizer, loss, variables)
            self.optimizer.apply_gradients(zip(found, variables, strict=True))
        else:
            loss()
            warnings.warn("The model does not have any trainable weights.", stacklevel=2)
        replicas = tf.distribute.get_strategy().num_replicas_in_sync  # by which `fit` divides the loss
        self._loss_tracker.update_state(loss.value * replicas, sample_weight=_size(x))
        return self.compute_metrics(x, y, loss.prediction, sample_weight=weight)  # type: ignore[no-any-return]


def _size(x: Any) -> tf.Tensor:
    """Returns the number of samples of a batch."""
    return tf.shape(next(part for part in tf.nest.flatten(x) if part is not None))[0]


@keras.saving.register_keras_serializable(package="tfoptim")
class Trainable(Trainer, keras.Model):
    """A functional model that trains by its optimizer's own gradients; made by `trainable`."""


keras.saving.get_custom_objects().setdefault("Trainable", Trainable)  # files of the format `.h5` have the bare name


def trainable(model: Any) -> Any:
    """Returns a model of the same layers, inputs and outputs, to be compiled with any optimizer, such as SAM.

    Weights are shared: training one trains both. Save the result as any model; it is loaded with `tfoptim` imported.

    Args:
        model: a functional or Sequential model with known inputs.

    Raises:
        TypeError: the model is of another class, which can derive from `Trainer` itself.
        ValueError: a Sequential model has no inputs yet.
    """
    if isinstance(model, Trainer):
        return model
    name = type(model).__name__
    if type(model).__module__.partition(".")[0] != "keras" or not hasattr(type(model), "inputs"):
        raise TypeError(
            f"trainable: takes functional and Sequential models, got {name}. Write "
            f"class {name}(tfoptim.training.Trainer, keras.Model); in a train_step of your own, call "
            "self.optimizer.gradients(loss, self.trainable_variables)."
        )
    if getattr(model, "inputs", None) is None:
        raise ValueError(f"trainable: {model.name} has no inputs yet: add a keras.Input, or call it on a batch.")
    ends = (model.inputs[0], model.outputs[0]) if isinstance(model, keras.Sequential) else (model.input, model.output)
    made: Any = Trainable
    return made(*ends, name=model.name)
