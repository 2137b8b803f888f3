"""What a command line asks for: the study, the part of it or what is changed in it, and the runs that follow."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from experiments import optimizers as library
from experiments import studies
from experiments.cli.how import Shard
from experiments.errors import UserError, unknown
from experiments.problems import datasets
from experiments.studies import Study, identity
from experiments.studies.budgets import TIERS
from experiments.studies.runs import Run, evaluation_runs
from experiments.tuning import selection, targets


@dataclasses.dataclass(frozen=True)
class Options:
    """What the command line may change of a study, None where it does not."""

    study: str
    seeds: tuple[int, ...] | None = None
    epochs: int | None = None
    optimizers: tuple[str, ...] | None = None
    data: str | None = None
    grid: str | None = None
    deterministic: bool = False
    out: Path | None = None
    jobs: int | None = None
    tier: str | None = None
    target: float | None = None
    command: str = ""
    tuning: bool = False
    shard: Shard | None = None
    engine: str = "local"
    engine_option: Sequence[tuple[str, str]] = ()
    checkpoint: float = 30.0
    wait: bool = True
    dry_run: bool = False
    repetitions: int = 5
    again: bool = False
    wide: bool = False


def tiered(study: Study, options: Options) -> Options:
    """Returns options with those that a tier stands for; what was typed beside it holds.

    Raises:
        UserError: the study has no such tier.
    """
    if options.tier is None:
        return options
    known = {tier.name: tier for tier in study.tiers}
    if options.tier not in known:
        raise _no_tier(study, options.tier)
    tier = known[options.tier]
    return dataclasses.replace(
        options,
        seeds=options.seeds or tier.seeds,
        epochs=options.epochs or tier.epochs,
        optimizers=options.optimizers or tier.optimizers,
        out=options.out or Path(tier.figures),
    )


def _no_tier(study: Study, asked: str) -> UserError:
    """Returns what to say of a tier that a study lacks: which it has, or what makes it smaller and who has tiers."""
    if asked in TIERS:
        return UserError(f"'{asked}' is a budget and no tier: a study's file declares it, as in budget = \"{asked}\".")
    if study.tiers:
        return unknown("tier", asked, [tier.name for tier in study.tiers])
    having = {name: studies.load(studies.find(name)).tiers for name in studies.names()}
    told = ", ".join(f"{name} ({' '.join(tier.name for tier in own)})" for name, own in having.items() if own)
    return UserError(
        f"The study '{study.title}' declares no tiers; --seeds, --epochs and --optimizers make it smaller, as in "
        f"--seeds 2 --epochs 2. Studies with tiers: {told}."
    )


def changed(study: Study, options: Options) -> Study:
    """Returns a study with another budget, data set, grid or kind of operations, which makes it another study.

    Raises:
        UserError: the data set is not known.
    """
    data = options.data or study.data
    if data not in datasets.CARDS:
        raise unknown("data set", data, datasets.CARDS)
    return dataclasses.replace(
        study,
        data=data,
        epochs=options.epochs or study.epochs,
        grid=options.grid or study.grid,
        deterministic=options.deterministic or study.deterministic,
    )


def narrowed(study: Study, options: Options) -> Study:
    """Returns the part of a study that is asked for, or more of its seeds; its runs stay the same.

    Raises:
        UserError: an optimizer is not in the study.
    """
    labels = [entry.label for entry in study.optimizers]
    wanted = {name.lower() for name in options.optimizers or labels}
    for name in options.optimizers or ():
        if name.lower() not in map(str.lower, labels):
            raise _not_in(options.study, name, labels, wanted)
    entries = tuple(entry for entry in study.optimizers if entry.label.lower() in wanted)
    return dataclasses.replace(study, optimizers=entries, seeds=options.seeds or study.seeds)


def _not_in(study: str, name: str, labels: Sequence[str], wanted: Collection[str]) -> UserError:
    """Returns what to say of an optimizer that a study lacks: what it has, and for one of the library how to add it."""
    own = studies.find(study)
    if name.lower() not in library.available():
        return unknown("optimizer", name, labels, given=wanted)
    return UserError(
        f"The study {own.stem} has no {name}; it has {', '.join(labels)}. To add one, copy {os.path.relpath(own)}, "
        f'give the copy an entry [[optimizers]] with optimizer = "{name.lower()}", and choose its learning rate with: '
        "python -m experiments tune COPY.toml"
    )


@dataclasses.dataclass(frozen=True)
class Asked:
    """What a command line asks for on one problem: the study's file and name, the whole of it, the part, its runs."""

    path: Path
    name: str
    whole: Study
    study: Study
    choices: Mapping[str, selection.Choice]
    wanted: Sequence[Run]
    folder: Path
    target: targets.Target | None


def asked_of(options: Options) -> list[Asked]:
    """Returns what is asked for, problem by problem.

    Raises:
        UserError: something that is asked for is not there.
    """
    study = studies.load(studies.find(options.study))
    options = tiered(study, options)
    if options.data and study.problems:
        raise UserError("--data is for a study of one problem; this one has several, with data of their own.")
    folder = options.out or Path(study.figures)
    found = []
    for number, (path, whole) in enumerate(studies.each(studies.find(options.study), study)):
        base = changed(whole, options)
        part = narrowed(base, options)
        choices = selection.read(path, whole)
        wanted = evaluation_runs(identity.study_hash(base), part, selection.values(choices))
        own = folder / study.problems[number].slug if study.problems else folder
        target = targets.read(path, whole) if base == whole else None  # another budget or data set has none
        found.append(Asked(path, path.stem, whole, part, choices, wanted, own, target))
    return found
