"""The inspection of a study's own code: runs each task and optimizer once, and returns facts and all faults.

python -m experiments.problems.own.inspection < wanted.json     prints the findings as the last line
"""

import contextlib
import itertools
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from experiments.errors import UserError
from experiments.problems.datasets.own import splits
from experiments.problems.own import outside
from experiments.problems.own.subject import SHARES, Subject, one_hot
from experiments.problems.own.trial import compiled, of_optimizer

FEW = 2  # examples that a model is tried on
MORE = 32  # of those whose outputs may look like probabilities


def inspect(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Returns facts by name and the faults of tasks and optimizers, a pair (name, sentence) each."""
    faults: list[tuple[str, str]] = []
    found: dict[str, dict[str, Any]] = {"tasks": {}, "optimizers": {}}
    for text in wanted["tasks"]:
        with _kept(text, faults):
            found["tasks"][text] = _of_task(outside.reference(text, outside.TASKS, wanted["folder"]))
    for text, given, scheduled in wanted["optimizers"]:
        with _kept(text, faults):
            found["optimizers"][text] = of_optimizer(text, given, scheduled, wanted["folder"])
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
    before = len(faults)
    model: Any = _tried(lambda: _first(subject), faults)
    if len(faults) == before:
        faults += _of_model(subject, model)
    if data is not None and model is not None and not faults:
        faults += _of_both(subject, model)
    if data is not None and not faults:
        faults += _of_splits(subject)
    facts = None if data is None else _tried(lambda: subject.facts, faults)
    if faults or facts is None or model is None:
        raise UserError("\n".join(faults))
    return {
        **facts,
        "notes": _notes(facts["digests"], subject.splits),
        "title": f"{facts['title']} ({model.count_params():,} parameters)",
    }


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
        found = "None: does it end without return?" if model is None else f"a {type(model).__name__}."
        return [f"model(seed) must return a Keras model, got {found}"]
    if not model.built:
        return ["model(seed) must return a built model: begin with keras.Input(shape), shape of one example."]
    if not model.trainable_variables:
        return ["model(seed) has no weights to train."]
    if (second := _first(subject)) is model:
        return ["model(seed) must make a model at each call, got the same one again: each run trains its own."]
    first, again = (_weights(made) for made in (model, second))
    if [w.shape for w in first] != [w.shape for w in again]:
        return ["model(seed) must return models of one architecture, got weights of other shapes at a second call."]
    if not all(np.array_equal(a, b, equal_nan=True) for a, b in zip(first, again, strict=True)):
        found = "model(0) starts from other weights at a second call, with the same seed of Keras"
        return [f"{found}: every optimizer must start from the same; draw them by Keras alone, or by the given seed."]
    return []


def _first(subject: Subject) -> Any:
    """Returns the model of seed 0, made as a run makes it."""
    import keras

    keras.utils.set_random_seed(0)
    return subject.model(0)


def _of_splits(subject: Subject) -> list[str]:
    """Returns the fault of arrays that differ at a second call."""
    first = {split: part.sha256 for split, part in subject.splits.items()}
    again = {split: part.sha256 for split, part in splits(subject.name, subject.run("data")).items()}
    if first != again:
        return ["data() returns other arrays at a second call: seed what it draws, as in numpy.random.default_rng(0)."]
    return []


def _notes(digests: Mapping[str, str], splits: Mapping[str, Any]) -> list[str]:
    """Returns what a user should know, and may want: that splits are the same, or share examples."""
    pairs = list(itertools.combinations(digests, 2))
    if same := [f"{one} and {other}" for one, other in pairs if digests[one] == digests[other]]:
        return [f"data() returns the same examples for {same[0]}, so that scores say nothing of others."]
    rows = {split: {row.tobytes() for row in np.asarray(splits[split].images)} for split in digests}
    both = {f"{one} and {other}": len(rows[one] & rows[other]) for one, other in pairs}
    return [
        f"data() returns {count} {'example' if count == 1 else 'examples'} twice, in {names}."
        for names, count in both.items()
        if count
    ]


def _weights(model: Any) -> list[Any]:
    return [weight.numpy() for weight in getattr(model, "trainable_variables", ())]


def _of_both(subject: Subject, model: Any) -> list[str]:
    """Returns the faults of model, loss and scores on the first examples."""
    train = subject.splits["train"]
    x, y = train.images[:FEW], train.labels[:FEW]
    expected = getattr(model, "input_shape", None)
    if isinstance(expected, tuple) and not _fit(expected[1:], x.shape[1:]):
        return [f"model(seed) takes inputs of the shape {expected[1:]}, and x of data() has {x.shape[1:]}."]
    try:
        outputs = compiled(lambda: model(x, training=True))
    except outside.RAISED as error:
        return [f"model(seed) fails on x of data(): {outside.described(error, subject.path)}."]
    if isinstance(outputs, dict | list | tuple):
        return [f"model(seed) must have one output tensor, got {len(outputs)}."]
    if not subject.declares_loss:
        more = compiled(lambda: model(train.images[:MORE], training=False))
        if faults := _of_outputs(subject, model, more):
            return faults
    given = {"loss": subject.loss, **subject.metrics}
    found = (_of_values(subject, name, function, y, outputs) for name, function in given.items())
    return [fault for fault in found if fault]


def _of_values(subject: Subject, name: str, function: Callable[[Any, Any], Any], labels: Any, outputs: Any) -> str:
    """Returns the fault of a loss or a score of the first examples; nothing where there is none."""
    examples = len(labels)
    try:
        found = compiled(lambda: function(labels, outputs))
        alone = compiled(lambda: function(labels[:1], outputs[:1]))
    except outside.RAISED as error:
        return f"{name} fails on y of data(): {outside.described(error, subject.path)}."
    if tuple(found.shape) != (examples,):
        return f"{name} must give one value for each example, got the shape {tuple(found.shape)}."
    if not np.isfinite(found).all():
        return f"{name} is not finite on the first examples of data(), before any training: {_shown(found)}."
    if not np.allclose(found[:1], alone, rtol=1e-3, atol=1e-6):  # as far as float32 sums depend on their order
        return (
            f"{name} must give for each example what it gives for that one alone, got {_shown(found[:1])} in a batch "
            f"and {_shown(alone)} alone: does it broadcast y, {labels.shape}, to outputs, {tuple(outputs.shape)}?"
        )
    if name.rpartition("_")[2].lower() in SHARES and not 0 <= np.min(found) <= np.max(found) <= 1:
        return f"{name} must be from 0 to 1, got {_shown(found)}; if it is no share, call it otherwise."
    return ""


def _shown(values: Any) -> str:
    return ", ".join(f"{value:.4g}" for value in np.array(values))


def _of_outputs(subject: Subject, model: Any, outputs: Any) -> list[str]:
    """Returns the faults of outputs under the usual loss: logits of each class, or values like the labels."""
    labels, shape = subject.splits["train"].labels, tuple(outputs.shape)
    if one_hot(labels):
        return ["y of data() looks one-hot; give class numbers, whole numbers from 0, or the task a loss."]
    if not subject.classifies:
        wanted = labels.shape[1:] or (1,)
        return [] if shape[1:] == wanted else [f"model(seed) must end in {wanted} values like y, got {shape[1:]}."]
    activation = getattr(getattr(model.layers[-1], "activation", None), "__name__", "linear")
    way = "leave it out, or give the task a loss that takes it"
    if activation != "linear":
        return [f"model(seed) must end in logits, without the activation {activation}: {way}."]
    if shape[-1] > 1 and np.min(outputs) >= 0 and np.allclose(np.sum(outputs, axis=-1), 1, atol=1e-3):
        return [f"model(seed) must end in logits, and its outputs are probabilities, as after a softmax: {way}."]
    low = min(int(part.labels.min()) for part in subject.splits.values())
    high = max(int(part.labels.max()) for part in subject.splits.values())
    if low < 0 or high >= shape[-1]:
        found = f"model(seed) ends in {shape[-1]} {'logit' if shape[-1] == 1 else 'logits'}"
        asked = f"y of data() has classes from {low} to {high}"
        return [f"{found}, and {asked}: it needs a logit for each class, from 0; or floats in y; or the task a loss."]
    return []


def _fit(expected: tuple[int | None, ...], shape: tuple[int, ...]) -> bool:
    return len(expected) == len(shape) and all(a in (None, b) for a, b in zip(expected, shape, strict=True))


def main() -> None:
    """Inspects what standard input asks for; whatever the code prints goes to standard error."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    channel.write(json.dumps(inspect(json.load(sys.stdin))) + "\n")
    channel.flush()


if __name__ == "__main__":
    main()
