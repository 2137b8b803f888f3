"""Execution options (engine, jobs, checkpoints), not part of a run's identity: what is made with them."""

import collections
from collections.abc import Callable, Sequence

from experiments import environment, machine, terminal
from experiments.cli.request import Options
from experiments.records import costs, run_folder, states
from experiments.running import engines, sweep
from experiments.running.engines import Engine, Setting
from experiments.studies.runs import Run

MOST_WORKERS = 8  # unless --jobs says more; each holds TensorFlow and the data
MOST_PLACES = 64  # of a cluster, unless --jobs says more


def engine(name: str, options: Options, most: int) -> Callable[[], Engine]:
    """Returns what makes the engine for at most so many runs of a study, once it is known that there is work."""
    count = workers(options, most)
    described = {**environment.describe(count), "engine": options.engine}
    setting = Setting(count, sweep.logs(name), described, options.checkpoint, options.wait)
    return lambda: engines.make(options.engine, setting, dict(options.engine_option))


def make(name: str, runs: Sequence[Run], options: Options, title: str) -> None:
    """Makes the runs that are missing, or prints how many they are."""
    if options.dry_run:
        print_estimate(name, runs, options)
    elif runs:
        sweep.fulfil(name, runs, engine(name, options, len(runs)), f"{title} on {runs[0].data}")


def print_estimate(name: str, runs: Sequence[Run], options: Options, more: str = "") -> None:
    """Prints the number of runs, of those that are missing, and the time that these will take."""
    stand = [states.of(run_folder.folder(run_folder.ROOT, name, run), run) for run in runs]
    missing = [run for run, state in zip(runs, stand, strict=True) if state.word not in states.FINAL]
    engine(name, options, len(missing))()
    terminal.say(costs.estimate(name, runs, missing, run_folder.ROOT, workers(options, len(missing))) + more)
    reasons = collections.Counter(state.reason for state in stand if state.word == "outdated")
    for reason, count in reasons.items():
        terminal.say(f"{name}: {count} of those to make are recorded, {reason}.")


def workers(options: Options, runs: int) -> int:
    """Returns how many of some runs are made at once."""
    usual = min(machine.cores(), MOST_WORKERS) if options.engine == "local" else MOST_PLACES
    return min(options.jobs or usual, runs)
