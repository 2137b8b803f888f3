"""The other callbacks of a call of `fit`, `evaluate` or `predict`, and the hooks in which they see averaged weights."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import FrameType
from typing import Any

import keras

_EVALUATION = tuple(
    f"on_{what}_{when}" for what in ("test", "predict") for when in ("begin", "batch_begin", "batch_end", "end")
)
_QUIET = (keras.callbacks.History, keras.callbacks.ProgbarLogger)
"""Callbacks that read no weights, and are in every list."""


def calling(callback: Any) -> tuple[Any, FrameType]:
    """Returns the list from which Keras calls a hook of a callback, and the frame of `fit`, `evaluate` or `predict`.

    A callback is given no reference to either.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_back is not None:
        owner = frame.f_locals.get("self")
        if isinstance(owner, keras.callbacks.CallbackList):
            return owner, frame.f_back
        frame = frame.f_back
    raise ValueError(
        f"{type(callback).__name__} acts within fit, evaluate and predict. In a loop of your own, use "
        "`with optimizer.averaged(model.trainable_variables):`."
    )


class Wrapped:
    """Another callback, some of whose hooks are called within a context; the rest is delegated."""

    def __init__(
        self, callback: Any, hooks: frozenset[str], context: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._callback, self._hooks, self._context = callback, hooks, context

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._callback, name)
        if name not in self._hooks:
            return value

        def hook(*arguments: Any, **named: Any) -> Any:
            with self._context():
                return value(*arguments, **named)

        return hook


def wrap_others(callback: Any, context: Callable[[], AbstractContextManager[None]]) -> None:
    """Has the other callbacks of the present call see the averaged weights; Keras makes a list for each call.

    Raises:
        ValueError: one of them would swap weights too.
    """
    callbacks = calling(callback)[0].callbacks
    for i, other in enumerate(callbacks):
        if other is callback or isinstance(other, Wrapped):
            continue
        if isinstance(other, (keras.callbacks.SwapEMAWeights, type(callback))):
            raise ValueError(
                f"{type(callback).__name__} and {type(other).__name__} both swap weights: list one of them."
            )
        if hooks := _hooks(other):
            callbacks[i] = Wrapped(other, hooks, context)


def _hooks(callback: Any) -> frozenset[str]:
    """Returns the hooks in which a callback is to see averaged weights: those of evaluation, and what saves the best.

    All else, such as what resumes a training, sees the training weights. Callbacks that Keras may call in another
    thread are left alone.
    """
    if isinstance(callback, _QUIET) or getattr(callback, "async_safe", False):
        return frozenset()
    hooks = {name for name in _EVALUATION if _defines(callback, name)}
    if isinstance(callback, (keras.callbacks.ModelCheckpoint, keras.callbacks.EarlyStopping)):
        hooks.add("on_epoch_end")
    if getattr(callback, "save_freq", "epoch") != "epoch" and isinstance(callback, keras.callbacks.ModelCheckpoint):
        hooks.add("on_train_batch_end")
    return frozenset(hooks)


def _defines(callback: Any, name: str) -> bool:
    return getattr(getattr(callback, name), "__func__", None) is not getattr(keras.callbacks.Callback, name)


def around_next_call(callback: Any, model: Any, name: str, context: Callable[[], AbstractContextManager[None]]) -> None:
    """Has the next call of a model's function by the present `evaluate` or `predict` run within a context.

    Only the call by that very frame: one that never comes, because another callback fails, leaves nothing behind, and
    an evaluation within the evaluation is none of it.
    """
    function, frame = getattr(model, name), calling(callback)[1]

    def call(data: Any) -> Any:
        if sys._getframe(1) is not frame:
            return function(data)
        setattr(model, name, function)
        with context():
            return function(data)

    setattr(model, name, call)
