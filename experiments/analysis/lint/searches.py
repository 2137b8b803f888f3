"""Checks of the study and its tuning: seeds, budgets, spaces, trials and choices."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

from experiments.analysis.lint.case import Case, listed, name, some
from experiments.problems import datasets
from experiments.records import costs
from experiments.records.costs import Cost
from experiments.studies import OWN
from experiments.tuning import choosing
from experiments.tuning.search import RATE_DECADES, unequal

CLAIM = 5  # evaluation seeds: below that no test can tell anything


def few_seeds(case: Case) -> Iterator[str]:
    """Below five seeds nothing can be said; below its budget's, a study spends less than it says."""
    count, budget = len(case.study.seeds), case.study.limits
    if count < CLAIM:
        yield f"S = {count}: fewer than {CLAIM} evaluation seeds allow no claim."
    elif count < budget.seeds:
        yield f"S = {count}: the budget '{budget.name}' stands for {budget.seeds} evaluation seeds."


def picked_seeds(case: Case) -> Iterator[str]:
    """Seeds that are picked, or added, once results are there choose what they say."""
    own, declared = list(case.study.seeds), list(case.whole.seeds if case.whole else case.study.seeds)
    if own != declared[: len(own)]:
        yield f"Seeds {some(own, 12)} are not the first {len(own)} that the study declares, {some(declared, 12)}."


def elsewhere(case: Case) -> Iterator[str]:
    """Hyperparameters that were chosen for other data, or runs of another length, were not chosen here."""
    then, now = case.declared, case.study
    if then and now.tuned and case.choices and (then.epochs, then.data) != (now.epochs, now.data):
        length = f"{then.epochs} epochs of {then.data}, and not for {now.epochs} of {now.data}"
        yield f"Hyperparameters were chosen for {length}."


def unplanned(case: Case) -> Iterator[str]:
    """Comparisons that were planned with one optimizer are made with that one, or allow no claim."""
    planned = case.whole.reference if case.whole else None
    if planned and case.study.reference != planned:
        yield f"The comparisons were planned with {planned}, which is left out here."


def shared_seeds(case: Case) -> Iterator[str]:
    """What was chosen with a seed must not be judged with it."""
    shared = sorted(set(case.study.seeds) & set(case.study.tuning.seeds))
    return listed("Seeds {} are for tuning and for evaluation.", shared)


def toys(case: Case) -> Iterator[str]:
    """A function of two dimensions is an illustration, whatever the budget."""
    if case.task.toy and case.study.limits.claims:
        yield (
            f"The budget '{case.study.budget}' is for claims, but {case.study.task} is an illustration, not evidence."
        )


def schedules(case: Case) -> Iterator[str]:
    """One schedule for all but those that have one of their own."""
    other = (e.label for e in case.study.optimizers if e.schedule not in (None, OWN, case.study.schedule))
    return listed(f"{{}} have another schedule than the study's, '{case.study.schedule}'.", other)


def chosen_on_training(case: Case) -> Iterator[str]:
    """Choosing needs examples that were not trained on."""
    if case.study.tuned and getattr(datasets.CARDS[case.study.data], "overlapping", False):
        yield f"The validation examples of {case.study.data} are training examples, and choices are made by them."


def unequal_spaces(case: Case) -> Iterable[str]:
    """As many points in ranges of the same width for all."""
    entries = case.study.optimizers if case.study.tuned else ()
    return unequal({entry.label: choosing.searches(case.study, entry)[0] for entry in entries})


Place = tuple[int, int]  # round, and widenings
ROUNDS = 3  # as many searches show by themselves how much the choice depends on the scramble (rule B12)
LEAST = 2  # points with a score, of which a bootstrap can draw different ones


def refused(case: Case) -> Iterable[str]:
    """A choice counts for the study that it was made for, and if its evidence leads to it."""
    return [case.refused] if case.refused else []


def unequal_trials(case: Case) -> Iterator[str]:
    """K is the same for all, in each search; what widening adds, the rule adds."""
    counts = {label: _counts(case, label) for label in case.labels}
    found = {label: min(of_label.values()) for label, of_label in counts.items() if of_label}
    if found and (len(set(found.values())) > 1 or len(found) < len(counts)):
        yield "K differs: " + some((f"{label} has {found.get(label, 0)} trials" for label in case.labels), 12) + "."


def foreign_points(case: Case) -> Iterator[str]:
    """Every trial is one of the regenerated points, to the last bit."""
    wrong = []
    for entry in case.study.optimizers:
        made = choosing.made(case.study, entry, case.trials) if case.study.tuned else ()
        points = {(s.round, s.widenings): {point.index: point.values for point in s.points} for s, _ in made}
        for trial in (t for t in case.trials if t.label == entry.label):
            expected = points.get((trial.round, trial.widenings), {}).get(trial.index)
            if expected is None or expected["learning_rate"] != trial.learning_rate:
                wrong.append(f"{entry.label} {trial.index} at {trial.learning_rate:g}")
        for record in (r for r in case.tuning if r.run.label == entry.label):
            place = (record.run.point["round"], record.run.point["widenings"])
            expected = points.get(place, {}).get(record.run.point["index"], {})
            given = {**record.run.hyperparameters, "learning_rate": record.run.learning_rate}
            if any(given.get(key) != value for key, value in expected.items() if key != "learning_rate"):
                wrong.append(f"{entry.label} {record.run.point['index']}")
    return listed("Trials are not at the points of the search: {}.", dict.fromkeys(wrong))


def boundaries(case: Case) -> Iterator[str]:
    """The best at the edge of what was tried says that the range was wrong."""
    at_edge = (label for label, choice in (case.choices or {}).items() if choice.boundary)
    return listed("The best of {} lies at the edge of its range after the last widening.", at_edge, 12)


def windows(case: Case) -> Iterator[str]:
    """Four decades for all, and one more for each widening at most."""
    if not case.study.tuned:
        return
    for label, choice in (case.choices or {}).items():
        decades = round(math.log10(choice.window[1] / choice.window[0]), 3)
        if not RATE_DECADES <= decades <= RATE_DECADES + choice.widenings:
            yield (
                f"{label} was chosen from {decades:g} decades of learning rate, not from {RATE_DECADES} "
                f"and one for each of {choice.widenings} widenings."
            )


def uncertain(case: Case) -> Iterator[str]:
    """How much of a choice is luck shows in other scrambles, or in a band over trials, which takes two results."""
    for entry in case.study.optimizers:
        own = [trial for trial in case.trials if trial.label == entry.label]
        if not own:
            continue
        made, wanted = len({trial.round for trial in own}), len(choosing.searches(case.study, entry))
        ended = {(trial.round, trial.index) for trial in own if trial.score > -math.inf}
        if made < wanted:
            yield f"{entry.label} was searched in {made} of {wanted} rounds."
        elif wanted < ROUNDS and len(ended) < LEAST:
            yield (
                f"{entry.label} has no band of the expected best of k trials: "
                f"{len(ended)} of its points ended with a score."
            )


def miscounted(case: Case) -> Iterator[str]:
    """The costs in the evidence of a choice equal those of its records, widened searches included."""
    for label in case.labels:
        ran = sum((costs.of(record) for record in case.tuning if record.run.label == label), Cost())
        said = _cost(case.stated.get(label, Cost()))
        if ran.runs and label in case.stated and said != _cost(ran):
            yield f"The evidence says that {label} took {said}, but its records took {_cost(ran)}."


def not_chosen(case: Case) -> Iterator[str]:
    """Test scores are for what was chosen before: of anything else they would be a second choice."""
    if case.study.tuned and case.evaluations and case.choices is None and not case.refused and case.trials:
        yield f"{len(case.evaluations)} runs have test scores before anything is chosen."
    other = (name(r) for r in case.evaluations if r.run.label in (case.choices or {}) and not _chosen(case, r))
    yield from listed("Test scores belong to values that were not chosen: {}.", other)


def saw_test(case: Case) -> Iterator[str]:
    """Nothing that choices are made by has opened the test split."""
    seen = (
        name(r)
        for r in case.tuning
        if "test" in r.summary.get("data_sha256", {})
        or any(key.startswith("test_") for e in r.evaluations for key in e)
    )
    return listed("Tuning runs read the test split before it was sealed off: {}.", seen)


def _cost(cost: Cost) -> str:
    return f"{cost.runs} runs ({cost.widened} after widening), {cost.steps:,} steps and {cost.gradients:,} gradients"


def _counts(case: Case, label: str) -> dict[Place, int]:
    own = [trial for trial in case.trials if trial.label == label]
    places = {(trial.round, trial.widenings) for trial in own}
    return {p: len({(t.index, t.seed) for t in own if (t.round, t.widenings) == p}) for p in places}


def _chosen(case: Case, record: Any) -> bool:
    values = dict((case.choices or {})[record.run.label].values)
    given = {**record.run.hyperparameters, "learning_rate": record.run.learning_rate}
    return all(given.get(key) == value for key, value in values.items())
