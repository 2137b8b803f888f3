"""Tasks and optimizers of users: a study names them, an inspection runs them once, and from then on they are known.

A task is any object with `data()`, which returns arrays, and `model(seed)`, which returns a Keras model; see
`docs/compare/own-study.md`. Their code is inspected in a process of its own, so that this one needs no TensorFlow;
workers run it where they train. What is known of a task holds for this process, by what the study calls it.
"""

import functools
import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from experiments import machine, optimizers
from experiments.errors import UserError
from experiments.problems import datasets, tasks
from experiments.problems.datasets.own import OwnArrays
from experiments.problems.own import outside
from experiments.problems.tasks.base import Task

BUILT_IN = frozenset(tasks.TASKS)
_TOLD: set[tuple[str, str]] = set()  # tasks, by name and folder, whose notes were printed
Fault = tuple[str, str]  # what the study calls a task or an optimizer, and a sentence


def is_own(task: object) -> bool:
    """Returns whether a task of a study is code from outside."""
    return outside.is_outside(task, outside.TASKS) and task not in BUILT_IN


def version(optimizer: str, folder: str) -> str:
    """Returns the version of an optimizer from outside; nothing of one of the library."""
    if not outside.is_outside(optimizer, outside.OPTIMIZERS):
        return ""
    return outside.version(outside.reference(optimizer, outside.OPTIMIZERS, folder))


def learn(folder: str, own: Sequence[str], used: Sequence[tuple[str, Mapping[str, Any], bool]]) -> list[Fault]:
    """Runs tasks and optimizers of a study, makes them known to this process, and returns their faults.

    Args:
        folder: that of the study's file.
        own: its tasks from outside.
        used: its optimizers from outside, each with its hyperparameters, and whether its rate is a schedule.
    """
    wanted = {"folder": folder, "tasks": list(dict.fromkeys(own)), "optimizers": [list(one) for one in used]}
    found = _inspected(json.dumps(wanted), tuple(_versions(wanted)))
    for text, facts in found["tasks"].items():
        for note in facts["notes"] if (text, folder) not in _TOLD else ():
            print(f"{text}: {note}", file=sys.stderr)
        _TOLD.add((text, folder))
        declare(outside.reference(text, outside.TASKS, folder), facts)
    for text, facts in found["optimizers"].items():
        optimizers.OUTSIDE[text] = optimizers.Described(**facts | {"knobs": tuple(facts["knobs"])})
    return [(text, sentence) for text, sentence in found["faults"]]


def declare(one: outside.Reference, facts: Mapping[str, Any]) -> None:
    """Makes a task known, with its data; its code runs where model, loss or arrays are asked for."""

    @functools.cache
    def subject() -> Any:
        from experiments.problems.own.subject import Subject

        return Subject(one)

    tasks.TASKS[one.text] = Task(
        name=one.text,
        version=outside.version(one),
        title=facts["title"],
        parameters=None,
        build=lambda seed: subject().model(seed),
        inputs=lambda rows: rows,
        loss=lambda labels, outputs: subject().loss(labels, outputs),
        metrics={name: functools.partial(_scored, subject, name) for name in facts["metrics"]},
        score=facts["score"],
        score_title=facts["score"].replace("_", " "),
        loss_title=facts["loss_title"],
        lower_is_better=facts["lower_is_better"],
        share=facts["share"],
    )
    title = f"the arrays of {one.text}"
    datasets.CARDS[one.text] = OwnArrays(
        one.text, title, outside.version(one), facts["sizes"], facts["digests"], lambda: subject().splits
    )


def enter(run: Any) -> None:
    """Makes the code of a run known to a worker; refuses other code and other arrays than the run was planned with."""
    now = version(run.optimizer, run.folder)
    if now != run.optimizer_version:
        raise UserError(f"{run.optimizer} has changed since this run was planned; give the command again.")
    if not is_own(run.task):
        return
    one = outside.reference(run.task, outside.TASKS, run.folder)
    if outside.version(one) != run.task_version:
        raise UserError(f"{run.task} has changed since this run was planned; give the command again.")
    if run.task not in tasks.TASKS or tasks.TASKS[run.task].version != run.task_version:
        from experiments.problems.own.subject import Subject

        declare(one, Subject(one).facts)
    if datasets.CARDS[run.data].split_sha256 != run.split_sha256:
        raise UserError(
            f"The data() of {run.task} returns other arrays than when this run was planned. It must return the same "
            "ones each time: seed what it draws, as in numpy.random.default_rng(0); or give the command again."
        )


def _scored(subject: Any, name: str, labels: Any, outputs: Any) -> Any:
    return subject().metrics[name](labels, outputs)


def _versions(wanted: Mapping[str, Any]) -> list[str]:
    """Returns the versions of all code that an inspection runs: as long as they stay, so does what it finds."""
    folder = wanted["folder"]
    found = [outside.version(outside.reference(text, outside.TASKS, folder)) for text in wanted["tasks"]]
    return found + [version(text, folder) for text, *_ in wanted["optimizers"]]


@functools.cache
def _inspected(wanted: str, versions: tuple[str, ...]) -> dict[str, Any]:
    """Returns what an inspection finds; here where TensorFlow is loaded already, else in a process of its own."""
    if "tensorflow" in sys.modules:
        from experiments.problems.own.inspection import inspect

        return inspect(json.loads(wanted))
    named = json.loads(wanted)
    texts = [*named["tasks"], *dict.fromkeys(text for text, *_ in named["optimizers"])]
    print(f"Inspecting {', '.join(texts)} ...", file=sys.stderr, flush=True)
    path = os.pathsep.join(filter(None, sys.path))
    variables = {"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ, "KERAS_BACKEND": "tensorflow", "PYTHONPATH": path}
    variables |= {"CUDA_VISIBLE_DEVICES": "-1"}  # the workers need the memory of a GPU
    command = (sys.executable, "-m", "experiments.problems.own.inspection")
    done = machine.run(*command, input=wanted, env=variables)
    if done.returncode:
        raise UserError(f"The inspection of {', '.join(texts)} ended early: {machine.reason(done)}")
    if not done.stdout:
        raise UserError(f"The code of {', '.join(texts)} has ended Python while it was inspected, as os._exit() does.")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
