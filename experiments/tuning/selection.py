"""The two files of a study's tuning: its selection and the evidence for it, each checked against the other."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.errors import UserError
from experiments.problems import tasks
from experiments.records import files, run_folder
from experiments.records.costs import Cost
from experiments.studies import Study, typed
from experiments.studies.identity import tuning_hash
from experiments.studies.runs import steps
from experiments.text import from_csv, to_csv
from experiments.tuning.choosing import Choice, Trial, documented, judged, settle


def paths(study: Path) -> tuple[Path, Path]:
    """Returns the files of a study's selection and of its evidence, next to the study's own."""
    return study.with_suffix(".selection.json"), study.with_suffix(".tuning.csv")


def write(path: Path, study: Study, found: Sequence[run_folder.Record], choices: Mapping[str, Choice]) -> None:
    """Writes the evidence, then the selection that names it by its hash."""
    selected, evidence = paths(path)
    text, task = _table(study, found), tasks.get(study.task)
    environment, extreme = dict(found[0].environment), "lowest" if task.lower_is_better else "highest"
    content = {
        "study": path.stem,
        "tuning_hash": tuning_hash(study),
        "evidence_sha256": hashlib.sha256(text.encode()).hexdigest(),
        "made_with": {k: environment[k] for k in ("commit", "source", "tensorflow", "keras")},
        "rule": f"{extreme} median validation {task.score_title} after the last epoch",
        "track": study.track,
        "budget": study.budget,
        "trials": len(found),
        "diverged": sum(record.status == "diverged" for record in found),
        "choices": {label: _plain(choice, study.task) for label, choice in choices.items()},
    }
    files.write(evidence, text)
    files.write(selected, json.dumps(content, indent=2) + "\n")


def read(path: Path, study: Study) -> dict[str, Choice]:
    """Returns the committed choices of a study, or the documented ones where its track tunes nothing.

    Raises:
        UserError: there are none, they were made for another definition, or the evidence does not support them.
    """
    if not study.tuned:
        return documented(study)
    selected, evidence = paths(path)
    again = f"choose them with: python -m experiments tune {typed(path)}"
    if not selected.is_file() or not evidence.is_file():
        raise UserError(f"The study {path.stem} has no chosen learning rates yet; {again}")
    text = evidence.read_bytes().decode()
    try:
        content = json.loads(selected.read_text(encoding="utf-8"))
        made_for, sha256 = content["tuning_hash"], content["evidence_sha256"]
        counts = content["trials"], content["diverged"]
        choices = {label: _choice(raw, study.task) for label, raw in content["choices"].items()}
        trials = trials_of(text) if sha256 == hashlib.sha256(text.encode()).hexdigest() else []
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"The file {selected.name} cannot be read ({error!r}); {again}") from error
    if made_for != tuning_hash(study):
        raise UserError(
            f"The learning rates in {selected.name} were chosen for another definition of the study "
            f"{path.stem} ({made_for[:8]}, now {tuning_hash(study)[:8]}); {again}"
        )
    counted = len(trials), sum(trial.score == -math.inf for trial in trials)
    if counts != counted or any(settle(study, e, trials) != choices.get(e.label) for e in study.optimizers):
        raise UserError(f"The trials in {evidence.name} do not lead to {selected.name}; {again}")
    return choices


def outdated(path: Path, study: Study) -> bool:
    """Returns whether a study has no choices, or those of another definition; damaged files are for `read` to say."""
    selected, _ = paths(path)
    try:
        return bool(json.loads(selected.read_text(encoding="utf-8"))["tuning_hash"] != tuning_hash(study))
    except FileNotFoundError:
        return True
    except (OSError, ValueError, KeyError, TypeError):
        return False


def trials_of(text: str) -> list[Trial]:
    """Returns the trials in a table of evidence, judged by the score of their problem."""
    rows = from_csv(text)
    task = tasks.get(rows[0]["model"])
    return [
        Trial(
            row["optimizer"],
            float(row["learning_rate"]),
            int(row["seed"]),
            task.merit(float(row[judged(task.name)])) if row["status"] == "done" else -math.inf,
            float(row["validation_loss"]) if row["status"] == "done" else math.inf,
            *(int(row[word]) for word in ("round", "widenings", "index")),
        )
        for row in rows
    ]


def costs_of(text: str, study: Study) -> dict[str, Cost]:
    """Returns the costs of each optimizer by the evidence for a study's choice, without seconds."""
    batches = {entry.label: entry.batch for entry in study.optimizers}
    an_epoch = {label: steps(study.task, study.data, batch, study.batch_size) for label, batch in batches.items()}
    found: dict[str, Cost] = {}
    for row in from_csv(text):
        label, widened, gradients = row["optimizer"], int(row["widenings"]) > 0, int(row["example_gradients"])
        done = round(float(row["epochs"]) * an_epoch[label])
        cost = Cost(1, int(widened), steps=done, gradients=gradients, seconds=math.nan)
        found[label] = found.get(label, Cost()) + cost.parted()
    return found


def _plain(choice: Choice, task: str) -> dict[str, Any]:
    content = dataclasses.asdict(choice)
    score = tasks.get(task).merit(content["validation_score"])
    return {
        judged(task) if k == "validation_score" else k: score if k == "validation_score" else v
        for k, v in content.items()
    }


def _choice(raw: Mapping[str, Any], task: str) -> Choice:
    named = {"validation_score" if key == judged(task) else key: value for key, value in raw.items()}
    named["validation_score"] = tasks.get(task).merit(named["validation_score"])
    return Choice(**{**named, "window": tuple(raw["window"]), "trials": tuple(raw["trials"])})


def _table(study: Study, found: Sequence[run_folder.Record]) -> str:
    order = {entry.label: i for i, entry in enumerate(study.optimizers)}
    ordered = sorted(found, key=lambda r: (order[r.run.label], *r.run.point.values(), r.run.seed))
    return to_csv([_row(record) for record in ordered])


def _row(record: run_folder.Record) -> dict[str, Any]:
    run, last = record.run, record.evaluations[-1]
    scores = (judged(run.task), "validation_loss", "running_loss", "example_gradients")
    return {
        "data": run.data,
        "model": run.task,
        "optimizer": run.label,
        **run.point,
        "learning_rate": run.learning_rate,
        "hyperparameters": " ".join(f"{name}={value}" for name, value in sorted(run.hyperparameters.items())),
        "seed": run.seed,
        "status": record.status,
        "epochs": last["epoch"],
        **{score: last[score] for score in scores},
        "run": run.identity[:20],
    }
