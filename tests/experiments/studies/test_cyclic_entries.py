"""CLR and CLMR are entries of a study like any other: named in its file, trained, resumed by their record."""

import math

import numpy as np
import pytest

from experiments import studies
from experiments.running.training.train import Program
from experiments.studies import identity, runs
from tests.experiments.small import TOML

ENTRIES = """
[[optimizers]]
label = "CLR"
optimizer = "clr"
batch = "mini"
default_learning_rate = 0.01
hyperparameters = { cycle = 8, peak_factor = 5.0 }
style = { color = "#0072B2", line = "solid", marker = "^" }

[[optimizers]]
label = "CLMR"
optimizer = "clmr"
batch = "mini"
default_learning_rate = 0.01
hyperparameters = { cycle = 8, momentum_cycle = 8, peak_momentum = 0.9 }
style = { color = "#009E73", line = "solid", marker = "D" }
"""


@pytest.mark.slow
@pytest.mark.parametrize("label", ["CLR", "CLMR"])
def test_cyclic_optimizers_run_in_a_study(label):
    """The plan has their arguments, the training lowers the loss, and a second run of the same program is the same."""
    import tensorflow as tf

    study = studies.parse(TOML + ENTRIES, "cyclic.toml")
    (entry,) = [entry for entry in study.optimizers if entry.label == label]
    run = runs.plan(identity.study_hash(study), study, runs.EVALUATION, entry, {"learning_rate": 0.02}, 0)
    assert dict(entry.hyperparameters).items() <= run.content["hyperparameters"].items()
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 10, 400)
    images = np.zeros((400, 28, 28, 1), np.uint8)
    images[np.arange(400), labels] = 255  # a bright row for each digit
    program = Program(run, {"train": (tf.constant(images), tf.constant(labels.astype(np.int32)))})
    first, second = (list(program.run(run)) for _ in range(2))
    assert [e["train_loss"] for e in first] == [e["train_loss"] for e in second]
    assert math.isfinite(first[-1]["train_loss"])
    assert first[-1]["train_loss"] < first[0]["train_loss"]
