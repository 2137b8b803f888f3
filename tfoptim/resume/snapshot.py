"""Snapshot of the complete training state as arrays, for `tfoptim.callbacks.Resume`."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfoptim.groups import PATHS
from tfoptim.interop import parts
from tfoptim.optimizer import Optimizer
from tfoptim.stopping.condition import Condition
from tfoptim.variables import copies, path, raw

COUNTERS = ("best", "best_epoch", "cooldown_counter", "epochs_since_last_save", "stopped_epoch", "wait")
"""State attributes of Keras's callbacks, in addition to `best_weights`."""


def capture(model: Any, callbacks: Sequence[Any]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Returns everything that training changes, as arrays and JSON content."""
    arrays: dict[str, np.ndarray] = {}
    for key, variable in _variables(model).items():
        first, *others = [copy.numpy() for copy in copies(model.distribute_strategy, variable)]
        arrays[key] = first
        # Replicas differ only in accumulated gradients, BatchNorm statistics and metrics.
        arrays |= {f"{key}@{i}": x for i, x in enumerate(others, 1) if x.tobytes() != first.tobytes()}
    for i, callback in enumerate(callbacks):
        weights = getattr(callback, "best_weights", None) or []
        arrays |= {f"best_weights.{i}.{j}": np.asarray(w) for j, w in enumerate(weights)}
    return arrays, {
        "numbers": [_numbers(optimizer) for optimizer in parts(model.optimizer)],
        "counters": [counters(callback) for callback in callbacks],
        "metrics": described(model.metrics_variables),
    }


def _numbers(optimizer: Optimizer) -> dict[str, Any]:
    """Returns the numbers of an optimizer that may have been assigned, and those of its groups."""
    own = {name: optimizer.given(name) for name, value in optimizer.numbers().items() if isinstance(value, float)}
    groups = (optimizer.given("groups") or {}).items()
    return own | {"groups": {p: {n: x for n, x in numbers.items() if isinstance(x, float)} for p, numbers in groups}}


def restore(model: Any, arrays: Mapping[str, np.ndarray], content: Mapping[str, Any], metrics: bool) -> None:
    """Restores the result of `capture`, without callbacks, and metrics only if `metrics` is true."""
    for optimizer, numbers in zip(parts(model.optimizer), content["numbers"], strict=True):
        groups = (optimizer.given("groups") or {}).items()
        merged = {p: own | numbers["groups"][p] for p, own in groups} or None
        for name, value in (numbers | {"groups": merged}).items():
            if optimizer.given(name) != value:
                setattr(optimizer, name, value)
    for key, variable in _variables(model).items():
        if metrics or not key.startswith("metrics"):
            for i, copy in enumerate(copies(model.distribute_strategy, variable)):
                copy.assign(arrays.get(f"{key}@{i}", arrays[key]))


def restore_callbacks(callbacks: Sequence[Any], arrays: Mapping[str, np.ndarray], content: Mapping[str, Any]) -> None:
    """Restores counters and best weights of callbacks."""
    for i, (callback, saved) in enumerate(zip(callbacks, content["counters"], strict=True)):
        if isinstance(callback, Condition):
            callback.state = saved
            continue
        vars(callback).update(saved)
        prefix = f"best_weights.{i}."
        if weights := [array for key, array in arrays.items() if key.startswith(prefix)]:
            callback.best_weights = weights


def counters(callback: Any) -> dict[str, Any]:
    """Returns the state of a callback, tfoptim's or Keras's, without weights."""
    if isinstance(callback, Condition):
        return callback.state
    kept = {name: value for name, value in vars(callback).items() if name in COUNTERS}
    return {name: value.item() if isinstance(value, np.generic) else value for name, value in kept.items()}


def check(model: Any) -> None:
    """Raises if the state of a model cannot be saved."""
    if isinstance(model.distribute_strategy, tf.distribute.MultiWorkerMirroredStrategy):
        raise ValueError("Resume: several workers are not supported.")
    if not model.built:
        raise ValueError("Resume: the model has no variables yet: add a keras.Input, or call it on a batch.")
    if model.optimizer is None:
        raise ValueError("Resume: the model has no optimizer: pass one to compile().")


def versions() -> dict[str, str]:
    """Returns the versions on which the last bits depend."""
    return {"tensorflow": tf.__version__, "keras": keras.__version__}


def facts(model: Any, callbacks: Sequence[Any]) -> dict[str, Any]:
    """Returns the facts that must be equal in the saving and the resuming program, name -> JSON value."""
    return {
        "replicas": model.distribute_strategy.num_replicas_in_sync,
        "callbacks": [repr(c) if isinstance(c, Condition) else type(c).__name__ for c in callbacks],
        **_settings(model.optimizer),
        **{f"model variable {i}": text for i, text in enumerate(described(model.variables))},
        **{f"optimizer variable {i}": text for i, text in enumerate(described(model.optimizer.variables))},
    }


def differences(here: Mapping[str, Any], there: Mapping[str, Any]) -> list[str]:
    """Returns a phrase for each fact that differs."""
    return [
        f"{name} is {here.get(name, 'missing')!r} here and {there.get(name, 'missing')!r} in the checkpoint"
        for name in {**here, **there}
        if here.get(name) != there.get(name)
    ]


def described(variables: Iterable[Any]) -> list[str]:
    """Returns name, dtype and shape of variables, without Keras's layer numbers."""
    return [f"{re.sub(r'_[0-9]+(?=[/_]|$)', '', path(v))} {raw(v).dtype.name} {tuple(raw(v).shape)}" for v in variables]


def build_metrics(model: Any, batch: Any) -> None:
    """Makes the metrics create their variables, as the first training step would; the values are meaningless."""
    x, y, weight = keras.utils.unpack_x_y_sample_weight(batch)
    prediction = model(x)
    model.compute_loss(x, y, prediction, weight)
    model.compute_metrics(x, y, prediction, weight)


def _variables(model: Any) -> dict[str, Any]:
    groups = {
        "model": model.variables,
        "optimizer": model.optimizer.variables,
        "metrics": model.metrics_variables,
    }
    return {f"{group}.{i}": v for group, variables in groups.items() for i, v in enumerate(variables)}


def _settings(optimizer: Any) -> dict[str, Any]:
    """Returns the flat configuration of an optimizer, without names: Keras numbers those of layers within a process."""
    config: Any = {}
    with contextlib.suppress(NotImplementedError):  # a user's schedule may have none
        config = keras.saving.serialize_keras_object(optimizer)
    config = json.loads(json.dumps(config, default=lambda value: type(value).__name__))
    return {key: value for key, value in _leaves("optimizer", config) if not key.endswith((".name", f".{PATHS}"))}


def _leaves(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(f"{key}.{name}", inner)
    else:
        yield key, value
