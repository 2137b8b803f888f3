"""Times the main comparison against a plain Keras script that trains the same runs, each in its own process.

Run as a program with `--epochs N --seeds A,B`, it is that script: it trains the runs of the study one by one with
`compile` and `fit`, and evaluates the training and test sets after each epoch. `compare` does more: it also evaluates
the validation examples and the initial weights.
"""

import argparse
import dataclasses
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments import studies
from experiments.checks.benchmark.plan import surroundings
from experiments.checks.benchmark.subjects import RULES
from experiments.checks.benchmark.tables import Grid
from experiments.errors import RunsFailed
from experiments.problems import grid, seeds, tasks
from experiments.problems.datasets.load import load
from experiments.studies import CONSTANT, Entry, Study
from experiments.text import from_csv
from experiments.tuning import selection

STUDY = "mnist"
ROOT = Path(__file__).parents[3]
HEADINGS = ("way", "runs", "epochs", "seconds in all", "times as fast as the plain way", "test accuracy, mean")
NOTE = (
    "plain: one Keras process, `compile` and `fit` for each optimizer and seed, with the scores of the training and "
    "test sets after each epoch. compare: `python -m experiments compare mnist --grid passes` in an empty folder; it "
    "also evaluates the validation set and the initial weights, records every run, and draws the figures."
)


@dataclasses.dataclass(frozen=True)
class Way:
    """Result of one way to make the comparison."""

    way: str  # `compare` or `plain`
    seconds: float  # from start to end of its process
    runs: int  # number of trainings
    epochs: int  # of each training
    ratio: float  # seconds of the plain way over those of this one
    test_accuracy: str  # mean over seeds after the last epoch, by optimizer; shows that both ways did the same work


def run(seeds: Sequence[int] | None, epochs: int | None, folder: Path, typed: str) -> None:
    """Measures both ways one after the other, then writes and prints; `seeds` and `epochs` replace the study's."""
    study = studies.load(studies.find(STUDY))
    wanted, epochs = list(seeds or study.seeds), epochs or study.epochs
    listed = ",".join(map(str, [*wanted, wanted[0]]))  # a seed alone would be a number of seeds
    given = ("--epochs", str(epochs), "--seeds", listed)
    compare = ("-m", "experiments", "compare", STUDY, *given, "--grid", grid.PASSES, "--out", "figures")
    with tempfile.TemporaryDirectory(prefix="benchmark-") as fresh:
        print("The plain way ...", file=sys.stderr, flush=True)
        plain_seconds, printed = _timed(("-m", "experiments.checks.benchmark.plain", *given), Path(fresh))
        print(f"took {plain_seconds:.1f} s. The comparison ...", file=sys.stderr, flush=True)
        seconds, _ = _timed(compare, Path(fresh))
        results = (Path(fresh) / "figures" / "report.csv").read_text(encoding="utf-8")
    runs = len(study.optimizers) * len(wanted)
    ours = {row["optimizer"]: float(row["test_accuracy_mean"] or "nan") for row in from_csv(results)}
    found = [
        Way(way, took, runs, epochs, plain_seconds / took, _words(accuracies))
        for way, took, accuracies in (("compare", seconds, ours), ("plain", plain_seconds, _means(printed)))
    ]
    _publish(found, folder, typed)


def _timed(words: Sequence[str], folder: Path) -> tuple[float, str]:
    """Runs Python in a folder; returns its seconds and its output."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"}
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    seconds = time.perf_counter() - start
    if done.returncode:
        raise RunsFailed(f"python {' '.join(words)} ended with code {done.returncode}.")
    return seconds, done.stdout


def _means(printed: str) -> dict[str, float]:
    """Returns the mean test accuracy of each optimizer from the lines of JSON that the script prints."""
    by_label: dict[str, list[float]] = {}
    for scores in (json.loads(line) for line in printed.splitlines() if line.startswith("{")):
        by_label.setdefault(scores["optimizer"], []).append(scores["test_accuracy"])
    return {label: statistics.fmean(values) for label, values in by_label.items()}


def _words(accuracies: Mapping[str, float]) -> str:
    """Returns the accuracies as text, without optimizers of which a run diverged."""
    finite = {label: value for label, value in sorted(accuracies.items()) if math.isfinite(value)}
    return ", ".join(f"{label} {value:.3f}" for label, value in finite.items())


def _publish(found: Sequence[Way], folder: Path, typed: str) -> None:
    from experiments.checks.benchmark import output  # imports Matplotlib, which the timed script does without

    cells = tuple(
        (w.way, str(w.runs), str(w.epochs), f"{w.seconds:.1f}", f"{w.ratio:.2f}", w.test_accuracy) for w in found
    )
    table = Grid("The main comparison, the plain way and ours", HEADINGS, cells, (NOTE,))
    output.publish("benchmark_plain", "The plain way", table, found, surroundings(typed), folder)


def main() -> None:
    """Trains everything, and prints the last test accuracy of each run as a line of JSON."""
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
            accuracy = train(study, entry, choices[entry.label].values, seed, data)
            print(json.dumps({"optimizer": entry.label, "seed": seed, "test_accuracy": accuracy}), flush=True)


def train(study: Study, entry: Entry, chosen: Mapping[str, float], seed: int, data: Any) -> float:
    """Trains one run with chosen values as Keras's documentation shows it, and returns its last test accuracy."""
    import keras

    from tfoptim.schedules import WarmupCosine

    task = tasks.get(study.task)
    model = task.model(*(seeds.derive(task.name, seed, purpose) for purpose in ("init", "dropout")))
    images, labels = data["train"]
    batch_size = len(labels) if entry.batch == "full" else study.batch_size
    steps = study.epochs * math.ceil(len(labels) / batch_size)
    rate, others = chosen["learning_rate"], {key: one for key, one in chosen.items() if key != "learning_rate"}
    model.compile(
        optimizer=optimizer(entry, rate if study.schedule == CONSTANT else WarmupCosine(rate, steps), **others),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )

    def evaluate(epoch: int, logs: Any) -> None:  # because the scores of `fit` are running means
        model.evaluate(images, labels, batch_size=1000, verbose=0)

    history = model.fit(
        images,
        labels,
        epochs=study.epochs,
        batch_size=batch_size,
        validation_data=data["test"],
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=evaluate)],
        verbose=0,
    )
    return float(history.history["val_accuracy"][-1])


def optimizer(entry: Entry, rate: Any, **others: float) -> Any:
    """Returns Keras's own optimizer for an entry of a study, with what was chosen for it."""
    import keras

    rule = RULES[entry.optimizer]
    return getattr(keras.optimizers, str(rule.keras))(
        rate, **{**rule.options, **rule.keras_only, **entry.hyperparameters, **others}
    )


if __name__ == "__main__":
    main()
