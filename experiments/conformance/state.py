"""What an optimizer keeps, and whether copies, files and configurations have it."""

from __future__ import annotations

import copy
import pickle  # noqa: TID251  whether an optimizer survives it is what a row asks
import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from experiments.conformance.rows import Library, refusal, refused, row
from experiments.conformance.scenes import small_model, weight


def _trained(library: Library, name: str = "Adam", size: int = 2) -> Any:
    optimizer = library.make(name)
    variable = weight(np.zeros(size))
    optimizer.build([variable])
    for _ in range(3):
        optimizer.apply([tf.ones([size])], [variable])
    return optimizer


def _contents(optimizer: Any) -> str:
    count = len(optimizer.variables)
    return f"{count} variable{'s' if count != 1 else ''}, iteration {int(optimizer.iterations)}"


@row("D12", "exclusions from weight decay, after saving and loading the model", "saved in the configuration")
def exclusion_saved(library: Library) -> tuple[bool, str]:
    """The bias is excluded; then a model saved and loaded takes a step without gradient."""
    optimizer = library.make("SGD", 0.1, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        small_model(optimizer).save(path)
        model = keras.models.load_model(path)
    variables = model.trainable_variables
    model.optimizer.apply([tf.zeros(v.shape) for v in variables], variables)
    bias = float(next(v for v in variables if v.name == "bias").numpy()[0])
    return bias == 1.0, f"the excluded bias goes from 1 to {bias:g}"


@row("D13a", "an exclusion that comes after `build`", "refused: it would have no effect, or half of one")
def exclusion_late(library: Library) -> tuple[bool, str]:
    """Keras means to refuse it, and asks the wrong attribute."""
    optimizer = _trained(library, "AdamW")
    error = refusal(lambda: optimizer.exclude_from_weight_decay(var_names=["weight"]))
    return refused(error), error or "accepted"


@row("D13b", "an exclusion that fits no variable", "refused when the optimizer is built")
def exclusion_unmatched(library: Library) -> tuple[bool, str]:
    """A typing error that would decay what should be spared."""
    optimizer = library.make("AdamW")
    optimizer.exclude_from_weight_decay(var_names=["baias"])
    error = refusal(lambda: optimizer.apply([tf.ones([2])], [weight(np.zeros(2), name="bias")]))
    return refused(error), error or "accepted"


@row("D14a", "loading the state of another optimizer", "refused before anything is changed")
def state_of_another(library: Library) -> tuple[bool, str]:
    """Adam's state for SGD; Keras warns, and goes on without any."""
    saved: dict[str, Any] = {}
    _trained(library).save_own_variables(saved)
    error = refusal(lambda: _trained(library, "SGD").load_own_variables(saved))
    return refused(error), error or "state dropped, with a warning"


@row("D14b", "`set_weights` with 1 of 4 arrays", "refused")
def state_cut(library: Library) -> tuple[bool, str]:
    """The rest would stay what it was."""
    optimizer = _trained(library)
    error = refusal(lambda: optimizer.set_weights([np.int64(0)]))
    return refused(error), error or "accepted"


@row("D15a", "`copy.deepcopy` of an optimizer in the middle of training", "keeps the state")
def deep_copy(library: Library) -> tuple[bool, str]:
    """Four variables, of three steps."""
    original = _trained(library)
    copied = copy.deepcopy(original)
    return _contents(copied) == _contents(original), f"{_contents(original)} become {_contents(copied)}"


@row("D15b", "`pickle` of an optimizer in the middle of training", "keeps the state for the next `build`")
def pickled(library: Library) -> tuple[bool, str]:
    """The variables are the model's and not in the pickle, so the copy is built for others like them."""
    original = _trained(library)
    copied = pickle.loads(pickle.dumps(original))  # noqa: S301  written in the line itself
    copied.build([weight(np.zeros(2))])
    return _contents(copied) == _contents(original), f"{_contents(original)} become {_contents(copied)}"
