"""Learning rates chosen on validation data: the rule, and the two files that hold choice and evidence.

Every optimizer is tried at the same number of rates, equally spaced on a log scale over a window of
the same width around its documented default. When the best lies in the outer tenth of the window, the
window moves on by a decade, at most `slides` times; after that the choice is marked `boundary`.
The best rate has the highest median validation score (accuracy, Dice) over the tuning seeds after the last pass;
ties go to the lower median validation loss, then to the smaller rate.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments import records, tasks
from experiments.config import Entry, Study, Tuning, tuning_hash
from experiments.errors import UserError
from experiments.tables import from_csv, to_csv

EDGE = 0.1


@dataclasses.dataclass(frozen=True)
class Trial:
    """How one tuning run ended; a diverged one has no scores."""

    label: str
    learning_rate: float
    seed: int
    score: float
    loss: float


@dataclasses.dataclass(frozen=True)
class Choice:
    """The rate chosen for an optimizer.

    Attributes:
        learning_rate: the rate.
        window: the lowest and highest rate of the window it was chosen from.
        slides: decades the window moved on; negative is towards smaller rates.
        boundary: whether the best still lay at the edge when no slide was left.
        validation_score: median over the tuning seeds.
        trials: tuning runs in the window, and in all.
    """

    learning_rate: float
    window: tuple[float, float]
    slides: int
    boundary: bool
    validation_score: float
    trials: tuple[int, int]


def window(entry: Entry, tuning: Tuning, slides: int) -> list[float]:
    """Returns the rates of a window, ascending; windows of other slides share their rates bit for bit."""
    spacing = tuning.decades / (tuning.points - 1)
    half = tuning.points // 2
    return [float(f"{entry.default_learning_rate * 10 ** (slides + k * spacing):.4g}") for k in range(-half, half + 1)]


def best(rates: Sequence[float], trials: Sequence[Trial]) -> float:
    """Returns the best of some rates by the rule above."""

    def rank(rate: float) -> tuple[float, float, float]:
        of_rate = [trial for trial in trials if trial.learning_rate == rate]
        score = statistics.median(trial.score for trial in of_rate)
        return -score, statistics.median(trial.loss for trial in of_rate), rate

    return min(rates, key=rank)


def edge(rates: Sequence[float], rate: float) -> int:
    """Returns -1 or 1 when a rate lies in the lower or upper tenth of a window's log range, else 0."""
    place = rates.index(rate) / (len(rates) - 1)
    return (place > 1 - EDGE) - (place < EDGE)


def settle(study: Study, entry: Entry, trials: Sequence[Trial]) -> Choice | list[float]:
    """Returns the choice for one optimizer, or the rates of the window that has to be tried next.

    Args:
        study: has the tuning rules.
        entry: the optimizer.
        trials: its trials so far; those at other rates than asked for do not count.
    """
    slides, tuning = 0, study.tuning
    while True:
        rates = window(entry, tuning, slides)
        here = [t for t in trials if t.label == entry.label and t.learning_rate in rates]
        if len({(t.learning_rate, t.seed) for t in here}) < tuning.points * len(tuning.seeds):
            return rates
        rate = best(rates, here)
        side = edge(rates, rate)
        if side == 0 or abs(slides) == tuning.slides or side * slides < 0:
            break
        slides += side
    score = statistics.median(t.score for t in here if t.learning_rate == rate)
    total = sum(t.label == entry.label for t in trials)
    return Choice(rate, (rates[0], rates[-1]), slides, side != 0, score, (len(here), total))


def trial_of(record: records.Record) -> Trial:
    """Returns the trial of a tuning record."""
    last = record.evaluations[-1]
    good = record.status == "done"
    return Trial(
        record.run.label,
        record.run.learning_rate,
        record.run.seed,
        last[_judged(record.run.task)] if good else -math.inf,
        last["validation_loss"] if good else math.inf,
    )


def paths(study: Path) -> tuple[Path, Path]:
    """Returns the files of a study's selection and of its evidence, beside the study's own."""
    return study.with_suffix(".selection.json"), study.with_suffix(".tuning.csv")


def write(path: Path, study: Study, found: Sequence[records.Record], choices: Mapping[str, Choice]) -> None:
    """Writes the evidence, then the selection that names it by its hash."""
    selected, evidence = paths(path)
    text = _table(study, found)
    environment = dict(found[0].environment)
    content = {
        "study": path.stem,
        "tuning_hash": tuning_hash(study),
        "evidence_sha256": hashlib.sha256(text.encode()).hexdigest(),
        "made_with": {k: environment[k] for k in ("commit", "source", "tensorflow", "keras")},
        "rule": f"highest median validation {tasks.get(study.task).score_title} after the last pass",
        "trials": len(found),
        "diverged": sum(record.status == "diverged" for record in found),
        "choices": {label: _plain(choice, study.task) for label, choice in choices.items()},
    }
    records.write(evidence, text)
    records.write(selected, json.dumps(content, indent=2) + "\n")


def read(path: Path, study: Study) -> dict[str, Choice]:
    """Returns the committed choices of a study, after making sure that they are its own.

    Raises:
        UserError: there are none, they were made for another definition, or the evidence does not
            lead to them.
    """
    selected, evidence = paths(path)
    again = f"choose them with: python -m experiments tune {path.stem}"
    if not selected.is_file() or not evidence.is_file():
        raise UserError(f"The study {path.stem} has no chosen learning rates yet; {again}")
    text = evidence.read_bytes().decode()
    try:
        content = json.loads(selected.read_text(encoding="utf-8"))
        made_for, sha256 = content["tuning_hash"], content["evidence_sha256"]
        choices = {label: _choice(raw, study.task) for label, raw in content["choices"].items()}
        trials = trials_of(text) if sha256 == hashlib.sha256(text.encode()).hexdigest() else []
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"The file {selected.name} cannot be read ({error!r}); {again}") from error
    if made_for != tuning_hash(study):
        raise UserError(
            f"The learning rates in {selected.name} were chosen for another definition of the study "
            f"{path.stem} ({made_for[:8]}, now {tuning_hash(study)[:8]}); {again}"
        )
    if any(settle(study, e, trials) != choices.get(e.label) for e in study.optimizers):
        raise UserError(f"The trials in {evidence.name} do not lead to {selected.name}; {again}")
    return choices


def trials_of(text: str) -> list[Trial]:
    """Returns the trials in a table of evidence, judged by the one score of validation that is no loss."""
    rows = from_csv(text)
    judged = next(key for key in rows[0] if key.startswith("validation_") and key != "validation_loss")
    return [
        Trial(
            row["optimizer"],
            float(row["learning_rate"]),
            int(row["seed"]),
            float(row[judged]) if row["status"] == "done" else -math.inf,
            float(row["validation_loss"]) if row["status"] == "done" else math.inf,
        )
        for row in rows
    ]


def _judged(task: str) -> str:
    """Returns what the score that rates are chosen by is called in records and files."""
    return f"validation_{tasks.get(task).score}"


def _plain(choice: Choice, task: str) -> dict[str, Any]:
    return {_judged(task) if k == "validation_score" else k: v for k, v in dataclasses.asdict(choice).items()}


def _choice(raw: Mapping[str, Any], task: str) -> Choice:
    named = {"validation_score" if key == _judged(task) else key: value for key, value in raw.items()}
    return Choice(**{**named, "window": tuple(raw["window"]), "trials": tuple(raw["trials"])})


def _table(study: Study, found: Sequence[records.Record]) -> str:
    order = {entry.label: i for i, entry in enumerate(study.optimizers)}
    ordered = sorted(found, key=lambda r: (order[r.run.label], r.run.learning_rate, r.run.seed))
    return to_csv([_row(record) for record in ordered])


def _row(record: records.Record) -> dict[str, Any]:
    run, last = record.run, record.evaluations[-1]
    scores = (_judged(run.task), "validation_loss", "running_loss", "example_gradients")
    return {
        "data": run.data,
        "model": run.task,
        "optimizer": run.label,
        "learning_rate": run.learning_rate,
        "seed": run.seed,
        "status": record.status,
        "epochs": last["epoch"],
        **{score: last[score] for score in scores},
        "run": run.identity[:20],
    }
