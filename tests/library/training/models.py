"""A linear model of each kind, with known weights, and the loop that its training must follow."""

import keras
import numpy as np

from tests.library.reference.sam import gradients_nearby
from tfoptim.training import Loss, Trainer, trainable

X = np.random.default_rng(0).normal(size=(12, 3)).astype("float32")
Y = (X @ np.array([[1.0], [-2.0], [0.5]]) + 0.3).astype("float32")
WEIGHTS = np.linspace(0.5, 2.0, 12).astype("float32")


def layers():
    """A linear layer with known weights."""
    start = keras.initializers.Constant([[0.3], [0.1], [-0.2]])
    return keras.layers.Dense(1, kernel_initializer=start, name="linear")


def functional():
    """As a functional model."""
    inputs = keras.Input((3,))
    return trainable(keras.Model(inputs, layers()(inputs)))


def sequential():
    """As a Sequential model."""
    return trainable(keras.Sequential([keras.Input((3,)), layers()]))


class Net(Trainer, keras.Model):
    """As a class without `training` in its `call`, and with a loss of its own signature."""

    def __init__(self):
        super().__init__()
        self.linear = layers()

    def call(self, x):
        """The linear layer."""
        return self.linear(x)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
        """Keras's."""
        return super().compute_loss(x, y, y_pred, sample_weight)


class Own(keras.Model):
    """With a `train_step` of its own, which asks the optimizer."""

    def __init__(self):
        super().__init__()
        self.linear = layers()

    def call(self, x):
        """The linear layer."""
        return self.linear(x)

    def train_step(self, data):
        """As in `Trainer`, without metrics."""
        loss = Loss(self, *keras.utils.unpack_x_y_sample_weight(data))
        variables = self.trainable_variables
        self.optimizer.apply(self.optimizer.gradients(loss, variables), variables)
        return {"loss": loss.value}


def fitted(model, optimizer, epochs=2, **settings):
    """The model and its history, after training on the whole of the data in each step."""
    model.compile(optimizer, "mse", **settings)
    history = model.fit(X, Y, 12, epochs, verbose=0, sample_weight=WEIGHTS, shuffle=False).history
    return model, history


def linear_loop(steps, rate=0.1, rho=0.2, adaptive=False):
    """Kernel and bias after SAM on the weighted squared error, and the losses before each step."""
    x, y, c = (a.astype("float64") for a in (X, Y, WEIGHTS[:, None]))
    weights, losses = [np.array([[0.3], [0.1], [-0.2]]), np.zeros(1)], []

    def gradients_at(weights):
        error = 2 * c * (x @ weights[0] + weights[1] - y) / len(x)
        return [x.T @ error, error.sum(axis=0)]

    for _ in range(steps):
        losses.append(np.mean(c * (x @ weights[0] + weights[1] - y) ** 2))
        nearby = gradients_nearby(weights, gradients_at, rho, adaptive)
        weights = [w - rate * g for w, g in zip(weights, nearby, strict=True)]
    return weights, losses
