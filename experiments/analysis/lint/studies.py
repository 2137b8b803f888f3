"""What the study alone shows."""

from __future__ import annotations

from collections.abc import Iterator

from experiments.analysis.lint.case import Case, overlapping, some
from experiments.problems.grid import PROTOCOL
from experiments.studies import OWN
from experiments.tuning import choosing
from experiments.tuning.search import unequal

CLAIM = 5  # evaluation seeds: below that no test can tell anything


def few_seeds(case: Case) -> Iterator[str]:
    """Below five seeds nothing can be said; below its budget's, a study spends less than it says."""
    count, budget = len(case.study.seeds), case.study.limits
    if count < CLAIM:
        yield f"S = {count}: fewer than {CLAIM} evaluation seeds allow no claim."
    elif count < budget.seeds:
        yield f"S = {count}: the budget '{budget.name}' stands for {budget.seeds} evaluation seeds."


def shared_seeds(case: Case) -> Iterator[str]:
    """What was chosen with a seed must not be judged with it."""
    shared = sorted(set(case.study.seeds) & set(case.study.tuning.seeds))
    if shared:
        yield f"Seeds {some(shared)} are for tuning and for evaluation."


def toys(case: Case) -> Iterator[str]:
    """A function of two dimensions is an illustration, whatever the budget."""
    if case.task.toy and case.study.limits.claims:
        yield (
            f"The budget '{case.study.budget}' is for claims, but {case.study.task} is an illustration, not evidence."
        )


def schedules(case: Case) -> Iterator[str]:
    """One schedule for all but those that have one of their own."""
    other = [e.label for e in case.study.optimizers if e.schedule not in (None, OWN, case.study.schedule)]
    if other:
        yield f"{some(other)} have another schedule than the study's, '{case.study.schedule}'."


def coarse(case: Case) -> Iterator[str]:
    """Where every run is evaluated, the protocol says."""
    if case.study.grid != PROTOCOL:
        yield "Runs are evaluated after each pass, and not at the steps of the protocol's grid."


def chosen_on_training(case: Case) -> Iterator[str]:
    """Choosing needs examples that were not trained on."""
    if case.study.tuned and overlapping(case):
        yield f"The validation examples of {case.study.data} are training examples, and choices are made by them."


def unequal_spaces(case: Case) -> Iterator[str]:
    """As many points in ranges of the same width for all."""
    if case.study.tuned:
        yield from unequal({e.label: choosing.searches(case.study, e)[0] for e in case.study.optimizers})
