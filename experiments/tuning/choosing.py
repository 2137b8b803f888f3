"""Hyperparameters chosen on validation data: which points are tried, and which of them is taken.

Every optimizer is tried at the same number of scrambled Halton points in a space of the same width around its
documented default (`experiments.tuning.search`). When the best lies in the outer tenth of a range, or is the outermost
value tried, that side is widened by a decade and all points are run again; where that has no end, the choice is marked
`boundary`. The best point has the highest median validation score (accuracy, Dice) over the tuning seeds after the last
epoch; ties go to the lower median validation loss, then to the earlier point. Of several rounds, the one with the
median score is taken, not the luckiest.
"""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Iterator, Mapping, Sequence

from experiments import optimizers
from experiments.problems import tasks
from experiments.records import run_folder
from experiments.studies import GIVEN, Entry, Study
from experiments.studies.identity import tuning_hash
from experiments.studies.runs import TUNING, Run, plan
from experiments.tuning.search import Point, Search, space

RATE = "learning_rate"
AGNOSTIC_TRIALS, AGNOSTIC_ROUNDS = 5, 3
SPACE = "space v2"  # as `searches` defines it


@dataclasses.dataclass(frozen=True)
class Trial:
    """How one tuning run ended; a diverged one has no scores."""

    label: str  # of the optimizer
    learning_rate: float  # the rate tried
    seed: int  # of the run
    score: float  # validation score, turned so that greater is better; minus infinity where it diverged
    loss: float  # validation loss, infinity where it diverged
    round: int = 0  # number of the search, from 0
    widenings: int = 0  # how often its space was widened before
    index: int = 0  # number of the point in the search


@dataclasses.dataclass(frozen=True)
class Choice:
    """The chosen hyperparameters of an optimizer."""

    values: Mapping[str, float]  # hyperparameters by name, the learning rate among them
    window: tuple[float, float]  # the lowest and highest rate of the range it was chosen from
    widenings: int  # how often the space was widened
    boundary: bool  # whether the best still lay at an edge when no widening was left
    # median over the tuning seeds, turned so that greater is better; NaN where nothing was tried
    validation_score: float
    trials: tuple[int, int]  # tuning runs in the last search, and in all
    round: int = 0  # number of the search it comes from

    @property
    def learning_rate(self) -> float:
        """The chosen rate."""
        return self.values[RATE]


def documented(study: Study) -> dict[str, Choice]:
    """Returns the rate of each optimizer without tuning: the one that the file gives, else its documented default."""
    rates = {entry.label: entry.learning_rate or entry.default_learning_rate for entry in study.optimizers}
    return {k: Choice({RATE: rate}, (rate, rate), 0, False, math.nan, (0, 0)) for k, rate in rates.items()}


def values(choices: Mapping[str, Choice]) -> dict[str, Mapping[str, float]]:
    """Returns the chosen hyperparameters of each optimizer, by its label."""
    return {label: choice.values for label, choice in choices.items()}


def searches(study: Study, entry: Entry) -> list[Search]:
    """Returns the searches that a study makes of one optimizer, one a round, before any widening."""
    agnostic = study.track == "agnostic"
    trials, rounds = (AGNOSTIC_TRIALS, AGNOSTIC_ROUNDS) if agnostic else (study.limits.trials, study.limits.rounds)
    axes = space(entry.default_learning_rate, _knobs(entry), trials=trials)
    name = "agnostic" if agnostic else study.task
    return [Search(name, number, axes, trials) for number in range(rounds)]


def _knobs(entry: Entry) -> list[str]:
    """Returns what may be tuned: all that its rule has or inherits, but nothing that the entry fixes."""
    return [name for name in optimizers.knobs(entry.optimizer, inherited=True) if name not in entry.hyperparameters]


def algorithm(study: Study, entry: Entry, schedule: str) -> str:
    """Returns what is compared, which is more than an optimizer (rule B1): with schedule, search space and trials."""
    made = searches(study, entry) if study.tuned else []
    rounds = f" x {len(made)}" if len(made) > 1 else ""
    untuned = "given rates" if study.track == GIVEN else "documented values"
    searched = f"{SPACE} | K={made[0].trials}{rounds}" if made else f"{untuned} | K=0"
    return f"{entry.label} | {schedule} | {searched}"


def made(study: Study, entry: Entry, trials: Sequence[Trial]) -> Iterator[tuple[Search, list[Trial]]]:
    """Yields the searches that an optimizer's trials were made in, widened ones among them, each with its trials."""
    own = [trial for trial in trials if trial.label == entry.label]
    for first in searches(study, entry):
        search: Search | None = first
        while search is not None and (here := within(own, search)):
            yield search, here
            winner = best(here)
            search = search.widened(winner) if winner < search.trials else None


def within(trials: Sequence[Trial], search: Search | Choice) -> list[Trial]:
    """Returns those trials that were made in a search, or in that of a choice."""
    return [t for t in trials if (t.round, t.widenings) == (search.round, search.widenings)]


def settle(study: Study, entry: Entry, trials: Sequence[Trial]) -> Choice | list[Search]:
    """Returns the choice for one optimizer, or the searches whose points have to be tried next."""
    own = [trial for trial in trials if trial.label == entry.label]
    settled = [_settle(study, search, own) for search in searches(study, entry)]
    open_ = [found for found in settled if isinstance(found, Search)]
    if open_:
        return open_
    by_score = sorted((found for found in settled if isinstance(found, Choice)), key=lambda c: c.validation_score)
    return by_score[(len(by_score) - 1) // 2]


def best(trials: Sequence[Trial]) -> int:
    """Returns the index of the best point of a search; where all diverged, that of the lowest rate."""

    def rank(index: int) -> tuple[float, float, float]:
        here = [trial for trial in trials if trial.index == index]
        score, loss = (statistics.median(values) for values in zip(*((t.score, t.loss) for t in here), strict=True))
        return -score, loss, here[0].learning_rate if score == -math.inf else index

    return min({trial.index for trial in trials}, key=rank)


def _settle(study: Study, search: Search, own: Sequence[Trial]) -> Choice | Search:
    """Returns what one round chooses, or the search that has to be made next."""
    while True:
        here = within(own, search)
        if len({(t.index, t.seed) for t in here}) < search.trials * len(study.tuning.seeds):
            return search
        winner = best(here)
        wider = None if study.track == "agnostic" else search.widened(winner)
        if wider is None:
            break
        search = wider
    rate = search.space[0]
    return Choice(
        values=search.points[winner].values,
        window=(rate.low, rate.high),
        widenings=search.widenings,
        boundary=any(search.sides(winner)),
        validation_score=statistics.median(t.score for t in here if t.index == winner),
        trials=(len(here), len(own)),
        round=search.round,
    )


def place(search: Search, point: Point) -> dict[str, int]:
    """Returns which point of which search a tuning run is at, as its specification has it."""
    return {"round": search.round, "widenings": search.widenings, "index": point.index}


def trial_of(record: run_folder.Record) -> Trial:
    """Returns the trial of a tuning record."""
    run, last = record.run, record.evaluations[-1]
    good = record.status == "done"
    return Trial(
        run.label,
        run.learning_rate,
        run.seed,
        tasks.get(run.task).merit(last[judged(run.task)]) if good else -math.inf,
        last["validation_loss"] if good else math.inf,
        **run.point,
    )


def judged(task: str) -> str:
    """Returns what the score that rates are chosen by is called in records and files."""
    return f"validation_{tasks.get(task).score}"


def tuning_runs(study: Study, entry: Entry, settled: Choice | Sequence[Search]) -> list[Run]:
    """Returns the runs of the searches of one optimizer that are not settled."""
    if isinstance(settled, Choice):
        return []
    identity = tuning_hash(study)
    return [
        plan(identity, study, TUNING, entry, point.values, seed, place(search, point))
        for search in settled
        for point in search.points
        for seed in study.tuning.seeds
    ]
