"""The faults of a study beyond single values: names of nothing, own code, values that exclude each other."""

from collections.abc import Iterator, Mapping
from typing import Any

from experiments import optimizers
from experiments.errors import unknown
from experiments.problems import datasets, own
from experiments.problems.own import outside
from experiments.studies.completing import named
from experiments.studies.forms import COSINE, GIVEN, OWN, Study

STEPS = 1000  # what a share of a run may come to: a number of steps, which not every argument takes


def strangers(raw: Mapping[str, Any], folder: str, *, run: bool) -> list[str]:
    """Returns the faults of tasks, data sets and optimizers by themselves, whatever else is wrong.

    Own code without a fault that can be read off is run, where `run` says so, and its faults are added.
    """
    problems, entries = named(raw)
    named_here = {f"{place}task": one.get("task") for place, one in problems.items()}
    named_here |= {f"{place}optimizer": one.get("optimizer") for place, one in entries.items()}
    used = {place: name for place, name in named_here.items() if isinstance(name, str)}
    found = {place: _fault(place, name, folder) for place, name in used.items()}
    faults = [f"{place}: {fault}" for place, fault in found.items() if fault]
    for place, one in problems.items():
        faults += (f"{place}data: {fault}" for fault in _of_data(one))
    sound = {place: used[place] for place, fault in found.items() if not fault}
    own_tasks = {place: name for place, name in sound.items() if place.endswith("task") and own.is_own(name)}
    foreign = {
        place: name
        for place, name in sound.items()
        if place.endswith("optimizer") and outside.is_outside(name, outside.OPTIMIZERS)
    }
    if run and (own_tasks or foreign):
        own_entries = [(name, entries[place.removesuffix("optimizer")]) for place, name in foreign.items()]
        made = [(name, _arguments(one), _is_scheduled(one, raw)) for name, one in own_entries]
        places = {name: place for place, name in {**foreign, **own_tasks}.items()}
        said = own.learn(folder, list(own_tasks.values()), made)
        faults += (f"{places[name]}: {name}: {fault}" for name, fault in said)
    return faults


def _fault(place: str, name: str, folder: str) -> str:
    """Returns why there is no such task or optimizer, or none that a study can use; nothing where there is."""
    is_task = place.endswith("task")
    group = outside.TASKS if is_task else outside.OPTIMIZERS
    if own.is_own(name) if is_task else outside.is_outside(name, group):
        return outside.fault(outside.reference(name, group, folder))
    known = sorted(own.BUILT_IN) if is_task else optimizers.available()
    if name not in known:
        more = list(outside.entry_points(group))
        return str(unknown("task" if is_task else "optimizer", name, [*known, *more]))
    return "" if is_task else optimizers.refusal(name) or ""


def _of_data(problem: Mapping[str, Any]) -> Iterator[str]:
    task, data = problem.get("task"), problem.get("data")
    if own.is_own(task):
        if data != task:
            yield "a task of your own has its own data; leave it out."
    elif isinstance(data, str) and data not in (known := [k for k in datasets.CARDS if not own.is_own(k)]):
        yield str(unknown("data", data, known))


def _is_scheduled(entry: Mapping[str, Any], raw: Mapping[str, Any]) -> bool:
    """Returns whether runs give the optimizer of an entry a schedule as its learning rate, and not a number."""
    return (entry.get("schedule") or raw.get("schedule") or COSINE) == COSINE


def _arguments(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    given = entry.get("hyperparameters", {})
    return given if isinstance(given, Mapping) else {}


def across(study: Study) -> list[str]:
    """Returns the faults between several values."""
    faults = [*_presets(study), *_rates(study), *_arguments_of_ours(study), *_compared(study), *_labels(study)]
    slugs = [problem.slug for problem in study.problems]
    return faults + [f"problems: {slug} appears twice." for slug in {s for s in slugs if slugs.count(s) > 1}]


def _presets(study: Study) -> Iterator[str]:
    labels, names = [entry.label.lower() for entry in study.optimizers], [preset.name for preset in study.presets]
    for i, preset in enumerate(study.presets):
        if preset.name in names[:i]:
            yield f"presets[{i}].name: '{preset.name}' is taken by another preset; give this one a name of its own."
        if preset.data is not None and preset.data not in datasets.CARDS:
            yield f"presets[{i}].data: {unknown('data', preset.data, datasets.CARDS)}"
        for word in preset.optimizers:
            if word.lower() not in labels:
                yield f"presets[{i}].label: {unknown('label', word.lower(), labels)}"


def _rates(study: Study) -> Iterator[str]:
    for i, entry in enumerate(study.optimizers):
        if "learning_rate" in entry.hyperparameters:
            yield (
                f"optimizers[{i}].hyperparameters.learning_rate: is chosen by tuning, leave it out; or give every "
                "entry a learning_rate of its own."
            )
        for name in sorted(entry.shares.keys() & entry.hyperparameters.keys()):
            yield f"optimizers[{i}].shares.{name}: is in hyperparameters, too; leave out one of both."
        if entry.schedule == OWN and entry.cycle_epochs is None and not optimizers.unscheduled(entry.optimizer):
            yield f"optimizers[{i}].schedule: 'own' is for one with cycle_epochs, or made for a constant rate."
        if study.track == GIVEN and entry.learning_rate is None:
            yield f"optimizers[{i}].learning_rate: is missing; give every entry one, or none to have them tuned."
        if study.track != GIVEN and entry.learning_rate is not None:
            yield (
                f"optimizers[{i}].learning_rate: is for the track '{GIVEN}', and this study's is '{study.track}'; "
                "leave out one of both."
            )


def _arguments_of_ours(study: Study) -> Iterator[str]:
    """Yields the arguments that an optimizer of the library does not take; own code is asked where it runs."""
    for i, entry in enumerate(study.optimizers):
        if entry.optimizer not in optimizers.available():
            continue
        known = optimizers.arguments(entry.optimizer)
        for place in ("hyperparameters", "shares"):
            for name in sorted(getattr(entry, place).keys() - known):
                yield f"optimizers[{i}].{place}: {unknown('argument', name, known)}"
        if entry.cycle_epochs is not None and "cycle" not in known:
            yield f"optimizers[{i}].cycle_epochs: {optimizers.place(entry.optimizer)[1]} has no cycle; leave it out."
        given = {name: value for name, value in entry.hyperparameters.items() if name in known}
        shares = {name: STEPS for name in entry.shares if name in known}
        for place, values in (("hyperparameters", given), ("shares", shares)):
            for fault in optimizers.faults(entry.optimizer, values):
                yield f"optimizers[{i}].{place}: {fault}"


def _compared(study: Study) -> Iterator[str]:
    labels = [entry.label.lower() for entry in study.optimizers]
    words = [("reference", study.reference)] if study.reference else []
    words += [(f"optimizers[{i}].contains", one) for i, entry in enumerate(study.optimizers) for one in entry.contains]
    for i, claim in enumerate(study.claims):
        words += [(f"claims[{i}].better", one) for one in claim.better]
        words += [(f"claims[{i}].than", one) for one in claim.than]
        if both := {one.lower() for one in claim.better} & {one.lower() for one in claim.than}:
            yield f"claims[{i}].than: has {', '.join(sorted(both))}, as better does; nothing is better than itself."
    for i, entry in enumerate(study.optimizers):
        if entry.label in entry.contains:
            yield f"optimizers[{i}].contains: has {entry.label} itself; leave it out."
    for place, word in words:
        if word.lower() not in labels:
            yield f"{place}: {unknown('label', word.lower(), labels)}"


def _labels(study: Study) -> Iterator[str]:
    labels = [entry.label.lower() for entry in study.optimizers]
    for i, entry in enumerate(study.optimizers):
        if entry.label.lower() in labels[:i]:
            yield f"optimizers[{i}].label: '{entry.label}' is taken by another entry; give this one a label of its own."
        if "," in entry.label:
            yield f"optimizers[{i}].label: '{entry.label}' has a comma, which separates labels in --optimizers."
