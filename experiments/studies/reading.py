"""Reads a study from its file, and lists all its faults at once."""

import dataclasses
import re
import shlex
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from experiments.errors import UserError, unknown
from experiments.problems import seeds
from experiments.studies import domains
from experiments.studies.forms import OWN, SCHEMA, Problem, Study

STUDIES = Path(__file__).parent
RENAMED = {"tiers": "presets"}  # keys of older files, which are still read


def each(path: Path, study: Study) -> list[tuple[Path, Study]]:
    """Returns a study of one problem for each of a study's problems, with the path that its files are named after."""
    if not study.problems:
        return [(path, study)]
    found = []
    for problem in study.problems:
        content = dataclasses.asdict(problem) | {"title": f"{study.title}: {problem.slug}", "problems": ()}
        found.append((path.with_stem(f"{path.stem}.{problem.slug}"), dataclasses.replace(study, **content)))
    return found


def names() -> list[str]:
    """Returns the names of the studies, sorted."""
    return sorted(path.stem for path in STUDIES.glob("*.toml"))


def find(name: str) -> Path:
    """Returns the file of a study, given by its name or as a path that ends in `.toml`."""
    if name in names():
        return STUDIES / f"{name}.toml"
    if name.endswith(".toml") and Path(name).is_file() and re.fullmatch(r"\w[\w-]*", Path(name).stem):
        return Path(name)
    raise unknown("study", name, names())


def typed(path: Path) -> str:
    """Returns the name to type for a study, given its file or the base path of one of its problems.

    A copy under the user's own name, or under the name of a study that comes with this, is its file.
    """
    own = path.with_name(f"{path.name.split('.')[0]}.toml")
    return own.stem if own.parent.resolve() == STUDIES.resolve() else shlex.quote(str(own))


def load(path: Path) -> Study:
    """Reads a study from its file; a UserError names all of its faults."""
    return parse(_text(path), path.name)


def parse(text: str, origin: str) -> Study:
    """Reads a study from TOML; `origin` names it in errors, its key `like` a study that completes it."""
    raw = _whole(text, origin)
    faults: list[str] = []
    if isinstance(raw.get("problems"), list):
        shared = {key: raw[key] for key in _OF_PROBLEMS if key in raw}
        raw["problems"] = [shared | problem if isinstance(problem, dict) else problem for problem in raw["problems"]]
        raw = {key: given for key, given in (raw["problems"] or [{}])[0].items() if key in _OF_PROBLEMS} | raw
    if isinstance(schema := raw.get("schema"), int) and schema > SCHEMA:
        raise UserError(f"{origin} is of schema {schema}, and this version reads {SCHEMA}: it needs a newer tfoptim.")
    study = domains.read(Study, raw, "", faults)
    faults += _strangers(raw)
    if study is not None:
        study = _completed(study)
        faults += _across(study)
    if study is None or faults:
        raise UserError(f"{origin} has {len(faults)} fault(s):" + "".join(f"\n  {fault}" for fault in faults))
    return study


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}.") from error


def _toml(text: str, origin: str) -> dict[str, Any]:
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{origin} is not valid TOML: {error}.") from error
    for old, new in RENAMED.items():
        if old in raw:
            raw.setdefault(new, raw.pop(old))
    return raw


def _whole(text: str, origin: str) -> dict[str, Any]:
    """Returns the content of a study file, completed by the studies that it is `like`."""
    raw = _toml(text, origin)
    models: list[Path] = []
    while "like" in raw:
        path = find(str(raw.pop("like")))
        if path in models:
            raise UserError(f"{origin} is like {path.name}, which is like itself.")
        models.append(path)
        base = _toml(_text(path), path.name)
        raw = {key: given for key, given in base.items() if key != "presets"} | raw
    return raw


_OF_PROBLEMS = tuple(field.name for field in dataclasses.fields(Problem))


def _completed(study: Study) -> Study:
    """Returns the study with the seeds of its budget where it names none."""
    tuning = study.tuning
    if not tuning.seeds:
        tuning = dataclasses.replace(tuning, seeds=tuple(seeds.TUNING[: study.limits.tuning_seeds]))
    return dataclasses.replace(study, tuning=tuning, seeds=study.seeds or tuple(seeds.EVALUATION[: study.limits.seeds]))


def _strangers(raw: Mapping[str, Any]) -> list[str]:
    """Returns the faults of unknown tasks, data sets and optimizers, and of those that no study can have."""
    from experiments import optimizers
    from experiments.problems import datasets, tasks

    problems, entries = (
        [found for found in given if isinstance(found, dict)] if isinstance(given, list) else []
        for given in (raw.get("problems") or [dict(raw)], raw.get("optimizers"))
    )
    named = (
        *(("task", problem.get("task"), tasks.names()) for problem in problems),
        *(("data", problem.get("data"), list(datasets.CARDS)) for problem in problems),
        *((f"optimizers[{i}].optimizer", e.get("optimizer"), optimizers.available()) for i, e in enumerate(entries)),
    )
    strangers = [
        f"{path}: {unknown(path.split('.')[-1], word, known)}"
        for path, word, known in named
        if isinstance(word, str) and word not in known
    ]
    known = {i: e["optimizer"] for i, e in enumerate(entries) if e.get("optimizer") in optimizers.available()}
    refusals = {i: optimizers.refusal(name) for i, name in known.items()}
    return strangers + [f"optimizers[{i}].optimizer: {why}" for i, why in refusals.items() if why]


def _across(study: Study) -> list[str]:
    """Returns the faults between several values."""
    from experiments import optimizers

    faults: list[str] = []
    labels = [entry.label.lower() for entry in study.optimizers]
    for i, preset in enumerate(study.presets):
        strangers = [word for word in preset.optimizers if word.lower() not in labels]
        faults.extend(f"presets[{i}].label: {unknown('label', word.lower(), labels)}" for word in strangers)
    for i, entry in enumerate(study.optimizers):
        if "learning_rate" in entry.hyperparameters:
            faults.append(f"optimizers[{i}].hyperparameters.learning_rate: is chosen by tuning, leave it out.")
        if entry.schedule == OWN and entry.cycle_epochs is None and not optimizers.schedule_free(entry.optimizer):
            faults.append(
                f"optimizers[{i}].schedule: 'own' is for an optimizer with cycle_epochs, or a schedule-free one."
            )
    named = [("reference", study.reference or study.optimizers[0].label)]
    named += [
        (f"optimizers[{i}].contains", word) for i, entry in enumerate(study.optimizers) for word in entry.contains
    ]
    faults.extend(
        f"{path}: {unknown('label', word.lower(), labels)}" for path, word in named if word.lower() not in labels
    )
    slugs = [problem.slug for problem in study.problems]
    faults.extend(f"problems: {slug} appears twice." for slug in {s for s in slugs if slugs.count(s) > 1})
    faults.extend(
        f"optimizers[{i}].label: '{entry.label}' is taken by another entry."
        for i, entry in enumerate(study.optimizers)
        if entry.label.lower() in labels[:i]
    )
    return faults
