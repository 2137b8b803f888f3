"""The published results that ours are set beside, and whether they agree.

DeepOBS (Schneider, Balles and Hennig, 2019), its baselines at epoch 100 with the seeds 42 to 51, as mean and standard
deviation of the runs. Momentum is the heavy ball with 0.99; learning rates stay constant.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

from experiments.analysis.statistics import spread
from experiments.problems.tasks.base import Task
from experiments.records.run_folder import Record

LEVEL = 0.01  # of Welch's test: three agreeing optimizers are called different in 3 % of all reproductions
RUNS = 10


@dataclasses.dataclass(frozen=True)
class Published:
    """Published results on one problem.

    Attributes:
        score: what the score is called in records.
        results: mean and standard deviation of the last score, by optimizer.
        initial: the score before the first step, where it is known.
    """

    score: str
    results: Mapping[str, tuple[float, float]]
    initial: float | None = None


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
    """Our result beside the published one.

    Attributes:
        optimizer: its label.
        runs: how many of ours there are.
        mean: of ours; NaN where a run diverged.
        sd: of ours.
        published: mean and standard deviation.
        p: of Welch's t test on the two; NaN where there is none.
        agrees: whether it does not tell them apart, and every run starts at the known score.
    """

    optimizer: str
    runs: int
    mean: float
    sd: float
    published: tuple[float, float]
    p: float
    agrees: bool


def beside(task: Task, found: Sequence[Record]) -> list[Beside]:
    """Returns a row for each published result that there are runs for, given their records with open test scores."""
    known = PUBLISHED[task.name]
    rows = []
    for label, (mean, sd) in known.results.items():
        own = [record for record in found if record.run.label == label]
        if not own:
            continue
        ends = [float(r.evaluations[-1][known.score]) if r.status == "done" else math.nan for r in own]
        whole = len(ends) > 1 and not any(map(math.isnan, ends))
        ours = spread(ends) if whole else None
        p = _welch((ours.mean, ours.sd, ours.n), (mean, sd, RUNS)) if ours else math.nan
        started = all(_starts(known, record) for record in own)
        given = (ours.mean, ours.sd) if ours else (math.nan, math.nan)
        rows.append(Beside(label, len(own), *given, (mean, sd), p, p >= LEVEL and started))
    return rows


def markdown(rows: Sequence[Beside], score: str) -> list[str]:
    """Returns the rows as a table in Markdown."""
    head = f"| optimizer | {score}, ours (runs) | published ({RUNS} runs) | difference | p | agrees |"
    lines = [head, "|---|---|---|---|---|---|"]
    for row in rows:
        mean, sd = row.published
        lines.append(
            f"| {row.optimizer} | {row.mean:.5g} ± {row.sd:.2g} ({row.runs}) | {mean:.5g} ± {sd:.2g} | "
            f"{row.mean - mean:+.2g} | {row.p:.2g} | {'yes' if row.agrees else 'NO'} |"
        )
    return [*lines, "", f"Agrees: Welch's t test does not tell the two apart at {LEVEL:.0%}."]


def _welch(one: tuple[float, float, int], other: tuple[float, float, int]) -> float:
    """Returns the p value of Welch's t test from mean, standard deviation and number of runs of each."""
    from scipy import stats

    if one[1] == other[1] == 0:
        return float(one[0] == other[0])
    return float(stats.ttest_ind_from_stats(*one, *other, equal_var=False).pvalue)


def _starts(known: Published, record: Record) -> bool:
    """Returns whether a run starts at the known score, to the four decimals that are known."""
    if known.initial is None:
        return True
    return abs(float(record.evaluations[0][known.score]) - known.initial) < 1e-4
