"""Small image classifiers: logistic regression, the MLP and the 2c2d network, on MNIST and on Fashion-MNIST.

Layers, initial distributions, batch size and passes are those of DeepOBS (Schneider, Balles and Hennig, 2019). None of
them has dropout or an L2 penalty. Inputs are images divided by 255, [n, 28, 28, 1]; outputs are logits, [n, 10].

Models draw their weights from Keras's global seed, as every task of `experiments.problems.tasks` does, so that the two
give the same weights. Keras is imported inside functions: to name a problem need not wait for TensorFlow.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any, ClassVar

from experiments.problems.functions.base import Budget

GUESSING = math.log(10)  # cross entropy of ten equally likely classes


@dataclasses.dataclass(frozen=True)
class Network:
    """One classifier on one data set.

    Attributes:
        name: its name in studies; seeds derive from it.
        title: the model in words.
        data: the data set that its published settings are for, in `experiments.problems.datasets.CARDS`.
        layers: makes the layers behind the input.
        parameters: number of trainable parameters.
        budget: length of a run.
        weight: how heavy a run is.
        initial_loss: cross entropy before the first step.
        initial_loss_within: how far from it a draw of the weights may start; 0 where none is drawn.
        l2: penalty on the weights that belongs to the problem's loss.
    """

    name: str
    title: str
    data: str
    layers: Callable[[], list[Any]]
    parameters: int
    budget: Budget
    weight: str
    initial_loss: float
    initial_loss_within: float
    l2: float = 0.0

    allows_decay: ClassVar[bool] = True

    def build(self, dropout: int = 0) -> Any:
        """Returns the model, drawn from Keras's global seed.

        Args:
            dropout: seed of dropout keys, which none of these models uses; tasks hand one to every model.

        Raises:
            ValueError: the model is not the declared one, by its number of parameters.
        """
        import keras

        model = keras.Sequential([keras.Input((28, 28, 1)), *self.layers()])
        if model.count_params() != self.parameters:
            raise ValueError(
                f"{self.name}: the model has {model.count_params():,} parameters, not {self.parameters:,}."
            )
        return model


def _logistic() -> list[Any]:
    from keras import layers

    return [layers.Flatten(), layers.Dense(10, kernel_initializer="zeros", bias_initializer="zeros")]


def _mlp() -> list[Any]:
    from keras import initializers, layers

    def dense(units: int, activation: str | None) -> Any:
        weights = initializers.TruncatedNormal(stddev=0.03)  # cut at two standard deviations, and not rescaled
        return layers.Dense(units, activation, kernel_initializer=weights, bias_initializer="zeros")

    return [layers.Flatten(), dense(1000, "relu"), dense(500, "relu"), dense(100, "relu"), dense(10, None)]


def _2c2d() -> list[Any]:
    from keras import initializers, layers

    def initial() -> dict[str, Any]:
        weights = initializers.TruncatedNormal(stddev=0.05)  # cut at two standard deviations, and not rescaled
        return {"kernel_initializer": weights, "bias_initializer": initializers.Constant(0.05)}

    def convolution(filters: int) -> Any:
        return layers.Conv2D(filters, 5, padding="same", activation="relu", **initial())

    return [
        *(convolution(32), layers.MaxPooling2D(2, 2)),
        *(convolution(64), layers.MaxPooling2D(2, 2)),
        layers.Flatten(),
        layers.Dense(1024, "relu", **initial()),
        layers.Dense(10, **initial()),
    ]


def _on_both(name: str, title: str, **rest: Any) -> tuple[Network, Network]:
    """Returns a network on MNIST and on Fashion-MNIST."""
    return (
        Network(name=f"mnist_{name}", title=title, data="mnist", **rest),
        Network(name=f"fmnist_{name}", title=title, data="fashion_mnist", **rest),
    )


NETWORKS = {
    network.name: network
    for network in (
        *_on_both(
            "logreg",
            "logistic regression 784-10",
            layers=_logistic,
            parameters=7_850,
            budget=Budget(batch_size=128, epochs=50),
            weight="small",
            initial_loss=GUESSING,
            initial_loss_within=0.0,
        ),
        *_on_both(
            "mlp",
            "MLP 784-1000-500-100-10",
            layers=_mlp,
            parameters=1_336_610,
            budget=Budget(batch_size=128, epochs=100),
            weight="small",
            initial_loss=GUESSING,
            initial_loss_within=0.01,
        ),
        *_on_both(
            "2c2d",
            "2c2d network, 2 convolutions and 2 dense layers",
            layers=_2c2d,
            parameters=3_274_634,
            budget=Budget(batch_size=128, epochs=100),
            weight="large",
            initial_loss=GUESSING,
            initial_loss_within=0.2,
        ),
    )
}
