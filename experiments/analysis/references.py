"""What our runs are compared with: published results of DeepOBS, and the known minima of test functions (rule B20).

DeepOBS (Schneider, Balles and Hennig, 2019): its baselines at epoch 100 with the seeds 42 to 51, as mean and standard
deviation of the runs. Momentum is the heavy ball with 0.99; learning rates stay constant.
"""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Mapping, Sequence

from experiments.analysis.columns import Column, markdown
from experiments.analysis.statistics.summaries import spread
from experiments.problems.functions import FUNCTIONS, Function
from experiments.problems.tasks.base import Task
from experiments.problems.tasks.points import CLASSICAL
from experiments.records.run_folder import Record

LEVEL = 0.01  # of Welch's test: three agreeing optimizers are called different in 3 % of all reproductions
RUNS = 10
LABEL = "Illustration, not evidence: functions of so few dimensions say little about networks."


@dataclasses.dataclass(frozen=True)
class Published:
    """Published results on one problem."""

    score: str  # what the score is called in records
    results: Mapping[str, tuple[float, float]]  # mean and standard deviation of the last score, by optimizer
    initial: float | None = None  # the score before the first step, where it is known


PUBLISHED: Mapping[str, Published] = {
    "deepobs_quadratic_deep": Published(
        "test_loss", {"SGD": (87.398, 0.169), "Momentum": (87.045, 0.025), "Adam": (87.112, 0.024)}, 353.4468
    ),
    "deepobs_fmnist_2c2d": Published(
        "test_accuracy", {"SGD": (0.9227, 0.0018), "Momentum": (0.9214, 0.0021), "Adam": (0.9234, 0.0029)}
    ),
}


@dataclasses.dataclass(frozen=True)
class Beside:
    """Our result and the published one."""

    optimizer: str  # its label
    runs: int  # how many of ours there are
    mean: float  # of ours; NaN where a run diverged
    sd: float  # of ours; NaN of a single run
    published: tuple[float, float]  # mean and standard deviation
    p: float  # of a t test on the two; NaN where a run diverged
    agrees: bool  # whether it does not tell them apart, and every run starts at the known score


def beside(task: Task, found: Sequence[Record]) -> list[Beside]:
    """Returns a row for each published result that there are runs for, given their records with open test scores."""
    known = PUBLISHED[task.name]
    rows = []
    for label, (mean, sd) in known.results.items():
        own = [record for record in found if record.run.label == label]
        if not own:
            continue
        ends = [float(r.evaluations[-1][known.score]) if r.status == "done" else math.nan for r in own]
        ours, p = (math.nan, math.nan), math.nan
        if len(ends) == 1:
            ours, p = (ends[0], math.nan), _single(ends[0], (mean, sd, RUNS))
        elif not any(map(math.isnan, ends)):
            whole = spread(ends)
            ours, p = (whole.mean, whole.sd), _welch((whole.mean, whole.sd, whole.n), (mean, sd, RUNS))
        started = all(_starts(known, record) for record in own)
        rows.append(Beside(label, len(own), *ours, (mean, sd), p, p >= LEVEL and started))
    return rows


def published_markdown(rows: Sequence[Beside], score: str) -> list[str]:
    """Returns the rows as a table in Markdown."""
    columns: Sequence[Column[Beside]] = (
        Column("", "optimizer", lambda row: row.optimizer),
        Column("", f"{score}, ours (runs)", _ours),
        Column("", f"published ({RUNS} runs)", lambda row: "{:.5g} ± {:.2g}".format(*row.published)),
        Column("", "difference", lambda row: row.mean - row.published[0], "{:+.2g}".format),
        Column("", "p", lambda row: row.p, "{:.2g}".format),
        Column("", "agrees", lambda row: "yes" if row.agrees else "NO"),
    )
    said = f"Agrees: Welch's t test does not tell the two apart at {LEVEL:.0%}."
    if any(row.runs == 1 for row in rows):
        said += " Of a single run: Student's, which takes it for one that scatters as those that were published."
    return [*markdown(columns, rows), "", said]


def _ours(row: Beside) -> str:
    spread_ = "" if math.isnan(row.sd) else f" ± {row.sd:.2g}"
    return f"{row.mean:.5g}{spread_} ({row.runs})"


def _welch(one: tuple[float, float, int], other: tuple[float, float, int]) -> float:
    """Returns the p value of Welch's t test from mean, standard deviation and number of runs of each."""
    from scipy import stats

    if one[1] == other[1] == 0:
        return float(one[0] == other[0])
    return float(stats.ttest_ind_from_stats(*one, *other, equal_var=False).pvalue)


def _single(one: float, other: tuple[float, float, int]) -> float:
    """Returns the p value of a t test on one run and several others, which have mean, standard deviation and number."""
    from scipy import stats

    mean, sd, n = other
    return float(2 * stats.t.sf(abs(one - mean) / (sd * math.sqrt(1 + 1 / n)), n - 1))


def _starts(known: Published, record: Record) -> bool:
    """Returns whether a run starts at the known score, to the four decimals that are known."""
    if known.initial is None:
        return True
    return abs(float(record.evaluations[0][known.score]) - known.initial) < 1e-4


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How one optimizer did from all starts."""

    optimizer: str  # its label
    starts: int  # how many there were
    solved: int  # from how many it came within a millionth of the way from the start's value to the minimum
    classical: bool | None  # whether from the classical start; None where that was not tried
    gradients: float  # median over all starts of the gradients that it took; infinity counts for a miss
    excess: float  # median of what was left above the minimum at the last step; infinity counts for a divergence


def outcomes(labels: Sequence[str], found: Sequence[Record]) -> list[Outcome]:
    """Returns a row for each optimizer, given the records of its runs on one function."""
    rows = []
    for label in labels:
        own = [record for record in found if record.run.label == label]
        function = FUNCTIONS[own[0].run.task]
        costs = {record.run.seed: cost(function, record) for record in own}
        left = [_last(record) - function.minimum for record in own]
        rows.append(
            Outcome(
                label,
                len(own),
                sum(map(math.isfinite, costs.values())),
                math.isfinite(costs[CLASSICAL]) if CLASSICAL in costs else None,
                statistics.median(costs.values()),
                statistics.median(left),
            )
        )
    return rows


def cost(function: Function, record: Record) -> float:
    """Returns the gradients after which a run was first seen to have solved its function; infinity for a miss."""
    start = record.evaluations[0]["test_loss"]
    solved = (e["example_gradients"] for e in record.evaluations if function.solved(e["test_loss"], start))
    return float(next(solved, math.inf))


def minima_markdown(rows: Sequence[Outcome]) -> list[str]:
    """Returns the rows as a table in Markdown, with the label that they must have."""
    return [*markdown(MINIMA, rows), "", LABEL]


MINIMA: Sequence[Column[Outcome]] = (
    Column("", "optimizer", lambda row: row.optimizer),
    Column("", "solved", lambda row: f"{row.solved} of {row.starts}"),
    Column("", "from the classical start", lambda row: row.classical, {True: "yes", False: "no"}.__getitem__),
    Column(
        "", "gradients, median", lambda row: row.gradients,
        text=lambda row: "∞" if math.isinf(row.gradients) else f"{row.gradients:,.0f}",
    ),
    Column("", "left above the minimum, median", lambda row: row.excess, "{:.2g}".format),
)  # fmt: skip


def _last(record: Record) -> float:
    return float(record.evaluations[-1]["test_loss"]) if record.status == "done" else math.inf
