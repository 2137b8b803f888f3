"""The native operation: one step of all variables on a CPU, in one pass over memory.

It is optional and changes no result but in rounding. `python -m tfoptim.native` builds it; TFOPTIM_NATIVE=0 turns it
off. `docs/use/native.md` tells where builds are kept, and which of them are loaded.
"""

from __future__ import annotations

import contextlib
import functools
import os
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from tfoptim.native import store

SWITCH = "TFOPTIM_NATIVE"
"""The variable of the environment that turns the operation off."""

OFF, ON = ("0", "false", "no", "off"), ("", "1", "true", "yes", "on")
"""Its values, in any case; another one is as good as none, with a warning."""


def available() -> bool:
    """Returns whether steps on CPUs use the native operation.

    >>> isinstance(available(), bool)
    True
    """
    return library() is not None


def status() -> str:
    """Returns one sentence on the native operation: where it is, or why there is none.

    >>> status().startswith("native operation: ")
    True
    """
    return f"native operation: {_loaded()[1]}"


def library() -> Any:
    """Returns the module with the operations, or None; loaded at the first call. A step asks when it is traced."""
    return None if _is_off() else _loaded()[0]


def operations() -> Any:
    """Returns the module with the operations, for a step that has chosen them before another thread turned them off."""
    return _load()[0]


def is_built() -> bool:
    """Returns whether there is a build now that can be loaded, turned off or not."""
    return _load.__wrapped__()[0] is not None


@contextlib.contextmanager
def off() -> Iterator[None]:
    """Traces steps without the native operation, in all threads, until the last such block ends.

    >>> with off():
    ...     available()
    False
    """
    with _LOCK:
        _BLOCKS.append(None)
    try:
        yield
    finally:
        with _LOCK:
            _BLOCKS.pop()


_BLOCKS: list[None] = []  # one entry for each block of `off` that some thread is in
_LOCK = threading.Lock()


def _is_off() -> bool:
    given = os.environ.get(SWITCH, "")
    word = given.strip().lower()
    if word not in (*OFF, *ON):
        warnings.warn(f"{SWITCH} must be 0 or 1, got {given!r}; the native operation stays on.", stacklevel=3)
    return bool(_BLOCKS) or word in OFF


def _loaded() -> tuple[Any, str]:
    if _BLOCKS:
        return None, "off within tfoptim.native.off()"
    return (None, f"off, because {SWITCH}={os.environ[SWITCH]}") if _is_off() else _load()


@functools.cache
def _load() -> tuple[Any, str]:
    try:
        path = store.present()
        return tf.load_op_library(str(path)), f"loaded from {path}"
    except store.UnusableError as error:
        return None, str(error)
    except (OSError, RuntimeError, tf.errors.OpError) as error:  # RuntimeError: the user has no home
        return None, f"cannot be loaded ({error}); {store.REMEDY}"
