"""Targets (rule B14): the validation score that counts as solved, set by a pool of well tuned optimizers.

AdamW, NAdamW, Nesterov and the heavy ball are each tuned with five times the study's trials; the best of them is run
again with seeds of its own, and the target is the median of their best validation scores. It is made once for each
problem and kept next to the study; the runs that it judges have no part in it.
"""

from __future__ import annotations

import dataclasses
import json
import math
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiments.errors import UserError
from experiments.problems import grid, tasks
from experiments.problems.seeds import TARGET as SEEDS
from experiments.problems.seeds import TUNING as TUNING_SEEDS
from experiments.problems.tasks.base import Task
from experiments.records import files
from experiments.records.run_folder import Record
from experiments.studies import Entry, Study, Style, typed
from experiments.studies.budgets import POOLS
from experiments.studies.identity import study_hash
from experiments.tuning import choosing

_STYLE = Style("#000000", "solid", "o")
POOL = (
    Entry("AdamW", "adamw", "mini", 0.001, _STYLE),
    Entry("NAdamW", "nadam", "mini", 0.001, _STYLE, {"weight_decay": 0.004}),
    Entry("Nesterov", "momentum", "mini", 0.01, _STYLE, {"nesterov": True}),
    Entry("heavy ball", "momentum", "mini", 0.01, _STYLE),
)


@dataclasses.dataclass(frozen=True)
class Target:
    """The validation score that counts as solved."""

    value: float  # median over the seeds of the best validation score
    optimizer: str  # the best of the pool
    seeds: int  # of the runs that it was read from

    @property
    def words(self) -> str:
        """The sentence on its origin."""
        return (
            f"Target: {self.value:.4g}, the median over {self.seeds} seeds of the best validation score of "
            f"{self.optimizer}, the best of a pool of {len(POOL)} that had five times the trials."
        )


def pool(study: Study) -> Study:
    """Returns the study of the pool on the problem of a study, evaluated more often: a target is of best scores."""
    budget = POOLS[study.budget]
    seeds = tuple(TUNING_SEEDS[: budget.tuning_seeds])
    return dataclasses.replace(
        study,
        title=f"The pool for the target of: {study.title}",
        optimizers=POOL,
        reference=None,
        track="tuned",
        budget=budget.name,
        grid=grid.PROTOCOL if study.grid == grid.DOUBLING else study.grid,
        seeds=tuple(SEEDS[: budget.seeds]),
        tuning=dataclasses.replace(study.tuning, seeds=seeds),
        claims=(),
        presets=(),
    )


def paths(study: Path) -> tuple[Path, Path]:
    """Returns the path that the files of a study's pool are named after, and that of its target."""
    return study.with_stem(f"{study.stem}.pool"), study.with_suffix(".target.json")


def best(record: Record, task: Task) -> float:
    """Returns the best validation score of a run, even one that diverged later."""
    scores = [float(evaluation[f"validation_{task.score}"]) for evaluation in record.evaluations]
    return max(filter(math.isfinite, scores), key=task.merit)


def write(path: Path, study: Study, label: str, choice: choosing.Choice, found: Sequence[Record]) -> Target:
    """Writes the target of a study of one problem next to it, and returns it."""
    task, whole = tasks.get(study.task), pool(study)
    content = {
        "study": path.stem,
        "pool_hash": study_hash(whole),
        "optimizer": label,
        "values": dict(choice.values),
        "seeds": [record.run.seed for record in found],
        "best": [best(record, task) for record in found],
        "made_with": {key: found[0].environment[key] for key in ("commit", "source", "tensorflow", "keras")},
    }
    files.write(paths(path)[1], json.dumps(content, indent=2) + "\n")
    return _target(content)


def read(path: Path, study: Study) -> Target | None:
    """Returns the target that was made for a study of one problem, None where there is none.

    Raises:
        UserError: the file cannot be read, or was made for another definition.
    """
    written, again = paths(path)[1], f"make it with: python -m experiments target {typed(path)}"
    if not written.is_file():
        return None
    try:
        content = json.loads(written.read_text(encoding="utf-8"))
        made_for, target = content["pool_hash"], _target(content)
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"The file {written.name} cannot be read ({error!r}); {again}") from error
    if made_for != study_hash(pool(study)):
        raise UserError(f"The target in {written.name} was made for another definition of the study; {again}")
    return target


def _target(content: dict[str, Any]) -> Target:
    return Target(statistics.median(content["best"]), str(content["optimizer"]), len(content["seeds"]))
