"""Registry of optimizers by name, derived from the classes."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

import keras

from tfoptim import solvers, wrappers
from tfoptim.declaration.domains import nearest
from tfoptim.declaration.other_names import ALIASES, elsewhere
from tfoptim.optimizer import Optimizer
from tfoptim.wrappers.multi import MultiOptimizer

RULES = "tfoptim.rules."  # where one file is one optimizer; `tfoptim` imports them all


def classes() -> dict[str, type[Optimizer]]:
    """Returns every optimizer of the rule files, by its name in lower case, sorted."""
    found = {cls.__name__.lower(): cls for cls in _subclasses(Optimizer) if cls.__module__.startswith(RULES)}
    return dict(sorted(found.items()))


def _subclasses(cls: type[Optimizer]) -> Iterator[type[Optimizer]]:
    for own in cls.__subclasses__():
        yield own
        yield from _subclasses(own)


def available() -> list[str]:
    """Returns the names that `get` accepts.

    >>> import tfoptim
    >>> tfoptim.available()[:4]
    ['adabelief', 'adabound', 'adadelta', 'adafactor']
    """
    return list(classes())


def get(identifier: str | Mapping[str, Any] | keras.optimizers.Optimizer, **arguments: Any) -> Any:
    """Returns the optimizer for a name or a configuration.

    Args:
        identifier: name in any case, also with the registered prefix (`"adam"`, `"tfoptim>Adam"`), or TensorFlow
            Addons' (`"rectifiedadam"`, `"lazyadam"`); a serialized optimizer; or an optimizer, which is returned
            unchanged.
        **arguments: of the constructor, with a name.

    Raises:
        ValueError: the name is unknown; the message suggests the nearest one.
        TypeError: `identifier` is something else, or arguments are given with an existing optimizer.

    >>> import tfoptim
    >>> tfoptim.get("adam", learning_rate=0.01).get_config()["learning_rate"]
    0.01
    """
    if isinstance(identifier, str):
        return named(identifier)(**{**_meant(identifier), **arguments})
    if arguments:
        raise TypeError(f"Arguments ({', '.join(arguments)}) can only be given with an optimizer's name.")
    if isinstance(identifier, Mapping):
        return _revived(identifier)
    if isinstance(identifier, keras.optimizers.Optimizer):
        return identifier
    raise TypeError(f"An optimizer is given by name, config or instance, got {described(identifier)}.")


def named(name: str) -> type[Optimizer]:
    """Returns the class of a name, in any case, with or without the registered prefix; raises with the nearest name."""
    short = name.removeprefix("tfoptim>").lower()
    short = ALIASES[short][0].lower() if short in ALIASES else short
    if short not in classes():
        _check_not_a_wrapper(short)
        _check_not_a_solver(short)
        theirs = {cls.lower(): cls for cls in dir(keras.optimizers) if cls[0].isupper()}.get(short)
        keras_has = f" Keras has it: keras.optimizers.{theirs}." if theirs else ""
        hint = keras_has or elsewhere(short) or nearest(short, classes())
        raise ValueError(f"There is no optimizer {name!r}.{hint} Available: {', '.join(available())}.")
    return classes()[short]


def _meant(name: str) -> Mapping[str, Any]:
    """Returns the arguments that a name of another library stands for."""
    return ALIASES.get(name.lower(), ("", {}))[1]


def _public(package: ModuleType) -> Iterator[type]:
    """Yields the optimizers that the modules of a package define."""
    for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        module = importlib.import_module(found.name)
        own = (cls for cls in vars(module).values() if isinstance(cls, type) and cls.__module__ == module.__name__)
        yield from (cls for cls in own if issubclass(cls, keras.optimizers.Optimizer))


WRAPPERS: Mapping[str, Any] = {cls.__name__: cls for cls in _public(wrappers)}
"""Optimizers made of other optimizers: they have configs, and no names, as a name says nothing of the others."""


def _wrapper(name: str) -> Any:
    """Returns the wrapper of a name, in any case: Keras writes lower case into a config; None if it is none."""
    short = name.removeprefix("tfoptim>").lower()
    return next((cls for wrapper, cls in WRAPPERS.items() if wrapper.lower() == short), None)


def _check_not_a_wrapper(short: str) -> None:
    if (cls := _wrapper(short)) is not None:
        name, more = cls.__name__, ", {'bias': tfoptim.get('sgd')}" if cls is MultiOptimizer else ""
        raise ValueError(f"tfoptim.{name} is made of other optimizers: tfoptim.{name}(tfoptim.get('adam'){more}).")


def _check_not_a_solver(short: str) -> None:
    methods = [cls for cls in vars(solvers).values() if isinstance(cls, type) and issubclass(cls, solvers.Method)]
    for cls in methods:
        if cls.__name__.lower() == short:
            raise ValueError(f"{cls()}")


def _revived(config: Mapping[str, Any]) -> Any:
    """Returns a deserialized optimizer: tfoptim's for plain and tfoptim names, else Keras's or the user's."""
    name = config.get("class_name")
    if not isinstance(name, str):
        raise ValueError(
            f"An optimizer's config has class_name and config, got {', '.join(map(str, config)) or 'none'}."
        )
    unknown = sorted(config.keys() - _KEYS)
    if unknown:
        raise ValueError(f"An optimizer's config has class_name and config, got also {', '.join(unknown)}.")
    registered = config.get("registered_name") or name
    plain = config.get("module") is None and registered == name and keras.saving.get_registered_object(name) is None
    module = str(config.get("module") or "").partition(".")[0]
    if plain or module == "tfoptim" or registered.startswith("tfoptim>"):
        cls = _wrapper(name) or named(name)
        return cls.from_config({**_meant(name), **(config.get("config") or {})})
    optimizer = keras.saving.deserialize_keras_object(dict(config))
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        raise TypeError(f"An optimizer's config is needed, got that of {described(optimizer)}.")
    return optimizer


_KEYS = {"class_name", "config", "module", "registered_name", "build_config", "compile_config", "shared_object_id"}


def described(value: Any) -> str:
    """Returns the type of a value for an error message: its class, with the module unless it is built in."""
    cls = value if isinstance(value, type) else type(value)
    module = "" if cls.__module__ == "builtins" else f" of {cls.__module__}"
    return f"{'the class ' if isinstance(value, type) else ''}{cls.__name__}{module}"


FAMILIES = {
    "gradient": "Along the gradient, with or without momentum",
    "adaptive": "A rate for each weight, from its past gradients",
    "sign": "By the sign of the gradient: little memory, steps of one length",
    "layer-wise": "A rate for each layer, from the norms of its weights and gradients: very large batches",
    "matrix": "Matrices as such, and less memory: hidden layers of large networks",
    "proximal": "Proximal and projected: sparse linear models, exact zeros, bounded norms",
    "free": "Without a schedule, or without a learning rate, to choose",
    "second-order": "By the curvature of the loss",
}
"""Heading of each family of rules."""


def table() -> str:
    """Returns the README's Markdown table: the optimizers of each family."""
    lines = ["| family | optimizers |", "|---|---|"]
    lines += [f"| {FAMILIES[name]} | {', '.join(f'`{c.__name__}`' for c in of)} |" for name, of in _families().items()]
    return "\n".join(lines) + "\n"


def catalogue() -> str:
    """Returns the tables of `docs/api/optimizers.md`: arguments, defaults and source of every optimizer, by family."""
    return "\n".join(f"## {FAMILIES[name]}\n\n{_arguments(of)}" for name, of in _families().items())


def _families() -> dict[str, list[type[Optimizer]]]:
    return {name: [c for c in classes().values() if c.family == name] for name in FAMILIES}


def _arguments(of: list[type[Optimizer]]) -> str:
    lines = ["| optimizer | arguments and defaults | source |", "|---|---|---|"]
    for cls in of:
        own = [f for name, f in cls.fields.items() if name not in Optimizer.fields or f is not Optimizer.fields[name]]
        arguments = ", ".join(f"`{field.name}={field.default!r}`" for field in own)
        source = (cls.__doc__ or "").split("\n", 1)[0].rstrip(".")
        lines.append(f"| `{cls.__name__}` | {arguments} | {source} |")
    return "\n".join(lines) + "\n"
