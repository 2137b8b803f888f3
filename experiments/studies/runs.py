"""A run: its whole specification, whose hash is its identity."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from experiments.problems import datasets, own
from experiments.problems.grid import PASSES
from experiments.problems.tasks import get
from experiments.studies import COSINE, OWN, SCHEMA, Entry, Scalar, Study
from experiments.studies.identity import digest

EVALUATION = "evaluation"
TUNING = "tuning"
TARGET = "target"
TIMING = "timing"
LATER = {
    "grid": PASSES,
    "deterministic": False,
    "optimizer_version": "",
    "folder": "",
}  # fields, with their usual value
SPLITS_OF_KIND = {
    EVALUATION: ("train", "validation", "test"),
    TUNING: ("train", "validation"),  # a run of these kinds cannot see the test split: it never loads it
    TARGET: ("train", "validation"),
    TIMING: ("train", "validation"),
}


@dataclasses.dataclass(frozen=True)
class Run:
    """One training run: everything that its numbers depend on."""

    schema: int
    study: str
    kind: str
    task: str
    task_version: int | str
    data: str
    data_version: str
    split_sha256: str
    label: str
    optimizer: str
    batch: str
    hyperparameters: Mapping[str, Scalar]
    learning_rate: float
    schedule: str  # `warmup-cosine`, `constant`, or `own` of an optimizer that has one
    # of a tuning run, the `round`, `widenings` and `index` of its point in the search; else empty
    point: Mapping[str, int]
    seed: int
    epochs: int
    batch_size: int
    micro_batch: int
    grid: str = PASSES  # at which steps it is evaluated, one of `experiments.problems.grid.GRIDS`
    optimizer_version: str = ""  # of the code of an optimizer from outside this repository
    folder: str = ""  # where code from outside is found; no part of the identity
    deterministic: bool = False  # whether TensorFlow is held to operations that repeat their results to the last bit

    @property
    def identity(self) -> str:
        """SHA-256 of the canonical specification, 64 hexadecimal digits."""
        return digest({key: value for key, value in self.content.items() if key != "folder"})

    @property
    def content(self) -> dict[str, Any]:
        """The specification as plain values, as it is stored.

        Defaults of later fields are left out, so that earlier runs keep their identity.
        """
        content = dataclasses.asdict(self)
        for name, usual in LATER.items():
            if content[name] == usual:
                del content[name]
        return content

    @property
    def program(self) -> str:
        """The name of the compiled program; runs that agree in it share one trace.

        Code of users may keep what it is given: an optimizer its rate, and a model what it drew by its seed. Their runs
        share no trace with another rate, or another seed.
        """
        free = {"study", "label", "point", "grid", "folder"}
        free |= set() if self.schedule == COSINE else {"epochs"}
        free |= set() if self.optimizer_version and not self.optimizer.startswith("keras:") else {"learning_rate"}
        free |= set() if own.is_own(self.task) else {"seed"}
        return digest({key: value for key, value in self.content.items() if key not in free})


def plan(
    identity: str,
    study: Study,
    kind: str,
    entry: Entry,
    values: Mapping[str, float],
    seed: int,
    point: Mapping[str, int] | None = None,
) -> Run:
    """Returns the run of one entry of a study, or of its tuning, at its tuned values and a seed.

    Runs for tuning and for times are evaluated after each epoch, since no curve is drawn of them.
    """
    tuned = {name: value for name, value in values.items() if name != "learning_rate"}
    epochs = study.tuning.epochs or study.epochs if kind == TUNING else study.epochs
    return Run(
        schema=SCHEMA,
        study=identity,
        kind=kind,
        task=study.task,
        task_version=get(study.task).version,
        data=study.data,
        data_version=datasets.version(datasets.CARDS[study.data]),
        split_sha256=datasets.CARDS[study.data].split_sha256,
        label=entry.label,
        optimizer=entry.optimizer,
        optimizer_version=own.version(entry.optimizer, study.folder),
        folder=study.folder if study.foreign else "",
        batch=entry.batch,
        hyperparameters={**entry.hyperparameters, **_cycle(study, entry), **_parts(study, entry, epochs), **tuned},
        learning_rate=float(values["learning_rate"]),
        schedule=entry.schedule or (study.schedule if entry.cycle_epochs is None else OWN),
        point=dict(point or {}),
        seed=seed,
        epochs=epochs,
        batch_size=study.batch_size,
        micro_batch=study.micro_batch,
        deterministic=study.deterministic,
        grid=study.grid if kind in (EVALUATION, TARGET) else PASSES,
    )


def evaluation_runs(identity: str, study: Study, values: Mapping[str, Mapping[str, float]]) -> list[Run]:
    """Returns the runs of a comparison: every optimizer, with its chosen values, with every seed."""
    return [
        plan(identity, study, EVALUATION, entry, values[entry.label], seed)
        for entry in study.optimizers
        for seed in study.seeds
    ]


def steps(task: str, data: str, batch: str, batch_size: int) -> int:
    """Returns the steps of an entry in an epoch."""
    return 1 if batch == "full" else get(task).steps(datasets.CARDS[data].sizes["train"], batch_size)


def _cycle(study: Study, entry: Entry) -> dict[str, int]:
    """Returns the steps of a cycle of an optimizer that cycles, as an argument for it."""
    if entry.cycle_epochs is None:
        return {}
    return {"cycle": max(1, round(entry.cycle_epochs * _epoch(study, entry)))}


def _parts(study: Study, entry: Entry, epochs: int) -> dict[str, int]:
    """Returns the arguments that are shares of the steps of a run."""
    return {name: max(1, round(share * epochs * _epoch(study, entry))) for name, share in entry.shares.items()}


def _epoch(study: Study, entry: Entry) -> int:
    return steps(study.task, study.data, entry.batch, study.batch_size)
