"""What a study is: frozen dataclasses, read from TOML with every fault named."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from experiments import domains, seeds
from experiments.domains import table, tables, value
from experiments.errors import UserError, unknown
from experiments.search.tiers import TIERS, Tier

SCHEMA = 2
STUDIES = Path(__file__).parent / "studies"
LINES = ("solid", "dashed", "dotted", "dashdot", "longdash", "dashdotdot")
MARKERS = ("o", "s", "^", "v", "D", "P", "X", "*", "<", ">", "p")
TRACKS = ("default", "tuned", "agnostic", "self-tuning")
COSINE, CONSTANT, OWN = SCHEDULES = ("warmup-cosine", "constant", "own")

Scalar = bool | int | float
SEEDS = domains.distinct(domains.whole(seeds.EVALUATION.start, seeds.EVALUATION.stop - 1))
FOLDER = domains.matching("a relative folder", r"\w[\w-]*(/\w[\w-]*)*")


@dataclasses.dataclass(frozen=True)
class Style:
    """How one optimizer looks in every figure of the study; no part of the study's identity."""

    color: str = value(domains.matching("a colour like #0072B2", r"#[0-9A-Fa-f]{6}"))
    line: str = value(domains.one_of(*LINES))
    marker: str = value(domains.one_of(*MARKERS))


@dataclasses.dataclass(frozen=True)
class Entry:
    """One optimizer that takes part.

    Attributes:
        label: its name in tables and figures.
        optimizer: its name in `tfoptim.get`.
        batch: `mini` for one step a mini-batch, `full` for one step a pass over all examples.
        default_learning_rate: the documented default, the middle of the tuned range.
        style: its colour, line and marker.
        hyperparameters: arguments that are not tuned.
        schedule: of the learning rate, where it is not the study's; `own` is that of an optimizer that has one.
        cycle_epochs: of an optimizer whose rate cycles by itself, passes over the training set in a cycle.
    """

    label: str = value(domains.text())
    optimizer: str = value(domains.text())
    batch: str = value(domains.one_of("mini", "full"))
    default_learning_rate: float = value(domains.positive())
    style: Style = table(Style)  # noqa: RUF009  it declares a field
    hyperparameters: Mapping[str, Scalar] = value(domains.scalars(), default={})
    schedule: str | None = value(domains.one_of(*SCHEDULES), default=None)
    cycle_epochs: float | None = value(domains.positive(), default=None)


@dataclasses.dataclass(frozen=True)
class Tuning:
    """How hyperparameters are chosen, the same for every optimizer; how many points are tried, the budget says.

    Attributes:
        seeds: seeds of the tuning runs, none of them an evaluation seed; by default as many as the budget asks for.
        epochs: of a tuning run; None: those of the study.
    """

    seeds: tuple[int, ...] = value(
        domains.distinct(domains.whole(seeds.TUNING.start, seeds.TUNING.stop - 1)), default=()
    )
    epochs: int | None = value(domains.whole(1, 100_000), default=None)


@dataclasses.dataclass(frozen=True)
class Part:
    """A smaller form of the study, by name: what `--tier` stands for.

    Attributes:
        name: its name on the command line.
        optimizers: labels of the entries that take part.
        seeds: evaluation seeds.
        epochs: budget of every run.
        figures: folder the figures go to, so that those of the whole study stay.
    """

    name: str = value(domains.text())
    optimizers: tuple[str, ...] = value(domains.distinct(domains.text()))
    seeds: tuple[int, ...] = value(SEEDS)
    epochs: int = value(domains.whole(1, 100_000))
    figures: str = value(FOLDER)


@dataclasses.dataclass(frozen=True)
class Study:
    """What is compared with what, and under which rules.

    Attributes:
        schema: version of this form.
        title: what the study is about, for tables.
        task: model, loss and metrics; one file in `experiments/tasks`.
        data: data set; one of `experiments.datasets.CARDS`.
        epochs: length of every run, passes over the training set.
        batch_size: examples a step of the `mini` entries takes.
        micro_batch: examples held at a time while a full gradient is accumulated.
        budget: how many points are tried and how many seeds evaluated, one of `experiments.search.TIERS`.
        track: where hyperparameters come from (rule B4): `default` and `self-tuning` take them as documented, `tuned`
            chooses them on this problem, `agnostic` from five points that are the same for all problems.
        schedule: of the learning rates of all optimizers that have none of their own (rule B9).
        seeds: evaluation seeds; by default as many as the budget asks for, from 0.
        tuning: how hyperparameters are chosen.
        optimizers: the entries.
        figures: folder the figures go to, relative to the working directory.
        tiers: smaller forms of it.
    """

    schema: int = value(domains.whole(SCHEMA, SCHEMA))
    title: str = value(domains.text())
    task: str = value(domains.text())
    data: str = value(domains.text())
    epochs: int = value(domains.whole(1, 100_000))
    batch_size: int = value(domains.whole(1))
    micro_batch: int = value(domains.whole(1))
    optimizers: tuple[Entry, ...] = tables(Entry)
    figures: str = value(FOLDER)
    budget: str = value(domains.one_of(*TIERS), default="laptop")
    track: str = value(domains.one_of(*TRACKS), default="tuned")
    schedule: str = value(domains.one_of(COSINE, CONSTANT), default=COSINE)
    seeds: tuple[int, ...] = value(SEEDS, default=())
    tuning: Tuning = table(Tuning, default=Tuning())  # noqa: RUF009  it declares a field
    tiers: tuple[Part, ...] = tables(Part, default=())

    @property
    def tier(self) -> Tier:
        """The budget, as numbers."""
        return TIERS[self.budget]

    @property
    def tuned(self) -> bool:
        """Whether hyperparameters are chosen by trials."""
        return self.track in ("tuned", "agnostic")


def names() -> list[str]:
    """Returns the studies there are, sorted."""
    return sorted(path.stem for path in STUDIES.glob("*.toml"))


def find(name: str) -> Path:
    """Returns the file of a study, given by its name or as a path that ends in `.toml`.

    Raises:
        UserError: there is none.
    """
    if name in names():
        return STUDIES / f"{name}.toml"
    if name.endswith(".toml") and Path(name).is_file() and re.fullmatch(r"\w[\w-]*", Path(name).stem):
        return Path(name)
    raise unknown("study", name, names())


def load(path: Path) -> Study:
    """Reads a study from its file.

    Raises:
        UserError: the file has faults; all of them are named.
    """
    return parse(path.read_text(encoding="utf-8"), path.name)


def parse(text: str, origin: str) -> Study:
    """Reads a study from TOML; `origin` names it in errors, its key `like` a study that it has the rest from."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{origin} is not valid TOML: {error}.") from error
    faults: list[str] = []
    while "like" in raw:
        base = tomllib.loads(find(str(raw.pop("like"))).read_text(encoding="utf-8"))
        raw = {key: given for key, given in base.items() if key != "tiers"} | raw
    if isinstance(schema := raw.get("schema"), int) and schema > SCHEMA:
        raise UserError(f"{origin} is of schema {schema}, and this version reads {SCHEMA}: it needs a newer tfoptim.")
    study = domains.read(Study, raw, "", faults)
    if study is not None:
        study = _completed(study)
        faults = _across(study)
    if study is None or faults:
        raise UserError(f"{origin} has {len(faults)} fault(s):" + "".join(f"\n  {fault}" for fault in faults))
    return study


def _completed(study: Study) -> Study:
    """Returns the study with the seeds that its budget asks for where it names none."""
    tuning = study.tuning
    if not tuning.seeds:
        tuning = dataclasses.replace(tuning, seeds=tuple(seeds.TUNING[: study.tier.tuning_seeds]))
    return dataclasses.replace(study, tuning=tuning, seeds=study.seeds or tuple(seeds.EVALUATION[: study.tier.seeds]))


def _across(study: Study) -> list[str]:
    """Returns the faults that no single value shows."""
    from experiments import datasets, library, tasks

    faults = []
    labels = [entry.label.lower() for entry in study.optimizers]
    for path, word, known in (
        ("task", study.task, tasks.names()),
        ("data", study.data, list(datasets.CARDS)),
        *((f"optimizers[{i}].optimizer", e.optimizer, library.available()) for i, e in enumerate(study.optimizers)),
        *((f"tiers[{i}].label", word.lower(), labels) for i, t in enumerate(study.tiers) for word in t.optimizers),
    ):
        if word not in known:
            faults.append(f"{path}: {unknown(path.split('.')[-1], word, known)}")
    for i, entry in enumerate(study.optimizers):
        if "learning_rate" in entry.hyperparameters:
            faults.append(f"optimizers[{i}].hyperparameters.learning_rate: is chosen by tuning, leave it out.")
        if entry.schedule == OWN and entry.cycle_epochs is None:
            faults.append(f"optimizers[{i}].schedule: 'own' is for an optimizer with cycle_epochs.")
    faults.extend(
        f"optimizers[{i}].label: '{entry.label}' is taken by another entry."
        for i, entry in enumerate(study.optimizers)
        if entry.label.lower() in labels[:i]
    )
    return faults
