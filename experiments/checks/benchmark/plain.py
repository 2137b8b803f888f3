"""Times the main comparison, and a plain Keras script that trains the same runs; each in a process of its own."""

from __future__ import annotations

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

from experiments import studies, terminal
from experiments.checks.benchmark import output
from experiments.checks.benchmark.plan import as_csv, surroundings
from experiments.checks.benchmark.tables import Grid
from experiments.errors import RunsFailed
from experiments.problems import grid
from experiments.records import run_folder
from experiments.text import from_csv

STUDY = "mnist"
ROOT = Path(__file__).parents[3]


@dataclasses.dataclass(frozen=True)
class Way:
    """How one way to do the comparison went.

    Attributes:
        way: `compare` or `plain`.
        seconds: from the start of its process to the end.
        runs: trainings.
        epochs: epochs of each.
        ratio: the plain way's seconds over this one's.
        test_accuracy: mean over seeds after the last epoch, for each optimizer: it tells that both did the same work.
    """

    way: str
    seconds: float
    runs: int
    epochs: int
    ratio: float
    test_accuracy: str


def run(seeds: Sequence[int] | None, epochs: int | None, folder: Path, typed: str) -> None:
    """Measures both ways, one after the other, then writes and prints.

    Args:
        seeds: other seeds than the study's.
        epochs: another budget than the study's.
        folder: where the table goes.
        typed: the command as it was typed.

    Raises:
        RunsFailed: one of them ended with an error.
    """
    study = studies.load(studies.find(STUDY))
    wanted = list(seeds or study.seeds)
    listed = ",".join(map(str, [*wanted, wanted[0]]))  # a seed alone would be a number of seeds
    given = ("--epochs", str(epochs or study.epochs), "--seeds", listed)
    compare = ("-m", "experiments", "compare", STUDY, *given, "--grid", grid.PASSES, "--out", "figures")
    script = ("-m", "experiments.checks.benchmark.script", *given)
    with tempfile.TemporaryDirectory(prefix="benchmark-") as fresh:
        print("The plain way ...", file=sys.stderr, flush=True)
        plain_seconds, printed = _timed(script, Path(fresh))
        print(f"took {plain_seconds:.1f} s. The comparison ...", file=sys.stderr, flush=True)
        seconds, _ = _timed(compare, Path(fresh))
        results = (Path(fresh) / "figures" / "report.csv").read_text(encoding="utf-8")
    runs = len(study.optimizers) * len(wanted)
    told = {row["optimizer"]: row["test_accuracy_mean"] for row in from_csv(results)}
    means = {label: float(mean or "nan") for label, mean in told.items()}
    ours = {label: mean for label, mean in means.items() if math.isfinite(mean)}  # there is none where a run diverged
    found = [
        Way(way, took, runs, epochs or study.epochs, plain_seconds / took, accuracy)
        for way, took, accuracy in (
            ("compare", seconds, _words(ours)),
            ("plain", plain_seconds, _words(_means(printed))),
        )
    ]
    _publish(found, folder, typed)


def _timed(words: Sequence[str], folder: Path) -> tuple[float, str]:
    """Runs Python in a folder; returns the seconds it took and what it printed.

    Raises:
        RunsFailed: it ended with an error.
    """
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
    """Returns the mean test accuracy of each optimizer out of the script's lines of JSON."""
    by_label: dict[str, list[float]] = {}
    for line in printed.splitlines():
        if line.startswith("{"):
            told = json.loads(line)
            by_label.setdefault(told["optimizer"], []).append(told["test_accuracy"])
    return {label: statistics.fmean(values) for label, values in by_label.items()}


def _words(accuracies: Mapping[str, float]) -> str:
    return ", ".join(f"{label} {accuracies[label]:.3f}" for label in sorted(accuracies))


def _publish(found: Sequence[Way], folder: Path, typed: str) -> None:
    headings = ("way", "runs", "epochs", "seconds in all", "times as fast as the plain way", "test accuracy, mean")
    cells = tuple(
        (w.way, str(w.runs), str(w.epochs), f"{w.seconds:.1f}", f"{w.ratio:.2f}", w.test_accuracy) for w in found
    )
    note = (
        "plain: one Keras process, `compile` and `fit` for each optimizer and seed, with the scores of the training "
        "and the test set after each epoch. compare: `python -m experiments compare mnist --grid passes` in an empty "
        "folder; it evaluates the validation set and the initial weights besides, records every run, and draws the "
        "figures."
    )
    table = Grid("The main comparison, the plain way and ours", headings, cells, (note,))
    about = surroundings(typed)
    folder.mkdir(parents=True, exist_ok=True)
    run_folder.write(folder / "benchmark_plain.csv", as_csv(found, about))
    run_folder.write(folder / "benchmark_plain.md", output.markdown("The plain way", [table], about))
    output.show(table)
    terminal.say(f"Written to {folder}: benchmark_plain.csv, benchmark_plain.md.")
