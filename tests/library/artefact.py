"""Saved files of a release: `make artefacts` writes those of this version, with the oldest Keras.

Each holds a small model, its optimizer after three steps, and, as JSON, the weights that the release goes on to.
"""

import json
from pathlib import Path

import keras
import numpy as np

import tfoptim

FOLDER = Path(__file__).parent / "artefacts"
X = np.linspace(-1.0, 1.0, 12, dtype="float32").reshape(4, 3)
Y = np.linspace(1.0, 0.0, 8, dtype="float32").reshape(4, 2)


def optimizers():
    """What is saved, by name: rules with different state, and what is around them."""
    excluded = tfoptim.AdamW(0.01, weight_decay=0.1)
    excluded.exclude_from_weight_decay(var_names=["bias"])
    return {
        "adamw": excluded,
        "amsgrad": tfoptim.Adam(0.01, amsgrad=True, use_ema=True, clipnorm=1.0),
        "clmr": tfoptim.CLMR(0.01, cycle=10),
        "loss_scale": tfoptim.LossScaleOptimizer(tfoptim.RMSprop(0.01, centered=True, momentum=0.9)),
        "schedule": tfoptim.Momentum(
            tfoptim.schedules.WarmupCosine(0.1, 10), nesterov=True, gradient_accumulation_steps=2
        ),
    }


def write(folder=FOLDER):
    """Writes the files of this version into a folder."""
    for name, optimizer in optimizers().items():
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        model.compile(optimizer, loss="mse")
        for _ in range(3):
            model.train_on_batch(X, Y)
        path = Path(folder) / f"tfoptim-{tfoptim.__version__}-{name}.keras"
        model.save(path)
        path.with_suffix(".json").write_text(json.dumps(_expected(model, optimizer), indent=1) + "\n", encoding="utf-8")


def _expected(model, optimizer):
    iterations = int(optimizer.iterations)
    model.train_on_batch(X, Y)
    weights = [weight.tolist() for weight in model.get_weights()]
    made = {"made_with": {"keras": keras.__version__}, "optimizer": type(optimizer).__name__, "iterations": iterations}
    return made | {"weights_after_one_more": weights}


if __name__ == "__main__":
    write()
