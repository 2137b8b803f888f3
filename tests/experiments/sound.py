"""A study of which the lint has nothing to say, with its records, and ways to spoil it."""

import dataclasses
import math

import numpy as np

from experiments import environment, studies
from experiments.analysis.lint import Case
from experiments.analysis.lint.case import cases
from experiments.problems import grid
from experiments.problems.datasets import CARDS
from experiments.records import costs, run_folder
from experiments.studies import identity, runs
from experiments.tuning import choosing
from tests.experiments.small import STEPS, evaluations, middle, taken

TOML = """
schema = 2
title = "A sound study"
task = "mnist_mlp"
data = "mnist_5k"
epochs = 2
batch_size = 128
micro_batch = 128
budget = "laptop"
figures = "figures"
""" + "".join(
    f"""
[[optimizers]]
label = "{label}"
optimizer = "{label.lower()}"
batch = "mini"
default_learning_rate = 0.01
style = {{ color = "#{number}{number}{number}{number}{number}{number}", line = "solid", marker = "o" }}
"""
    for number, label in enumerate(("SGD", "Momentum", "Adam"))
)
STUDY = studies.parse(TOML, "sound.toml")
ACCURACY = {"SGD": 0.90, "Momentum": 0.91, "Adam": 0.92}


def made(entry, seed, kind, values, place=None, accuracy=0.9):
    """A record of the sound study."""
    study = identity.tuning_hash(STUDY) if kind == runs.TUNING else identity.study_hash(STUDY)
    splits = runs.SPLITS_OF_KIND[kind]
    summary = {
        "data_sha256": {split: f"{split}-bytes" for split in splits},
        "weights_sha256": f"weights-{seed}",
        "order_sha256": f"order-{seed}",
        "precision": "float32",
        "device": "CPU",
        "examples": {split: grid.scored(CARDS[STUDY.data].sizes)[split] for split in splits},
    }
    run = runs.plan(study, STUDY, kind, entry, values, seed, place)
    steps = grid.GRIDS[run.grid](STEPS, run.epochs)
    rising = np.interp(steps, (0, STEPS, 2 * STEPS), (0.1, 0.5, accuracy)).tolist()
    return run_folder.Record(run, "done", environment.describe(1), summary, evaluations(rising, False, steps))


def tuned(entry):
    """The tuning records of an optimizer, whose middle rate is the best."""
    (search,) = choosing.searches(STUDY, entry)
    return [
        made(
            entry,
            seed,
            runs.TUNING,
            point.values,
            choosing.place(search, point),
            0.9 if point.index == middle(search) else 0.5,
        )
        for point in search.points
        for seed in STUDY.tuning.seeds
    ]


def sound_records():
    """All records of the study, as its rules ask for."""
    tuning = {entry.label: tuned(entry) for entry in STUDY.optimizers}
    found = []
    for entry in STUDY.optimizers:
        choice = choosing.settle(STUDY, entry, [choosing.trial_of(record) for record in tuning[entry.label]])
        for seed in STUDY.seeds:
            accuracy = ACCURACY[entry.label] + 0.001 * seed
            found.append(made(entry, seed, runs.EVALUATION, choice.values, accuracy=accuracy))
    return [*(record for of_label in tuning.values() for record in of_label), *found]


RECORDS = tuple(sound_records())
(SOUND,) = cases(STUDY, RECORDS)
SOUND = dataclasses.replace(
    SOUND,
    choices={e.label: choosing.settle(STUDY, e, SOUND.trials) for e in STUDY.optimizers},
    stated={
        label: sum((costs.of(r) for r in SOUND.tuning if r.run.label == label), costs.Cost()) for label in ACCURACY
    },
    target=0.9,
)
ALONE = Case(STUDY)


def changed(number=-1, **changes):
    """The sound case, one record of which has other attributes; the last is Adam's with the seed 4."""
    found = list(RECORDS)
    found[number] = dataclasses.replace(found[number], **changes)
    return dataclasses.replace(SOUND, records=tuple(found))


def of_run(number=-1, **changes):
    """The sound case, the run of one record of which is another."""
    return changed(number, run=dataclasses.replace(RECORDS[number].run, **changes))


def of_summary(number=-1, **changes):
    """The sound case, one record of which says something else of itself."""
    return changed(number, summary={**RECORDS[number].summary, **changes})


def made_with(**changes):
    """The sound case, one record of which was made in another environment."""
    return changed(environment={**RECORDS[-1].environment, **changes})


def curve(change):
    """The sound case, the evaluations of one record of which are changed."""
    return changed(evaluations=tuple(change([dict(evaluation) for evaluation in RECORDS[-1].evaluations])))


def all_of(label, change):
    """The sound case, every evaluation record of one optimizer of which is changed."""
    found = [change(r) if r.run.label == label and r.run.kind == runs.EVALUATION else r for r in RECORDS]
    return dataclasses.replace(SOUND, records=tuple(found))


def of_choice(label, **changes):
    """The sound case, in which something else was chosen."""
    choices = SOUND.choices
    return dataclasses.replace(SOUND, choices={**choices, label: dataclasses.replace(choices[label], **changes)})


def of_study(**changes):
    """The study alone, changed."""
    return dataclasses.replace(ALONE, study=dataclasses.replace(STUDY, **changes))


def of_entry(**changes):
    """The study alone, with another first optimizer."""
    return of_study(optimizers=(dataclasses.replace(STUDY.optimizers[0], **changes), *STUDY.optimizers[1:]))


def more(record):
    """The sound case with a record more."""
    return dataclasses.replace(SOUND, records=(*RECORDS, record))


def rate(value):
    """The trials with the rate of the first one changed."""
    first = dataclasses.replace(SOUND.trials[0], learning_rate=value)
    return dataclasses.replace(SOUND, trials=(first, *SOUND.trials[1:]))


def accurate(by):
    """Returns what lifts the validation accuracy of a record."""

    def lift(record):
        lifted = tuple({**e, "validation_accuracy": e["validation_accuracy"] + by} for e in record.evaluations)
        return dataclasses.replace(record, evaluations=lifted)

    return lift


def timing_pass():
    """The records of a sound timing pass: five repetitions, the optimizers in turn, ten seconds each."""
    made_on = {**RECORDS[-1].environment, "machine": {"cpu": "one", "cores": 2}, "load_per_core": 0.1}
    found = []
    for seed in range(3000, 3005):
        for entry in STUDY.optimizers:
            record = made(entry, seed, runs.TIMING, SOUND.choices[entry.label].values)
            summary = {**record.summary, **taken(10.0 * len(found))}
            found.append(dataclasses.replace(record, environment=made_on, summary=summary))
    return found


def timed(number=-1, environment_=None, run=None, **summary):
    """The sound case with its timing pass, one record of which differs; the last is Adam's with the seed 3004."""
    found = timing_pass()
    one = found[number]
    found[number] = dataclasses.replace(
        one,
        environment={**one.environment, **(environment_ or {})},
        run=dataclasses.replace(one.run, **(run or {})),
        summary={**one.summary, **summary},
    )
    return with_times(found)


def with_times(found):
    """The sound case with some records of a timing pass."""
    return dataclasses.replace(SOUND, records=(*RECORDS, *found))


def halved(record):
    """A record of a run with batches of half the size, evaluated at the steps of its own grid."""
    steps = grid.GRIDS[record.run.grid](63, record.run.epochs)
    rows = evaluations(np.linspace(0.1, 0.9, len(steps)).tolist(), False, [step * STEPS / 63 for step in steps])
    rows = tuple({**row, "step": step} for row, step in zip(rows, steps, strict=True))
    return dataclasses.replace(record, run=dataclasses.replace(record.run, batch_size=64), evaluations=rows)


def holed(evaluations_):
    """Evaluations without that of the first step."""
    return [evaluations_[0], *evaluations_[2:]]


def uncounted(evaluations_):
    """Evaluations without their cost."""
    return [{key: value for key, value in e.items() if key != "example_gradients"} for e in evaluations_]


def cheaper(evaluations_):
    """Evaluations of a run that took fewer gradients."""
    return [*evaluations_[:-1], {**evaluations_[-1], "example_gradients": 7}]


def infinite(evaluations_):
    """Evaluations that end without a number."""
    return [*evaluations_[:-1], {**evaluations_[-1], "train_loss": math.inf}]


def lost(trial):
    """A trial that diverged."""
    return dataclasses.replace(trial, score=-math.inf, loss=math.inf)


def costing(label, **changes):
    """The sound case, whose evidence tells something else of the cost of an optimizer."""
    return dataclasses.replace(
        SOUND, stated={**SOUND.stated, label: dataclasses.replace(SOUND.stated[label], **changes)}
    )


def without_reference():
    """The sound case, as a part of a study that planned its comparisons with an optimizer left out of the part."""
    whole = dataclasses.replace(STUDY, reference="Momentum")
    names = {kind: identity.study_hash(whole) for kind in (runs.EVALUATION, runs.TIMING)}
    names[runs.TUNING] = identity.tuning_hash(whole)
    found = [dataclasses.replace(r, run=dataclasses.replace(r.run, study=names[r.run.kind])) for r in RECORDS]
    return dataclasses.replace(SOUND, whole=whole, records=tuple(found))
