"""A training that stops by a condition of all kinds together."""

import keras
import numpy as np

import tfoptim
from tfoptim.callbacks import Budget, GradientNormBelow, NonFinite, RelativeDecreaseBelow

X = np.random.default_rng(0).normal(size=(32, 3)).astype("float32")
Y = X @ np.float32([[1], [2], [3]])


def stop(strategy):
    """Trains in the scope of a strategy; returns how long it took, why it stopped, and what it spent."""
    keras.utils.set_random_seed(0)
    with strategy.scope():
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        model.compile(optimizer=tfoptim.Momentum(0.05), loss="mse")
    small = GradientNormBelow(0.1, (X, Y)) | Budget(steps=90) | NonFinite(every_steps=3)
    condition = small & RelativeDecreaseBelow(0.9)
    epochs = len(model.fit(X, Y, batch_size=8, epochs=40, shuffle=False, verbose=0, callbacks=[condition]).epoch)
    spent = condition.cost
    return {"epochs": epochs, "reason": condition.reason, "spent": [spent.steps, spent.examples, spent.extra]}
