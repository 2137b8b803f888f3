"""Evidence for reports, made up: records of a study of five seeds whose numbers are given."""

import dataclasses
import functools
import math

from experiments import environment, report, studies
from experiments.analysis.lint import Claims
from experiments.records import run_folder
from experiments.report import Evidence
from experiments.studies import identity, runs
from experiments.tuning import choosing
from tests.experiments import small

SEEDS = (0, 1, 2, 3, 4)
ENTRY = """
[[optimizers]]
label = "Momentum"
optimizer = "momentum"
batch = "mini"
default_learning_rate = 0.01
hyperparameters = { momentum = 0.9 }
style = { color = "#0072B2", line = "solid", marker = "^" }
"""


@functools.cache
def study():
    """The small study with a third optimizer and five seeds."""
    toml = small.TOML.replace("seeds = [0, 1]", f"seeds = {list(SEEDS)}") + ENTRY
    return studies.parse(toml, "small.toml")


def named(labels):
    """The study with other names, and as many optimizers as there are names."""
    entries = study().optimizers[: len(labels)]
    return dataclasses.replace(
        study(), optimizers=tuple(dataclasses.replace(e, label=label) for e, label in zip(entries, labels, strict=True))
    )


def curve(end, passes=3):
    """Accuracies that rise to an end, in a few passes; NaN makes the last pass diverge."""
    return [0.1 + (0.8 if math.isnan(end) else end - 0.1) * k / passes for k in range(passes)] + [end]


def evidence(ends, *, tuned=True, timing="alone", times=None, target=None, kind=runs.EVALUATION, command=None):
    """The evidence of a study whose test accuracies after the last pass are given, a list for each optimizer.

    Validation accuracies are a hundredth higher; NaN is a run that diverged, None one that is missing. Where the
    seconds of a step are given in `times`, by optimizer, there is a timing pass.
    """
    whole = named(list(ends))
    name = identity.study_hash(whole)
    made = {**environment.describe(1), "timing": timing}
    found, wanted, choices, trials = [], [], {}, []
    for entry in whole.optimizers:
        choices[entry.label], own = tuning(whole, entry)
        trials += own if tuned else []
        for seed, end in zip(whole.seeds, ends[entry.label], strict=True):
            run = runs.plan(name, whole, kind, entry, choices[entry.label].values, seed)
            wanted.append(run)
            if end is not None:
                shown = small.evaluations(curve(end + 0.01))
                status = "diverged" if math.isnan(end) else "done"
                found.append(run_folder.Record(run, status, made, {}, tuple(shown)))
    typed, taken = command or "python -m experiments report small", timings(whole, times or {})
    return Evidence("small", whole, wanted, found, choices, trials, whole, typed, target, timings=taken)


def result(whole):
    """The result table of a study of which everything may be claimed."""
    return report.result(whole, Claims())


def timings(whole, times, passes=3):
    """The records of a timing pass in which a step of each optimizer takes some seconds, a tenth more each time.

    Each took ten seconds; the first pass took twice as long as the others.
    """
    entries = [entry for entry in whole.optimizers if entry.label in times]
    found = []
    for seed in range(3000, 3005 if entries else 3000):
        for entry in entries:
            study = dataclasses.replace(whole, epochs=passes)
            rates = {"learning_rate": 0.01}
            run = runs.plan(identity.study_hash(whole), study, runs.TIMING, entry, rates, seed)
            second, number = times[entry.label] * (1 + (seed - 3000) / 10), len(found)
            shown = [
                {**scores, "seconds": second * (scores["step"] + small.STEPS * bool(scores["step"]))}
                for scores in small.evaluations(curve(0.9, passes), test=False)
            ]
            made = {**environment.describe(1), "machine": {"cpu": "one", "memory_gib": 8.0}, "load_per_core": 0.0}
            held = {"parameters": 100, "state_bytes": 800 if entry.optimizer == "adam" else 0}
            summary = {**small.taken(10.0 * number), **held}
            found.append(run_folder.Record(run, "done", made, summary, tuple(shown)))
    return found


def tuning(whole, entry):
    """The choice for an optimizer and the trials that lead to it, the middle point the best."""
    (search,) = choosing.searches(whole, entry)
    trials = [
        choosing.Trial(
            entry.label,
            point.values["learning_rate"],
            seed,
            0.9 if point.index == small.middle(search) else 0.5 - 0.01 * point.index,
            1.0,
            **choosing.place(search, point),
        )
        for point in search.points
        for seed in whole.tuning.seeds
    ]
    return choosing.settle(whole, entry, trials), trials


APART = {"GD": [0.50, 0.51, 0.49, 0.52, 0.50], "Adam": [0.90, 0.91, 0.92, 0.90, 0.91]}
NOISE = {"GD": [0.905, 0.91, 0.90, 0.92, 0.89], "Adam": [0.90, 0.91, 0.92, 0.90, 0.91]}
THREE = {**APART, "Momentum": [0.89, 0.92, 0.90, 0.91, 0.90]}
