"""The frozen dataclasses of a study; each field declares its values, its meaning and, where it has one, its default.

`docs/compare/study-file.md` is made from these declarations, by `make study-file`.
"""

import dataclasses
import re
from collections.abc import Mapping

from experiments.problems import own, seeds
from experiments.problems.grid import DOUBLING, GRIDS
from experiments.problems.own import outside
from experiments.studies import domains
from experiments.studies.budgets import BUDGETS, Budget, budget_named
from experiments.studies.domains import table, tables, value

SCHEMA = 2
LINES = ("solid", "dashed", "dotted", "dashdot", "longdash", "dashdotdot")
MARKERS = ("o", "s", "^", "v", "D", "P", "X", "*", "<", ">", "p")
GIVEN = "given"
TRACKS = ("default", "tuned", "agnostic", "self-tuning", GIVEN)
COSINE, CONSTANT, OWN = SCHEDULES = ("warmup-cosine", "constant", "own")

PLACE = "by the entry's place in the list"

Scalar = bool | int | float
SEEDS = domains.distinct(domains.whole(seeds.EVALUATION.start, seeds.EVALUATION.stop - 1))
FOLDER = domains.matching("a relative folder", r"\w[\w-]*(/\w[\w-]*)*")
EPOCHS = domains.whole(1, 100_000)


@dataclasses.dataclass(frozen=True)
class Style:
    """The look of one optimizer in every figure of the study; no part of the study's identity."""

    color: str = value(
        domains.matching("a colour like #0072B2", r"#[0-9A-Fa-f]{6}"), meaning="colour of lines", usual=PLACE
    )
    line: str = value(domains.one_of(*LINES), meaning="kind of lines", usual=PLACE)
    marker: str = value(domains.one_of(*MARKERS), meaning="shape of points", usual=PLACE)


@dataclasses.dataclass(frozen=True)
class Entry:
    """One optimizer of a study; its name alone stands for an entry with all else by default."""

    label: str = value(domains.TEXT, meaning="its name in tables and figures", usual="the name of its class")
    optimizer: str = value(
        domains.TEXT,
        meaning="a name of tfoptim's, `keras:Lion`, `my_file.py:Class`, `package.module:Class`, or an entry point of "
        "the group `tfoptim.optimizers`",
    )
    batch: str = value(
        domains.one_of("mini", "full"),
        meaning="`mini` for one step a mini-batch, `full` for one step an epoch, over all examples",
        usual="mini",
    )
    default_learning_rate: float = value(
        domains.POSITIVE, meaning="the documented default, the middle of the tuned range", usual="that of its class"
    )
    style: Style = table(  # noqa: RUF009  it declares a field
        Style, meaning="its colour, line and marker", usual=PLACE
    )
    hyperparameters: Mapping[str, Scalar] = value(
        domains.SCALARS, default={}, meaning="arguments of its constructor that are not tuned"
    )
    shares: Mapping[str, float] = value(
        domains.SHARES,
        default={},
        meaning="arguments of its constructor that count steps, as shares of the steps of a run, which are not tuned: "
        "`{ warmup_steps = 0.05 }` is the same part of a run on every problem",
    )
    schedule: str | None = value(
        domains.one_of(*SCHEDULES),
        default=None,
        meaning="of its learning rate; `own` is that of an optimizer that has one",
        usual="the study's",
    )
    cycle_epochs: float | None = value(
        domains.POSITIVE, default=None, meaning="length of a cycle, of an optimizer whose rate cycles by itself"
    )
    learning_rate: float | None = value(
        domains.POSITIVE,
        default=None,
        meaning="the rate, where all entries have one and nothing is tuned: the track `given`",
    )
    contains: tuple[str, ...] = value(
        domains.distinct(domains.TEXT),
        default=(),
        meaning="labels of entries that it can equal with some of its hyperparameters, so that it must not be worse "
        "(rule B8)",
    )


@dataclasses.dataclass(frozen=True)
class Tuning:
    """The tuning of hyperparameters, the same for every optimizer; the budget sets the number of points."""

    seeds: tuple[int, ...] = value(
        domains.distinct(domains.whole(seeds.TUNING.start, seeds.TUNING.stop - 1)),
        default=(),
        meaning="seeds of the tuning runs, none of them an evaluation seed",
        usual="as many as the budget asks for, from 1000",
    )
    epochs: int | None = value(EPOCHS, default=None, meaning="length of a tuning run", usual="the study's")


@dataclasses.dataclass(frozen=True)
class Preset:
    """A smaller form of the study, by name: what `--preset` stands for."""

    name: str = value(domains.TEXT, meaning="its name on the command line")
    optimizers: tuple[str, ...] = value(domains.distinct(domains.TEXT), meaning="labels of its entries")
    seeds: tuple[int, ...] = value(SEEDS, meaning="evaluation seeds")
    epochs: int = value(EPOCHS, meaning="length of every run")
    figures: str = value(FOLDER, meaning="folder of its figures, so that those of the whole study stay")
    data: str | None = value(
        domains.TEXT, default=None, meaning="a smaller data set; rates stay those of the study", usual="the study's"
    )


@dataclasses.dataclass(frozen=True)
class Claim:
    """A published claim on final test scores, which the report answers with intervals; no part of the identity."""

    source: str = value(domains.TEXT, meaning="who claims it, and where")
    better: tuple[str, ...] = value(domains.distinct(domains.TEXT), meaning="labels of the entries said to be better")
    than: tuple[str, ...] = value(domains.distinct(domains.TEXT), meaning="labels of the entries they are to beat")
    gain: float = value(domains.POSITIVE, meaning="by how much at least, in units of the score")


@dataclasses.dataclass(frozen=True)
class Problem:
    """One of several problems of a study; what it leaves out is the study's."""

    task: str = value(domains.TEXT, meaning="as that of a study")
    data: str = value(domains.TEXT, meaning="as that of a study")
    epochs: int = value(EPOCHS, meaning="as those of a study")
    batch_size: int = value(domains.whole(1), meaning="as that of a study")
    micro_batch: int = value(domains.whole(1), meaning="as that of a study")

    @property
    def slug(self) -> str:
        """Its name in the names of files."""
        return re.sub(r"[^\w-]+", "-", f"{self.task}-{self.data}")


@dataclasses.dataclass(frozen=True)
class Study:
    """A comparison of optimizers, with its rules."""

    schema: int = value(domains.whole(SCHEMA, SCHEMA), meaning="version of the form of study files", usual=str(SCHEMA))
    title: str = value(domains.TEXT, meaning="of the study, for tables")
    task: str = value(
        domains.TEXT,
        meaning="model, loss and metrics: a name that `python -m experiments list` shows, `my_file.py:NAME`, "
        "`package.module:NAME`, or an entry point of the group `tfoptim.tasks`",
    )
    data: str = value(
        domains.TEXT,
        meaning="data set: a name that `python -m experiments list` shows; a task of your own has its own data",
        usual="the task's",
    )
    epochs: int = value(EPOCHS, meaning="length of every run")
    batch_size: int = value(domains.whole(1), meaning="examples that a step of the `mini` entries takes", usual="32")
    micro_batch: int = value(
        domains.whole(1),
        meaning="examples held at a time while a full gradient is accumulated",
        usual="`batch_size`",
    )
    optimizers: tuple[Entry, ...] = tables(Entry, meaning="the entries: names, tables, or both")
    figures: str = value(
        FOLDER,
        meaning="folder of the figures, relative to the working directory",
        usual="runs/figures/ and the name of the study's file",
    )
    budget: str = value(
        domains.one_of(*BUDGETS), default="laptop", meaning="how many points are tried and how many seeds evaluated"
    )
    track: str = value(
        domains.one_of(*TRACKS),
        default="tuned",
        meaning="where hyperparameters come from (rule B4): `default` and `self-tuning` take them as documented, "
        "`tuned` chooses them on this problem, `agnostic` from five points that are the same for all problems, "
        "`given` takes the learning rates of the file, and allows no claim",
        usual="tuned; given where the entries have learning rates",
    )
    schedule: str = value(
        domains.one_of(COSINE, CONSTANT),
        default=COSINE,
        meaning="of the learning rates of all optimizers that have none of their own (rule B9)",
    )
    grid: str = value(
        domains.one_of(*GRIDS),
        default=DOUBLING,
        meaning="at which steps runs are evaluated (rule B13): `doubling`: at doubling steps of the first epoch, then "
        "after each epoch; `protocol`: some three times as often; `passes`: after each epoch. Runs for tuning and for "
        "times always have `passes`, since no curve is drawn of them",
    )
    deterministic: bool = value(
        domains.TRUTH,
        default=False,
        meaning="whether TensorFlow may use nothing but operations that repeat their results to the last bit (rule "
        "B24). They do so on CPUs anyway; on GPUs it costs time, and is for debugging: evidence rests on seeds",
    )
    seeds: tuple[int, ...] = value(
        SEEDS, default=(), meaning="evaluation seeds", usual="as many as the budget asks for, from 0"
    )
    reference: str | None = value(
        domains.TEXT,
        default=None,
        meaning="label of the optimizer that each other one is compared with, declared before there are runs: fewer "
        "comparisons, of which ten seeds can confirm more; without it, all pairs are compared",
    )
    tuning: Tuning = table(  # noqa: RUF009  it declares a field
        Tuning, default=Tuning(), meaning="how hyperparameters are chosen"
    )
    claims: tuple[Claim, ...] = tables(Claim, default=(), meaning="published claims that it tests")
    presets: tuple[Preset, ...] = tables(Preset, default=(), meaning="smaller forms of it, by name")
    # `each` makes of them studies of one, and the study itself is of the first
    problems: tuple[Problem, ...] = tables(
        Problem, default=(), meaning="the problems, where there are several: one comparison each"
    )
    # of the study's file, where code from outside is found; no key of the file, and no part of the identity
    folder: str = ""

    @property
    def limits(self) -> Budget:
        """The budget, as numbers."""
        return budget_named(self.budget)

    @property
    def tuned(self) -> bool:
        """Whether hyperparameters are chosen by trials."""
        return self.track in ("tuned", "agnostic")

    @property
    def foreign(self) -> tuple[str, ...]:
        """The tasks and optimizers that are code from outside this repository."""
        named = [one.task for one in self.problems or (self,) if own.is_own(one.task)]
        named += [e.optimizer for e in self.optimizers if outside.is_outside(e.optimizer, outside.OPTIMIZERS)]
        return tuple(dict.fromkeys(named))
