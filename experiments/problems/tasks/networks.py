"""The small classifiers of `experiments.problems.functions` as tasks: a model, its cross entropy and its accuracy."""

from __future__ import annotations

import dataclasses

from experiments.problems.functions.networks import Network
from experiments.problems.tasks.base import Task, digits


def classifier(network: Network) -> Task:
    """Returns the task of a network; the data set is the study's to name, its own or a smaller one."""
    return digits(network.name, network.title, network.parameters, network.build)


def published(network: Network) -> Task:
    """Returns the task as DeepOBS ran it, under a name of its own: see `Task.as_deepobs`."""
    return dataclasses.replace(classifier(network), name=f"deepobs_{network.name}", as_deepobs=True)
