"""Reads a study from its file, and lists all its faults at once."""

import dataclasses
import os
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

from experiments.errors import UserError, unknown
from experiments.problems import seeds
from experiments.studies import checking, completing, domains
from experiments.studies.forms import SCHEMA, Study

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


def find(name: str, folder: str = "") -> Path:
    """Returns the file of a study, given by its name or as a path that ends in `.toml`, from a folder or from here."""
    if name in names():
        return STUDIES / f"{name}.toml"
    if not name.endswith(".toml"):
        raise unknown("study", name, names())
    path = next((place for place in (Path(folder, name), Path(name)) if place.is_file()), None)
    if path is None:
        raise UserError(f"Unknown study '{name}': there is no such file.")
    if not re.fullmatch(r"\w[\w-]*", path.stem):  # it is a part of the names of folders
        raise UserError(f"Unknown study '{name}': the name of its file may have letters, digits, _ and -.")
    return path


def typed(path: Path) -> str:
    """Returns the name to type for a study, given its file or the base path of one of its problems.

    A copy under the user's own name, or under the name of a study that comes with this, is its file.
    """
    own = path.with_name(f"{path.name.split('.')[0]}.toml")
    return own.stem if own.parent.resolve() == STUDIES.resolve() else shlex.quote(str(own))


def load(path: Path) -> Study:
    """Reads a study that the user named: code of its own, if it has any, runs; a UserError names all of its faults."""
    return parse(_text(path), path.name, str(path.absolute().parent))


def declared(path: Path) -> Study:
    """Reads a study that the user did not name: no code of its own runs, so that some defaults stay open."""
    return parse(_text(path), path.name, str(path.absolute().parent), run=False)


def parse(text: str, origin: str, folder: str = "", *, run: bool = True) -> Study:
    """Reads a study from TOML.

    Args:
        text: the TOML; its key `like` names a study that completes it.
        origin: its name in errors.
        folder: where its own code is found.
        run: whether that code runs.
    """
    raw = _whole(text, origin, folder)
    if isinstance(schema := raw.get("schema"), int) and schema > SCHEMA:
        raise UserError(f"{origin} is of schema {schema}, and this version reads {SCHEMA}: it needs a newer tfoptim.")
    stem = Path(origin).stem
    strangers = checking.strangers(completing.completed(raw, stem), folder, run=run)
    faults: list[str] = []
    # Completed again: an inspection knows the rates of own optimizers.
    study = domains.read(Study, completing.completed(raw, stem), "", faults)
    if any(".task: " in f".{one}" for one in strangers):  # of which the usual data follow
        faults = [one for one in faults if not one.endswith("data: is missing.")]
    faults += strangers
    if study is not None:
        study = dataclasses.replace(_completed(study), folder=folder)
        faults += checking.across(study)
    if study is None or faults:
        raise UserError(f"{origin} has {len(faults)} fault(s):" + "".join(f"\n  {fault}" for fault in faults))
    return study


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}.") from error


def _toml(text: str, origin: str) -> dict[str, Any]:
    try:
        raw = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits, and lists as deep
        raise UserError(f"{origin} is not valid TOML: {error}.") from error
    for old, new in RENAMED.items():
        if old in raw:
            raw.setdefault(new, raw.pop(old))
    return raw


def _whole(text: str, origin: str, folder: str) -> dict[str, Any]:
    """Returns the content of a study file, completed by the studies that it is `like`; paths are from its folder."""
    raw, place = _toml(text, origin), folder
    models: list[Path] = []
    while "like" in raw:
        path = find(str(raw.pop("like")), place)
        if path in models:
            raise UserError(f"{origin} is like {path.name}, which is like itself.")
        models.append(path)
        place = str(path.parent)
        base = _moved(_toml(_text(path), path.name), path.parent, folder)
        raw = {key: given for key, given in base.items() if key not in ("presets", "figures")} | raw  # its own files
    return raw


def _moved(raw: dict[str, Any], place: Path, folder: str) -> dict[str, Any]:
    """Returns the content of a study file in another folder, its files of code named from this one."""

    def moved(given: Any) -> Any:
        if isinstance(given, str) and given.partition(":")[0].endswith(".py"):
            return os.path.relpath(place.absolute() / given, folder or ".")
        if isinstance(given, dict):
            return {key: moved(one) if key in ("task", "optimizer") else one for key, one in given.items()}
        return given

    raw = moved(raw)
    return raw | {
        key: list(map(moved, raw[key])) for key in ("optimizers", "problems") if isinstance(raw.get(key), list)
    }


def _completed(study: Study) -> Study:
    """Returns the study with the seeds of its budget where it names none, and labels as its entries spell them."""
    tuning = study.tuning
    if not tuning.seeds:
        tuning = dataclasses.replace(tuning, seeds=tuple(seeds.TUNING[: study.limits.tuning_seeds]))
    labels = {entry.label.lower(): entry.label for entry in study.optimizers}

    def spelt(words: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(labels.get(word.lower(), word) for word in words)

    entries = [dataclasses.replace(one, contains=spelt(one.contains)) for one in study.optimizers]
    claims = [dataclasses.replace(one, better=spelt(one.better), than=spelt(one.than)) for one in study.claims]
    reference = study.reference and labels.get(study.reference.lower(), study.reference)
    own_seeds = study.seeds or tuple(seeds.EVALUATION[: study.limits.seeds])
    return dataclasses.replace(
        study,
        tuning=tuning,
        seeds=own_seeds,
        reference=reference,
        optimizers=tuple(entries),
        claims=tuple(claims),
    )
