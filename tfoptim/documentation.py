"""What an optimizer says of itself: its documentation, and its representation."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping
from typing import Any

POINTER = "**arguments: of every optimizer"
"""Begins the line of a rule's documentation that stands for the arguments of its base: editors show it as it is."""


def with_common_arguments(text: str, classes: Iterable[type]) -> str:
    """Returns the documentation of a rule with the arguments of every optimizer written out.

    Args:
        text: docstring of the rule, with a line that begins with `POINTER`.
        classes: those that the rule is derived from, `Optimizer`, whose docstring has the arguments, among them.
    """
    if POINTER not in text:  # Python has dropped it, with -OO
        return text
    base = next(cls for cls in classes if cls.__module__ == "tfoptim.base")
    listed = inspect.getdoc(base).split("Args:\n")[1].split("\n\n")[0]  # type: ignore[union-attr]
    common = "\n".join(line for line in listed.splitlines() if not line.startswith("    learning_rate:"))
    lines = inspect.cleandoc(text).splitlines()
    at = next(i for i, line in enumerate(lines) if line.strip().startswith(POINTER))
    return "\n".join([*lines[:at], "", "Arguments of every optimizer:", common, *lines[at + 1 :]])


def representation(optimizer: Any, fields: Mapping[str, Any]) -> str:
    """Returns the call that makes an optimizer like this one: its class, and the arguments that are not defaults."""
    values = {name: optimizer.given(name) for name in fields}
    changed = {name: value for name, value in values.items() if value != fields[name].default}
    automatic = re.sub(r"_\d+$", "", optimizer.name).replace("_", "") == type(optimizer).__name__.lower()
    if not automatic:
        changed["name"] = optimizer.name
    return call(type(optimizer).__name__, changed)


def call(name: str, arguments: Mapping[str, Any]) -> str:
    """Returns `name(argument=value, ...)`, with values on one line."""
    return f"{name}({', '.join(f'{key}={_short(value)}' for key, value in arguments.items())})"


def _short(value: Any) -> str:
    """Returns a number, a word or an object; one of Keras's schedules, which say only where they are, by its class."""
    silent: Any = object.__repr__
    return repr(value) if type(value).__repr__ is not silent else f"{type(value).__name__}(...)"
