"""The frozen dataclasses of a study; each field declares what it may be."""

import dataclasses
from collections.abc import Mapping

from experiments.problems import seeds
from experiments.problems.grid import DOUBLING, GRIDS
from experiments.studies import domains
from experiments.studies.budgets import BUDGETS, Budget, budget_named
from experiments.studies.domains import table, tables, value

SCHEMA = 2
LINES = ("solid", "dashed", "dotted", "dashdot", "longdash", "dashdotdot")
MARKERS = ("o", "s", "^", "v", "D", "P", "X", "*", "<", ">", "p")
TRACKS = ("default", "tuned", "agnostic", "self-tuning")
TENTH, OUTERMOST = EDGES = ("tenth", "outermost")
COSINE, CONSTANT, OWN = SCHEDULES = ("warmup-cosine", "constant", "own")

Scalar = bool | int | float
SEEDS = domains.distinct(domains.whole(seeds.EVALUATION.start, seeds.EVALUATION.stop - 1))
FOLDER = domains.matching("a relative folder", r"\w[\w-]*(/\w[\w-]*)*")


@dataclasses.dataclass(frozen=True)
class Style:
    """The look of one optimizer in every figure of the study; no part of the study's identity."""

    color: str = value(domains.matching("a colour like #0072B2", r"#[0-9A-Fa-f]{6}"))
    line: str = value(domains.one_of(*LINES))
    marker: str = value(domains.one_of(*MARKERS))


@dataclasses.dataclass(frozen=True)
class Entry:
    """One optimizer of a study."""

    label: str = value(domains.TEXT)  # its name in tables and figures
    optimizer: str = value(domains.TEXT)  # its name in `tfoptim.get`
    # `mini` for one step a mini-batch, `full` for one step an epoch, over all examples
    batch: str = value(domains.one_of("mini", "full"))
    default_learning_rate: float = value(domains.POSITIVE)  # the documented default, the middle of the tuned range
    # its colour, line and marker
    style: Style = table(Style)  # noqa: RUF009  it declares a field
    hyperparameters: Mapping[str, Scalar] = value(domains.SCALARS, default={})  # arguments that are not tuned
    # of the learning rate, where it is not the study's; `own` is that of an optimizer that has one
    schedule: str | None = value(domains.one_of(*SCHEDULES), default=None)
    # length of a cycle, of an optimizer whose rate cycles by itself
    cycle_epochs: float | None = value(domains.POSITIVE, default=None)
    # labels of entries that it can equal with some of its hyperparameters, so that it must not be worse (rule B8)
    contains: tuple[str, ...] = value(domains.distinct(domains.TEXT), default=())


@dataclasses.dataclass(frozen=True)
class Tuning:
    """The tuning of hyperparameters, the same for every optimizer; the budget sets the number of points."""

    # seeds of the tuning runs, none of them an evaluation seed; by default as many as the budget asks for
    seeds: tuple[int, ...] = value(
        domains.distinct(domains.whole(seeds.TUNING.start, seeds.TUNING.stop - 1)), default=()
    )
    epochs: int | None = value(domains.whole(1, 100_000), default=None)  # of a tuning run; None: those of the study
    # what widens a range (rule B7): the best in its outer tenth, twice at most, as in studies of earlier versions; or
    # there or at the outermost value tried, until it lies inside
    edges: str = value(domains.one_of(*EDGES), default=OUTERMOST)


@dataclasses.dataclass(frozen=True)
class Preset:
    """A smaller form of the study, by name: what `--preset` stands for."""

    name: str = value(domains.TEXT)  # its name on the command line
    optimizers: tuple[str, ...] = value(domains.distinct(domains.TEXT))  # labels of its entries
    seeds: tuple[int, ...] = value(SEEDS)  # evaluation seeds
    epochs: int = value(domains.whole(1, 100_000))  # budget of every run
    figures: str = value(FOLDER)  # folder of its figures, so that those of the whole study stay
    data: str | None = value(domains.TEXT, default=None)  # a smaller data set; rates stay those of the study


@dataclasses.dataclass(frozen=True)
class Problem:
    """One of several problems of a study; the attributes are those of the study that has one."""

    task: str = value(domains.TEXT)
    data: str = value(domains.TEXT)
    epochs: int = value(domains.whole(1, 100_000))
    batch_size: int = value(domains.whole(1))
    micro_batch: int = value(domains.whole(1))

    @property
    def slug(self) -> str:
        """Its name in the names of files."""
        return f"{self.task}-{self.data}".replace("/", "-")


@dataclasses.dataclass(frozen=True)
class Study:
    """A comparison of optimizers, with its rules."""

    schema: int = value(domains.whole(SCHEMA, SCHEMA))  # version of this form
    title: str = value(domains.TEXT)  # of the study, for tables
    task: str = value(domains.TEXT)  # model, loss and metrics; a name in `experiments.problems.tasks`
    data: str = value(domains.TEXT)  # data set; one of `experiments.problems.datasets.CARDS`
    epochs: int = value(domains.whole(1, 100_000))  # length of every run
    batch_size: int = value(domains.whole(1))  # examples a step of the `mini` entries takes
    micro_batch: int = value(domains.whole(1))  # examples held at a time while a full gradient is accumulated
    optimizers: tuple[Entry, ...] = tables(Entry)  # the entries
    figures: str = value(FOLDER)  # folder of the figures, relative to the working directory
    # how many points are tried and how many seeds evaluated, one of `experiments.studies.budgets.BUDGETS`
    budget: str = value(domains.one_of(*BUDGETS), default="laptop")
    # where hyperparameters come from (rule B4): `default` and `self-tuning` take them as documented, `tuned` chooses
    # them on this problem, `agnostic` from five points that are the same for all problems
    track: str = value(domains.one_of(*TRACKS), default="tuned")
    # of the learning rates of all optimizers that have none of their own (rule B9)
    schedule: str = value(domains.one_of(COSINE, CONSTANT), default=COSINE)
    # at which steps runs are evaluated (rule B13): `doubling` over the first epoch and then after each, as `protocol`
    # three times as often, or, as `passes`, after each epoch, as runs for tuning and for times always are, since no
    # curve is drawn of them
    grid: str = value(domains.one_of(*GRIDS), default=DOUBLING)
    # whether TensorFlow may use nothing but operations that repeat their results to the last bit (rule B24). They do so
    # on CPUs anyway; on GPUs it costs time, and is for debugging: evidence rests on seeds.
    deterministic: bool = value(domains.TRUTH, default=False)
    # evaluation seeds; by default as many as the budget asks for, from 0
    seeds: tuple[int, ...] = value(SEEDS, default=())
    # label of the optimizer that each other one is compared with, declared before there are runs: fewer comparisons, of
    # which ten seeds can confirm more; None compares all pairs
    reference: str | None = value(domains.TEXT, default=None)
    # how hyperparameters are chosen
    tuning: Tuning = table(Tuning, default=Tuning())  # noqa: RUF009  it declares a field
    presets: tuple[Preset, ...] = tables(Preset, default=())  # smaller forms of it, by name
    # where there are several; `each` makes of them studies of one, and the study itself is of the first
    problems: tuple[Problem, ...] = tables(Problem, default=())

    @property
    def limits(self) -> Budget:
        """The budget, as numbers."""
        return budget_named(self.budget)

    @property
    def tuned(self) -> bool:
        """Whether hyperparameters are chosen by trials."""
        return self.track in ("tuned", "agnostic")
