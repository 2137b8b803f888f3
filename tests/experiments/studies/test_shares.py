"""Arguments of an optimizer that count steps are given as shares of a run, the same on every problem."""

import dataclasses

from experiments import studies
from experiments.studies import identity, runs
from tests.experiments import small


def test_a_share_of_a_run_is_the_same_part_of_it_on_every_problem_and_in_tuning():
    """`modern` has 280 steps on one problem and 196 on the other; of all that it warms up over the same share."""
    path = studies.find("modern")
    steps = {}
    for _, whole in studies.each(path, studies.load(path)):
        short = dataclasses.replace(whole, tuning=dataclasses.replace(whole.tuning, epochs=1))
        entry = next(entry for entry in whole.optimizers if entry.label == "ScheduleFreeAdamW")
        steps[whole.data] = [
            runs.plan("x", short, kind, entry, {"learning_rate": 0.01}, 0).hyperparameters["warmup_steps"]
            for kind in (runs.EVALUATION, runs.TUNING)
        ]
    assert steps == {"mnist_3500": [14, 1], "fashion_mnist": [10, 10]}


def test_a_share_is_a_part_of_the_identity():
    """Another share is another study; none leaves the identity as it was."""
    whole = small.study()
    first, *rest = whole.optimizers
    other = dataclasses.replace(whole, optimizers=(dataclasses.replace(first, shares={"warmup": 0.5}), *rest))
    assert identity.study_hash(other) != identity.study_hash(whole)
    assert identity.tuning_hash(other) != identity.tuning_hash(whole)
