"""The plain way: the script that one would write for the main comparison with Keras alone, in one process.

It trains the runs of a study one after the other with `compile` and `fit`, and says the scores after each epoch: of
the whole training set, and of the test set. That is less than `compare` does, which also evaluates the validation
examples and the initial weights. Started by `experiments.checks.benchmark.plain`.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
from typing import Any

import keras
import numpy as np

from experiments import studies
from experiments.checks.benchmark.subjects import RULES
from experiments.problems import seeds, tasks
from experiments.problems.datasets.load import load
from experiments.studies import CONSTANT, Entry, Study
from experiments.tuning import selection
from tfoptim.schedules import WarmupCosine

STUDY = "mnist"


class OnTraining(keras.callbacks.Callback):
    """Evaluates the training examples after each epoch: what `fit` reports of them is a running mean."""

    def __init__(self, images: np.ndarray, labels: np.ndarray) -> None:
        super().__init__()
        self.images, self.labels = images, labels

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Evaluates."""
        self.model.evaluate(self.images, self.labels, batch_size=1000, verbose=0)


def main() -> None:
    """Trains everything, and prints each run's last test accuracy as a line of JSON."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--seeds", required=True)
    given = parser.parse_args()
    path = studies.find(STUDY)
    study = studies.load(path)
    choices = selection.read(path, study)
    wanted = tuple(dict.fromkeys(map(int, given.seeds.split(","))))
    study = dataclasses.replace(study, epochs=given.epochs, seeds=wanted)
    data = {
        split: (examples.images.astype(np.float32) / 255, examples.labels)
        for split, examples in load(study.data, ("train", "test")).items()
    }
    for entry in study.optimizers:
        for seed in study.seeds:
            accuracy = train(study, entry, choices[entry.label].learning_rate, seed, data)
            print(json.dumps({"optimizer": entry.label, "seed": seed, "test_accuracy": accuracy}), flush=True)


def train(study: Study, entry: Entry, rate: float, seed: int, data: Any) -> float:
    """Trains one run as Keras's documentation shows it, and returns its last test accuracy."""
    task = tasks.get(study.task)
    model = task.model(*(seeds.derive(task.name, seed, purpose) for purpose in ("init", "dropout")))
    images, labels = data["train"]
    batch_size = len(labels) if entry.batch == "full" else study.batch_size
    steps = study.epochs * math.ceil(len(labels) / batch_size)
    model.compile(
        optimizer=optimizer(entry, rate if study.schedule == CONSTANT else WarmupCosine(rate, steps)),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    history = model.fit(
        images,
        labels,
        epochs=study.epochs,
        batch_size=batch_size,
        validation_data=data["test"],
        callbacks=[OnTraining(images, labels)],
        verbose=0,
    )
    return float(history.history["val_accuracy"][-1])


def optimizer(entry: Entry, rate: Any) -> Any:
    """Returns Keras's own optimizer for an entry of a study."""
    rule = RULES[entry.optimizer]
    return getattr(keras.optimizers, rule.keras)(rate, **{**rule.options, **rule.keras_only, **entry.hyperparameters})


if __name__ == "__main__":
    main()
