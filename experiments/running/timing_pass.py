"""The timing pass: its runs, made one after the other, and the memory and times that their records have."""

import dataclasses
import math
import os
import resource
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments import environment, machine
from experiments.errors import UserError
from experiments.problems.seeds import TIMING as SEEDS
from experiments.records import costs, run_folder, states, timings
from experiments.studies import Study
from experiments.studies.runs import EVALUATION, TIMING, Run, plan
from experiments.text import say
from experiments.tuning.choosing import Choice

EPOCHS = 3  # of a run: the first warms up, the others are timed
UNIT = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss: bytes on macOS, KiB on Linux
START_SECONDS = 8.0  # of a process, until it has imported TensorFlow


def runs(identity: str, study: Study, choices: Mapping[str, Choice], repetitions: int, epochs: int | None) -> list[Run]:
    """Returns the runs of a timing pass in the order in which they are made: A B C A B C ...

    They belong to the study that is evaluated, by its hash, however short they are, so that its report finds them.
    """
    if repetitions > len(SEEDS):
        raise UserError(
            f"--repetitions must be at most {len(SEEDS)} (the number of seeds reserved for timing), got {repetitions}."
        )
    study = dataclasses.replace(study, epochs=epochs or min(EPOCHS, study.epochs))
    return [
        plan(identity, study, TIMING, entry, choices[entry.label].values, seed)
        for seed in SEEDS[:repetitions]
        for entry in study.optimizers
    ]


def make(name: str, wanted: Sequence[Run], *, again: bool = False, dry_run: bool = False) -> None:
    """Makes the runs that are not recorded yet, one process at a time, and none of them from a checkpoint.

    With `again`, recorded times of these optimizers are discarded; with `dry_run`, number and time are printed instead.
    """
    from experiments.running import engines, sweep  # with a progress bar, which workers need not import

    if not wanted:
        return
    if dry_run:
        say(expected(name, wanted, again=again))
        return
    load = machine.load()
    if said := machine.warning(load):
        print(said, file=sys.stderr)
    if again:
        for record in timings.recorded(name, wanted[0].study, {run.label for run in wanted}):
            run_folder.discard(run_folder.folder(run_folder.ROOT, name, record.run))
    described = environment.describe(1) | {"engine": "local", "machine": machine.fingerprint(), "load_per_core": load}
    setting = engines.Setting(1, sweep.logs(name), described, checkpoint_seconds=math.inf)
    sweep.fulfil(name, wanted, lambda: engines.make("local", setting, {}), f"Timing on {wanted[0].data}")


def expected(name: str, wanted: Sequence[Run], *, again: bool = False) -> str:
    """Returns how many runs there are, how many are missing, and about how long those will take."""
    stand = [states.of(run_folder.folder(run_folder.ROOT, name, run), run).word for run in wanted]
    missing = [run for run, word in zip(wanted, stand, strict=True) if again or word not in states.FINAL]
    counted = f"{name}: {len(wanted)} timing runs, {len(wanted) - len(missing)} recorded, {len(missing)} to make"
    if not missing:
        return f"{counted}."
    known = costs.paces(run_folder.ROOT)
    times = [seconds for run in missing if (seconds := _seconds(run, known)) is not None]
    return costs.in_words(counted, math.fsum(times) if len(times) == len(missing) else None, ", one at a time")


def _seconds(run: Run, known: dict[tuple[str, ...], list[costs.Pace]]) -> float | None:
    """Returns the seconds that a run will take with its process and its compiling, None where none is like it."""
    alike = (run, dataclasses.replace(run, kind=EVALUATION))
    found = (costs.expected_seconds([one], known, 1) for one in alike)
    expected_seconds = next((seconds for seconds in found if seconds is not None), None)
    return None if expected_seconds is None else expected_seconds + START_SECONDS


def measured(program: Any, served: int, began: float) -> dict[str, Any]:
    """Returns the further content of the record of a timing run, after its last step.

    Its beginning, in seconds since 1970, tells with its end whether another ran at the same time; `served` runs of this
    process before it should be 0.
    """
    weights = program.model.trainable_variables
    # Counters and learning rates are single numbers for the whole, whatever the size of the model.
    state = [variable for variable in program.optimizer.variables if len(variable.shape)]
    return {
        "runs_before": served,
        "began": began,
        "ended": time.time(),
        "peak_resident_bytes": peak_resident(),
        "peak_device_bytes": peak_device(),
        "parameters": sum(int(variable.numpy().size) for variable in weights),
        "state_bytes": sum(int(variable.numpy().nbytes) for variable in state),
    }


def peak_resident() -> int:
    """Returns the most bytes of memory that this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT


def resident() -> int:
    """Returns the resident bytes of this process; 0 where they are not known."""
    path = Path("/proc/self/statm")
    if path.exists():
        return int(path.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return int(machine.said("ps", "-o", "rss=", "-p", str(os.getpid())) or 0) * 1024


def device() -> str:
    """Returns what this process trains on: `CPU`, or the name of its first GPU."""
    tf, gpus = _gpus()
    return str(tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU")) if gpus else "CPU"


def _gpus() -> tuple[Any, list[Any]]:
    """Returns TensorFlow, None where nothing has imported it, and the GPUs that it may use."""
    tf = sys.modules.get("tensorflow")
    return tf, tf.config.get_visible_devices("GPU") if tf else []


def peak_device() -> int | None:
    """Returns the most bytes held on the GPU; None where TensorFlow tells none: on CPUs, and for some vendors."""
    tf, gpus = _gpus()
    try:
        return int(tf.config.experimental.get_memory_info("GPU:0")["peak"]) if gpus else None
    except (ValueError, RuntimeError):  # of a device that does not count, such as Apple's
        return None
