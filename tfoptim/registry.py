"""Optimizers by name, derived from the classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

import tfoptim
from tfoptim.base import Optimizer
from tfoptim.domains import nearest


def classes() -> dict[str, type[Optimizer]]:
    """Returns every optimizer that tfoptim exports, by its name in lower case, sorted."""
    exported = (value for value in vars(tfoptim).values() if isinstance(value, type) and issubclass(value, Optimizer))
    return {
        cls.__name__.lower(): cls
        for cls in sorted(exported, key=lambda cls: cls.__name__.lower())
        if cls is not Optimizer
    }


def available() -> list[str]:
    """Returns the names that `get` knows.

    >>> import tfoptim
    >>> tfoptim.available()[:4]
    ['adadelta', 'adagrad', 'adam', 'adamax']
    """
    return list(classes())


def get(identifier: str | Mapping[str, Any] | keras.optimizers.Optimizer, **arguments: Any) -> Any:
    """Returns an optimizer.

    Args:
        identifier: name in any case, also with the registered prefix (`"adam"`, `"tfoptim>Adam"`); a serialized
            optimizer; or an optimizer, which is returned as it is.
        **arguments: of the constructor, with a name.

    Raises:
        ValueError: the name is not known; the message has the nearest one.
        TypeError: `identifier` is something else, or arguments come with an optimizer that is already made.

    >>> import tfoptim
    >>> tfoptim.get("adam", learning_rate=0.01).get_config()["learning_rate"]
    0.01
    """
    if isinstance(identifier, str):
        name = identifier.removeprefix("tfoptim>").lower()
        if name not in classes():
            raise ValueError(
                f"There is no optimizer {identifier!r}.{nearest(name, classes())} Available: {', '.join(available())}."
            )
        return classes()[name](**arguments)
    if arguments:
        raise TypeError(f"Arguments ({', '.join(arguments)}) can only be given with an optimizer's name.")
    if isinstance(identifier, Mapping):
        return keras.saving.deserialize_keras_object(dict(identifier))
    if isinstance(identifier, keras.optimizers.Optimizer):
        return identifier
    raise TypeError(f"An optimizer is given by name, config or instance, got {type(identifier).__name__}.")


def table() -> str:
    """Returns the Markdown table of all optimizers that the README shows."""
    lines = ["| optimizer | arguments and defaults | source |", "|---|---|---|"]
    for cls in classes().values():
        own = [f for name, f in cls.fields.items() if name not in Optimizer.fields or f is not Optimizer.fields[name]]
        arguments = ", ".join(f"`{field.name}={field.default}`" for field in own)
        source = (cls.__doc__ or "").split("\n", 1)[0].rstrip(".")
        lines.append(f"| `{cls.__name__}` | {arguments} | {source} |")
    return "\n".join(lines) + "\n"
