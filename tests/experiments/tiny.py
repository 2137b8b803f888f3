"""A segmentation problem so small that a whole study of it takes seconds, and an engine without processes."""

import dataclasses

import numpy as np

from experiments import environment, studies
from experiments.problems.datasets.augment import BRAIN
from experiments.problems.datasets.examples import Slices
from experiments.problems.tasks import TASKS
from experiments.problems.unet import unet
from experiments.running.engines import Event, execute

CLASSES = ("background", "grey matter", "white matter")
SIDES = (16, 12)
TASK = dataclasses.replace(
    TASKS["mni152"],
    title="tiny U-Net",
    parameters=0,
    build=lambda dropout: unet((*SIDES, 1), 3, (4, 8), dropout=0, bias=False, momentum=0.5, seed=dropout),
    augmentation=BRAIN,
    evaluation_batch=2,
)
TASK = dataclasses.replace(TASK, parameters=TASK.build(0).count_params())
STUDY = """
schema = 2
title = "A tiny study"
task = "mni152"
data = "mni152_tissue/noise06"
epochs = 2
batch_size = 4
micro_batch = 4
seeds = [0, 1]
figures = "figures"
grid = "passes"
budget = "smoke"

[tuning]
seeds = [1000]
epochs = 1

[[presets]]
name = "quick"
optimizers = ["CLMR"]
seeds = [1]
epochs = 1
figures = "quick"

[[optimizers]]
label = "GD"
optimizer = "gd"
batch = "full"
default_learning_rate = 0.1
style = { color = "#6E6E6E", line = "dotted", marker = "o" }

[[optimizers]]
label = "CLMR"
optimizer = "clmr"
batch = "mini"
default_learning_rate = 0.01
cycle_epochs = 2.0
style = { color = "#D55E00", line = "solid", marker = "v" }
"""


def study(**changes):
    """The tiny study, with some fields changed."""
    return dataclasses.replace(studies.parse(STUDY, "tiny.toml"), **changes)


def slices(count, seed=0, volumes=False):
    """Nested boxes, brighter inwards, in noise; each slice a case, or each pair of neighbours."""
    generator = np.random.default_rng(seed)
    labels = np.zeros((count, *SIDES), np.uint8)
    for number in range(count):
        top, left = generator.integers(1, 4, 2)
        labels[number, top : top + 10, left : left + 7] = 1
        labels[number, top + 3 : top + 8, left + 2 : left + 6] = 2
    images = (60 * labels + generator.integers(0, 40, labels.shape)).astype(np.uint8)
    return Slices(
        images=images[..., None],
        labels=labels,
        cases=np.array([f"case{n // 2 if volumes else n}" for n in range(count)]),
        positions=np.arange(count),
        spacing_mm=np.full((count, 3), (2.0, 1.0, 3.0), np.float32),
    )


SPLITS = {"train": slices(9), "validation": slices(3, 1), "test": slices(4, 2)}


def load(name, splits):
    """The tiny splits, whatever the data set is called."""
    return {split: SPLITS[split] for split in splits}


class Inline:
    """An engine that carries out all jobs in this process."""

    def submit(self, jobs, observe):
        """Carries out all jobs, one after the other, sorted by program, on one bench."""
        kept = execute.WorkerCache()
        for job in sorted(jobs, key=lambda job: job.run.program):

            def say(kind, job=job, **content):
                observe(Event(job, kind, content))

            made = {"spec": job.run.content, "folder": str(job.folder), "environment": environment.describe(1)}
            execute.execute_run(made, kept, say)


def place(monkeypatch, folder, toml=STUDY):
    """Makes a folder the working directory, with the tiny study, its data, its model and the engine of this process."""
    monkeypatch.chdir(folder)
    monkeypatch.setitem(TASKS, "mni152", TASK)
    monkeypatch.setattr("experiments.problems.datasets.load.load", load)
    monkeypatch.setattr("experiments.running.engines.make", lambda *arguments: Inline())
    monkeypatch.setattr("experiments.running.sweep._prepare", lambda name: None)
    (folder / "tiny.toml").write_text(toml, encoding="utf-8")
    return folder / "tiny.toml"
