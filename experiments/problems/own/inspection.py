"""The inspection of a study's own code: runs each task and optimizer once, and returns facts and all faults.

python -m experiments.problems.own.inspection < wanted.json     prints the findings as the last line
"""

import contextlib
import functools
import inspect as signatures
import json
import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from experiments.errors import UserError
from experiments.problems.own import outside
from experiments.problems.own.subject import Subject, one_hot

FEW = 2  # examples that a model is tried on
RATE = "learning_rate"
USUAL = 0.001  # where a constructor has a rate and no default


def inspect(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Returns facts by name and the faults of tasks and optimizers, a pair (name, sentence) each."""
    faults: list[tuple[str, str]] = []
    found: dict[str, dict[str, Any]] = {"tasks": {}, "optimizers": {}}
    for text in wanted["tasks"]:
        with _kept(text, faults):
            found["tasks"][text] = _of_task(outside.reference(text, outside.TASKS, wanted["folder"]))
    for text, given in wanted["optimizers"]:
        with _kept(text, faults):
            found["optimizers"][text] = _of_optimizer(text, given, wanted["folder"])
    return {**found, "faults": faults}


@contextlib.contextmanager
def _kept(text: str, faults: list[tuple[str, str]]) -> Iterator[None]:
    """Adds the faults that an error names to those of a task or an optimizer."""
    try:
        yield
    except UserError as error:
        lines = [line.removeprefix(f"{text} ").removeprefix(f"{text}: ") for line in str(error).splitlines()]
        faults += [(text, line) for line in lines if (text, line) not in faults]


def _of_task(one: outside.Reference) -> dict[str, Any]:
    """Returns the facts of a task; a UserError has a line for each fault of data and of model."""
    subject, faults = Subject(one), list[str]()
    data = _tried(lambda: subject.splits, faults)
    model: Any = _tried(lambda: subject.model(0), faults)
    if model is not None:
        faults += _of_model(subject, model)
    if data is not None and model is not None and not faults:
        faults += _of_both(subject, model)
    facts = None if data is None else _tried(lambda: subject.facts, faults)
    if faults or facts is None or model is None:
        raise UserError("\n".join(faults))
    return {**facts, "title": f"{facts['title']} ({model.count_params():,} parameters)"}


def _tried(work: Callable[[], Any], faults: list[str]) -> Any:
    try:
        return work()
    except UserError as error:
        faults += str(error).splitlines()
        return None


def _of_model(subject: Subject, model: Any) -> list[str]:
    """Returns the faults of a model by itself."""
    import keras

    if not isinstance(model, keras.Model):
        return [f"model(seed) must return a Keras model, got a {type(model).__name__}."]
    if not model.built:
        return ["model(seed) must return a built model: begin with keras.Input(shape), shape of one example."]
    if not model.trainable_variables:
        return ["model(seed) has no weights to train."]
    first, again = (_weights(made) for made in (model, subject.model(0)))
    if [w.shape for w in first] != [w.shape for w in again]:
        return ["model(seed) must return models of one architecture, got weights of other shapes at a second call."]
    return []


def _weights(model: Any) -> list[Any]:
    return list(getattr(model, "trainable_variables", ()))


def _of_both(subject: Subject, model: Any) -> list[str]:
    """Returns the faults of model, loss and scores on the first examples."""
    train = subject.splits["train"]
    x, y = train.images[:FEW], train.labels[:FEW]
    expected = getattr(model, "input_shape", None)
    if isinstance(expected, tuple) and not _fit(expected[1:], x.shape[1:]):
        return [f"model(seed) takes inputs of the shape {expected[1:]}, and x of data() has {x.shape[1:]}."]
    try:
        outputs = _compiled(lambda: model(x, training=True))
    except Exception as error:
        return [f"model(seed) fails on x of data(): {outside.described(error, subject.path)}."]
    if isinstance(outputs, dict | list | tuple):
        return [f"model(seed) must have one output tensor, got {len(outputs)}."]
    if not subject.declares_loss and (faults := _of_outputs(subject, model, outputs)):
        return faults
    faults = []
    for name, function in {"loss": subject.loss, **subject.metrics}.items():
        try:
            found = _compiled(functools.partial(function, y, outputs))
        except Exception as error:
            faults.append(f"{name} fails on y of data(): {outside.described(error, subject.path)}.")
            continue
        if tuple(found.shape) != (len(x),):
            faults.append(f"{name} must give one value for each example, got the shape {tuple(found.shape)}.")
    return faults


def _of_outputs(subject: Subject, model: Any, outputs: Any) -> list[str]:
    """Returns the faults of outputs under the usual loss: logits of each class, or values like the labels."""
    labels, shape = subject.splits["train"].labels, tuple(outputs.shape)
    if not subject.classifies:
        if one_hot(labels):
            return ["y of data() looks one-hot; give class numbers, whole numbers from 0, or the task a loss."]
        wanted = labels.shape[1:] or (1,)
        return [] if shape[1:] == wanted else [f"model(seed) must end in {wanted} values like y, got {shape[1:]}."]
    activation = getattr(getattr(model.layers[-1], "activation", None), "__name__", "linear")
    if activation != "linear":
        way = "leave it out, or give the task a loss that takes it"
        return [f"model(seed) must end in logits, without the activation {activation}: {way}."]
    low = min(int(part.labels.min()) for part in subject.splits.values())
    high = max(int(part.labels.max()) for part in subject.splits.values())
    if low < 0 or high >= shape[-1]:
        found = f"model(seed) ends in {shape[-1]} logits, and y of data() has classes from {low} to {high}"
        return [f"{found}: it needs a logit for each class, from 0; or floats in y; or the task a loss."]
    return []


def _fit(expected: tuple[int | None, ...], shape: tuple[int, ...]) -> bool:
    return len(expected) == len(shape) and all(a in (None, b) for a, b in zip(expected, shape, strict=True))


def _of_optimizer(text: str, given: Mapping[str, Any], folder: str) -> dict[str, Any]:
    """Returns the facts of an optimizer; a UserError says why a study cannot use it."""
    import keras

    import tfoptim

    one = outside.reference(text, outside.OPTIMIZERS, folder)
    made = outside.load(one)
    if not callable(made):
        raise UserError(f"must be a class, or a function that returns an optimizer, got a {type(made).__name__}.")
    known = signatures.signature(made).parameters
    if RATE not in known and not any(one.kind is one.VAR_KEYWORD for one in known.values()):
        raise UserError("its constructor has no argument learning_rate, which a study sets; add it.")
    try:
        optimizer = made(**{RATE: USUAL}, **given)
    except Exception as error:
        raise UserError(f"cannot be made: {outside.described(error, str(one.path))}.") from error
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        raise UserError(
            f"must be a keras.optimizers.Optimizer, got a {type(optimizer).__module__}.{type(optimizer).__name__}."
        )
    if isinstance(optimizer, tfoptim.Optimizer) and type(optimizer).gradients is not tfoptim.Optimizer.gradients:
        raise UserError(
            "needs the loss itself, as tfoptim.training gives it, and a study gives gradients; leave it out."
        )
    slots = _stepped(optimizer, str(one.path))
    numbers = {name: one.default for name, one in known.items() if _is_number(one.default)}
    return {"knobs": [name for name in numbers if name != RATE], "defaults": {RATE: USUAL, **numbers}, "slots": slots}


def _stepped(optimizer: Any, path: str) -> int:
    """Takes a step on a small matrix, and returns how many copies of it the optimizer keeps."""
    import tensorflow as tf

    weights = tf.Variable(tf.reshape(tf.range(6.0), (3, 2)))
    try:
        optimizer.build([weights])
        _compiled(lambda: optimizer.apply([tf.ones_like(weights)], [weights]))
    except Exception as error:
        raise UserError(f"fails at its first step: {outside.described(error, path)}.") from error
    return sum(tuple(one.shape) == (3, 2) for one in optimizer.variables)


def _compiled(work: Callable[[], Any]) -> Any:
    """Returns what work gives in a compiled function, as it is trained: Python's `if` cannot ask for tensors there."""
    import tensorflow as tf

    return tf.function(work, autograph=False)()


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def main() -> None:
    """Inspects what standard input asks for; whatever the code prints goes to standard error."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    channel.write(json.dumps(inspect(json.load(sys.stdin))) + "\n")
    channel.flush()


if __name__ == "__main__":
    main()
