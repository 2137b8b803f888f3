"""Small studies, runs and records for the tests."""

import dataclasses
import json
import math

from experiments import environment, studies
from experiments.problems import grid
from experiments.records import run_folder
from experiments.studies import identity, runs
from experiments.tuning import choosing, selection

TOML = """
schema = 2
title = "A small study"
task = "mnist_mlp"
data = "mnist_5k"
epochs = 1
batch_size = 128
micro_batch = 1500
seeds = [0, 1]
figures = "figures"
grid = "passes"
budget = "smoke"

[tuning]
seeds = [1000]

[[optimizers]]
label = "GD"
optimizer = "gd"
batch = "full"
default_learning_rate = 0.01
style = { color = "#6E6E6E", line = "dotted", marker = "o" }

[[optimizers]]
label = "Adam"
optimizer = "adam"
batch = "mini"
default_learning_rate = 0.001
style = { color = "#D55E00", line = "solid", marker = "v" }
"""


def study(**changes):
    """The small study, with some fields changed."""
    return dataclasses.replace(studies.parse(TOML, "small.toml"), **changes)


def run(label="Adam", rate=0.001, seed=0, kind=runs.EVALUATION, point=None, **changes):
    """A run of the small study."""
    whole = study(**changes)
    entry = next(entry for entry in whole.optimizers if entry.label == label)
    place = {"round": 0, "widenings": 0, "index": 0} if kind == runs.TUNING else {}
    values = {"learning_rate": rate}
    return runs.plan(identity.study_hash(whole), whole, kind, entry, values, seed, point or place)


STEPS = 32  # of a pass over 4,000 examples in batches of 128


def evaluations(accuracies, test=True, steps=None):
    """Evaluations whose accuracies are given, the test's a hundredth below; NaN makes the run diverge.

    They are after each pass where no other steps are given.
    """
    steps = range(0, STEPS * len(accuracies), STEPS) if steps is None else steps
    return tuple(
        {
            "step": step,
            "epoch": grid.epoch_of(step, STEPS),
            "example_gradients": 125 * step,
            "seconds": 0.5 * step / STEPS,
            "running_loss": None,
            "train_loss": 2.3 - accuracy,
            "train_accuracy": accuracy,
            "validation_loss": 2.3 - accuracy,
            "validation_accuracy": accuracy,
            **({"test_accuracy": accuracy - 0.01} if test else {}),
        }
        for step, accuracy in zip(steps, accuracies, strict=True)
    )


def taken(began, **changes):
    """What a timing run says of itself that began at some second and took nine."""
    counted = {"peak_resident_bytes": 2**29, "peak_device_bytes": None, "parameters": 100, "state_bytes": 800}
    alone = {"runs_before": 0, "began": began, "ended": began + 9, "device": "CPU", "seconds_compiling": 1.0}
    return {**alone, **counted, **changes}


def record(label="Adam", accuracies=(0.1, 0.9), rate=0.001, seed=0, kind=runs.EVALUATION, point=None):
    """A record of a run of the small study."""
    status = "done" if all(map(math.isfinite, accuracies)) else "diverged"
    made = run(label, rate, seed, kind, point)
    return run_folder.Record(made, status, environment.describe(1), {}, evaluations(accuracies))


def trial(label="GD", rate=0.01, seed=1000, accuracy=0.5, loss=1.0, **place):
    """A tuning trial."""
    return choosing.Trial(label, rate, seed, accuracy, loss, **place)


def middle(search):
    """The index of the point in the middle of a search, which needs no widening."""
    return sorted(search.points, key=lambda point: point.units[0])[len(search.points) // 2].index


def select(path, whole):
    """Writes a selection for a study beside its file, as if each of its points had been tried; returns the choices.

    The middle rate wins.
    """
    found, choices = [], {}
    for entry in whole.optimizers:
        (search,) = choosing.searches(whole, entry)
        for point in search.points:
            accuracy = 0.9 if point.index == middle(search) else 0.5
            rate, place = point.values["learning_rate"], choosing.place(search, point)
            found += [
                record(entry.label, (0.1, accuracy), rate, seed, runs.TUNING, place) for seed in whole.tuning.seeds
            ]
        trials = [choosing.trial_of(made) for made in found]
        choices[entry.label] = choosing.settle(whole, entry, trials)
    selection.write(path, whole, found, choices)
    return choices


def saved(path):
    """The content of a selection file."""
    return json.loads(path.read_text(encoding="utf-8"))
