"""Takes times: which runs the pass has, how they are made one after the other, and how long that will be."""

from __future__ import annotations

import dataclasses
import math
import sys
from collections.abc import Mapping, Sequence

from experiments import environment, machine, terminal
from experiments.errors import UserError
from experiments.problems.seeds import TIMING as SEEDS
from experiments.records import estimate, run_folder, states, timings
from experiments.running import engines, sweep
from experiments.running.engines import Setting
from experiments.studies import Study
from experiments.studies.runs import EVALUATION, TIMING, Run, plan
from experiments.text import clock
from experiments.tuning.choosing import Choice

PASSES = 3  # of a run: the first warms up, the others are timed
START_SECONDS = 8.0  # of a process, until it has imported TensorFlow


def runs(identity: str, study: Study, choices: Mapping[str, Choice], repetitions: int, epochs: int | None) -> list[Run]:
    """Returns the runs of a timing pass in the order in which they are made: A B C A B C ...

    They belong to the study that is evaluated, however short they are, so that its report finds them.

    Args:
        identity: hash of the study that is evaluated.
        study: the optimizers that are timed.
        choices: their hyperparameters.
        repetitions: of each optimizer, each with a seed of its own.
        epochs: passes over the training set; None for 3, or those of a study that has fewer.

    Raises:
        UserError: there are not so many seeds.
    """
    if repetitions > len(SEEDS):
        raise UserError(
            f"--repetitions must be at most {len(SEEDS)} (the number of seeds reserved for timing), got {repetitions}."
        )
    study = dataclasses.replace(study, epochs=epochs or min(PASSES, study.epochs))
    return [
        plan(identity, study, TIMING, entry, choices[entry.label].values, seed)
        for seed in SEEDS[:repetitions]
        for entry in study.optimizers
    ]


def make(name: str, wanted: Sequence[Run], *, again: bool = False, dry_run: bool = False) -> None:
    """Makes the runs that are not recorded yet, one process at a time, and none of them from a checkpoint.

    Args:
        name: of the study.
        wanted: timing runs.
        again: whether all times that are recorded of these optimizers are forgotten, for instance since the machine was
            busy, or had other code.
        dry_run: whether to say how many there are instead, and how long they take.
    """
    if not wanted:
        return
    if dry_run:
        terminal.say(expected(name, wanted, again=again))
        return
    load = machine.load()
    if said := machine.warning(load):
        print(said, file=sys.stderr)
    if again:
        for record in timings.recorded(name, wanted[0].study, {run.label for run in wanted}):
            run_folder.discard(run_folder.folder(run_folder.ROOT, name, record.run))
    described = environment.describe(1) | {"engine": "local", "machine": machine.fingerprint(), "load_per_core": load}
    setting = Setting(1, sweep.logs(name), described, checkpoint_seconds=math.inf)
    sweep.fulfil(name, wanted, lambda: engines.make("local", setting, {}), f"Timing on {wanted[0].data}")


def expected(name: str, wanted: Sequence[Run], *, again: bool = False) -> str:
    """Returns how many runs there are, how many are missing, and about how long those will take."""
    missing = [run for run in wanted if again or not _recorded(name, run)]
    counted = f"{name}: {len(wanted)} timing runs, {len(wanted) - len(missing)} recorded, {len(missing)} to make"
    if not missing:
        return f"{counted}."
    known = estimate.paces(run_folder.ROOT)
    times = [_seconds(run, known) for run in missing]
    whole = math.fsum(time for time in times if time is not None)
    if None in times:
        return f"{counted}; how long that takes is not known, since nothing like it is recorded."
    return f"{counted}; about {clock(whole)}, one at a time."


def _recorded(name: str, run: Run) -> bool:
    return states.of(run_folder.folder(run_folder.ROOT, name, run), run).word in states.FINAL


def _seconds(run: Run, known: dict[tuple[str, ...], list[estimate.Pace]]) -> float | None:
    """Returns the seconds that a run will take with its process and its compiling, None where none is like it."""
    alike = (run, dataclasses.replace(run, kind=EVALUATION))
    found = (estimate.seconds([one], known, 1) for one in alike)
    told = next((seconds for seconds in found if seconds is not None), None)
    return None if told is None else told + START_SECONDS
