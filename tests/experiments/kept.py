"""Runs of the small study in the folder that records go to: begun ones and finished ones."""

from experiments import environment
from experiments.records import attempts, run_folder
from tests.experiments.small import evaluations


def begun(one, accuracies=(0.1, 0.4)):
    """An attempt at a run, some passes on."""
    attempt = attempts.Attempt(run_folder.folder(run_folder.ROOT, "small", one), one)
    for evaluation in evaluations(accuracies):
        attempt.append(evaluation)
    return attempt


def finished(one, seconds=10.0, **changes):
    """A finished run; its folder."""
    attempt = begun(one)
    summary = {"seconds_in_all": seconds, "seconds_compiling": 2.0, "traces": 1}
    attempt.finish("done", environment.describe(1) | changes, summary)
    return attempt.path
