"""What a report is made from: the records of one study's evaluation runs, with the test scores open, and its tuning."""

from __future__ import annotations

import dataclasses
import functools
import math
import statistics
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from experiments.analysis.statistics.comparing import compare
from experiments.analysis.statistics.verdicts import Comparison
from experiments.problems import tasks
from experiments.problems.tasks.base import Task
from experiments.records import timings as reading
from experiments.records.costs import Cost
from experiments.records.run_folder import Record
from experiments.studies import Study
from experiments.studies.runs import EVALUATION, Run
from experiments.text import from_csv
from experiments.tuning.choosing import Choice, Trial

BySeed = dict[str, dict[int, float]]


@dataclasses.dataclass(frozen=True)
class Evidence:
    """Everything that a report says follows from this."""

    name: str  # of the study
    study: Study  # what was compared
    wanted: Sequence[Run]  # its evaluation runs
    found: Sequence[Record]  # the records of those that were made, test scores open
    choices: Mapping[str, Choice]  # the hyperparameters that were chosen
    trials: Sequence[Trial]  # the tuning runs that the choice rests on; none where nothing was tuned
    whole: Study  # the study as its file has it
    command: str  # what was typed
    target: float | None = None  # validation score that counts as solved, where there is one
    origin: str = ""  # the sentence that says where the target is from
    # what was spent, by kind of run and label; nothing where it is not known
    costs: Mapping[tuple[str, str], Cost] = dataclasses.field(default_factory=dict)
    timings: Sequence[Record] = ()  # the records of the timing pass, which all seconds come from
    typed: str = ""  # what to type for the study, where that is not its name

    @property
    def identity(self) -> str:
        """The study's name on figures, and what their random draws derive from."""
        return self.found[0].run.study[:8]

    @property
    def task(self) -> Task:
        """The problem."""
        return tasks.get(self.study.task)

    @property
    def score(self) -> str:
        """What the score is called in records."""
        return self.task.score

    @property
    def higher(self) -> bool:
        """Whether more of the score is better."""
        return not self.task.lower_is_better

    @property
    def worst(self) -> float:
        """What a run that diverged is given."""
        return -math.inf if self.higher else math.inf

    @property
    def labels(self) -> list[str]:
        """The optimizers, as the study has them."""
        return [entry.label for entry in self.study.optimizers]

    def of(self, label: str) -> list[Record]:
        """Returns the evaluation records of an optimizer, by seed; a tuning run is never one of them (rule B11)."""
        own = [r for r in self.found if r.run.label == label and r.run.kind == EVALUATION]
        return sorted(own, key=lambda record: record.run.seed)

    def by_seed(self, pick: Callable[[Record], float]) -> BySeed:
        """Returns a number of each run, optimizer by optimizer and seed by seed; the worst for one that diverged."""
        return {
            label: {r.run.seed: self.worst if r.status == "diverged" else pick(r) for r in self.of(label)}
            for label in self.labels
        }

    def last(self, record: Record, split: str) -> float:
        """Returns the score of a whole split after the last pass; curves of training are of a fixed part of it.

        Of test cases that are measured as a whole, it is the mean over them of the mean over their classes.
        """
        name, found = f"{split}_{self.score}", record.evaluations[-1]
        if split == "test" and self.task.by_case:
            return case_mean(record, self.score)
        return float(found.get(f"whole_{name}", found[name]))

    def final(self, split: str) -> BySeed:
        """Returns the score of a split after the last pass."""
        return self.by_seed(lambda record: self.last(record, split))

    def by_rule(self) -> BySeed:
        """Returns the test score at the evaluation with the best validation score, the first of equals.

        None where whole test cases are scored, since that is done after the last pass alone.
        """
        if self.task.by_case:
            return {}
        sign = 1 if self.higher else -1

        def pick(record: Record) -> float:
            best = max(record.evaluations, key=lambda evaluation: sign * evaluation[f"validation_{self.score}"])
            return float(best[f"test_{self.score}"])

        return self.by_seed(pick)

    def compared(self, rng: np.random.Generator) -> list[Comparison]:
        """Returns the comparisons of final test scores: of all pairs, or those with the reference.

        Of a part of a study, they are corrected for all that the study of the file has.
        """
        finals, reference = self.final("test"), self.study.reference
        if not any(finals.values()):
            return []
        count = len(self.whole.optimizers)
        planned = count * (count - 1) // 2 if reference is None else count - 1
        return compare(finals, rng, higher_is_better=self.higher, reference=reference, planned=planned)

    def complete(self, table: BySeed) -> BySeed:
        """Returns the optimizers all of whose runs are there: a mean over some of them is never shown."""
        return {label: values for label, values in table.items() if len(values) == len(self.study.seeds)}

    @functools.cached_property
    def untimed(self) -> str:
        """Why no seconds are shown, with the command that takes them (rule B16); empty where they are."""
        return reading.refused(self.timings, self.labels, self.typed or self.name)

    @functools.cached_property
    def step_seconds(self) -> Mapping[str, float]:
        """Median seconds of a step of each optimizer, in the timing pass; nothing where they may not be shown."""
        return {} if self.untimed else reading.step_seconds(self.timings)


def case_mean(record: Record, metric: str) -> float:
    """Returns the mean of a metric over the test cases of a run, of each the mean over its classes."""
    by_case: dict[str, list[float]] = {}
    if "cases" not in record.files:  # of a run that diverged
        return math.nan
    for row in from_csv(record.files["cases"].read_text(encoding="utf-8")):
        by_case.setdefault(row["case"], []).append(float(row[metric]))
    return statistics.fmean(map(statistics.fmean, by_case.values()))


def origin(source: Evidence | Run) -> dict[str, str]:
    """Returns what each row of a table begins with: where its numbers are from."""
    run = source.found[0].run if isinstance(source, Evidence) else source
    return {"study": run.study[:8], "data": run.data, "model": run.task}
