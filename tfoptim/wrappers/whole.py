"""What belongs to a step of several optimizers and what to each of them; checks of what `MultiOptimizer` is given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfoptim.declaration.fields import hint
from tfoptim.groups import check_pattern
from tfoptim.optimizer import Optimizer
from tfoptim.wrappers.inside import OF_CONFIG, check_inside

OF_PARTS = frozenset({"weight_decay", "lazy", "groups", "cautious", "agc", "centralize"})
"""Arguments that each part has for its own variables; all others of every optimizer are those of the whole step."""

WHOLE = Optimizer.fields.keys() - OF_PARTS - {"learning_rate"}
"""Arguments of the whole step."""

_CALLED = OF_CONFIG | {"assign", "build", "exclude_from_weight_decay", "add_variable", "_track_variable"}


def belongs(name: str) -> str:
    """Returns the start of a message about an argument that each part has."""
    return f"{name} is an argument of the parts, each for its variables:"


def check_arguments(cls: type[Optimizer], arguments: Mapping[str, Any]) -> None:
    """Raises for arguments that a `MultiOptimizer` does not take."""
    fields: Mapping[str, Any] = cls.fields
    for name in arguments:
        if name in OF_PARTS | {"learning_rate"}:
            raise ValueError(f"{cls.__name__}: {belongs(name)} {cls.__name__}(Adam({name}=...), ...).")
        if name not in fields:
            raise ValueError(f"{cls.__name__} has no argument {name!r}.{hint(name, fields)}")


def check_parts(what: str, default: Any, parts: Any) -> dict[str, Any]:
    """Returns the parts by pattern; raises unless they can take one step together."""
    if type(default).__name__ == "OptimizerMap":
        raise TypeError(
            f"{what}: default must be an optimizer of tfoptim, got an OptimizerMap: write "
            f'{what}(Adam(), {{"^(pattern)$": SGD()}}), or tfoptim.from_keras(keras.optimizers.MultiOptimizer(map)).'
        )
    if not isinstance(default, type) and callable(default) and not isinstance(default, Optimizer):
        raise TypeError(
            f"{what}: default must be an optimizer of tfoptim, got a function; give patterns of paths in place of it: "
            f'{what}(Adam(), {{"kernel": SGD()}}).'
        )
    if not isinstance(parts, Mapping) or not parts or not all(isinstance(pattern, str) for pattern in parts):
        raise TypeError(f'{what}: parts must be a dictionary such as {{"kernel": Adam()}}, got {parts!r}.')
    named = {"default": default} | {f"parts[{pattern!r}]": part for pattern, part in parts.items()}
    for pattern in parts:
        check_pattern(f"{what}: parts", pattern)
    for argument, part in named.items():
        if getattr(part, "_named_parts", None):
            raise TypeError(
                f"{what}: {argument} must be a rule or a Lookahead, got {part!r}; join all patterns in one."
            )
        check_inside(what, argument, part, _CALLED)
        _check_of_whole(what, part)
    if len(set(map(id, named.values()))) < len(named):
        raise ValueError(f"{what}: each pattern needs an optimizer of its own; join patterns with |.")
    return dict(parts)


def _check_of_whole(what: str, part: Any) -> None:
    for name in sorted(WHOLE):
        if part.given(name) != Optimizer.fields[name].default:
            raise ValueError(f"{what}: {name} of {type(part).__name__} is of the whole step: {what}(..., {name}=...).")
