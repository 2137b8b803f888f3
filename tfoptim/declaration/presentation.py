"""Public names, messages for unknown names, documentation and representation of optimizers."""

from __future__ import annotations

import dis
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn

import keras

from tfoptim.declaration.domains import nearest
from tfoptim.declaration.other_names import elsewhere

POINTER = "**arguments: of every optimizer"
"""Start of the line in a rule's docstring that is replaced by the arguments of its base."""

_OF_KERAS = {
    "tfoptim": keras.optimizers,
    "tfoptim.schedules": keras.optimizers.schedules,
    "tfoptim.callbacks": keras.callbacks,
}
_WHAT = {
    "tfoptim": "optimizer",
    "tfoptim.schedules": "schedule",
    "tfoptim.callbacks": "callback",
    "tfoptim.solvers": "solver",
}


def check_backend() -> None:
    """Raises unless Keras computes with TensorFlow."""
    backend = keras.backend.backend()
    if backend != "tensorflow":
        raise ImportError(
            f"tfoptim needs Keras on TensorFlow, and Keras runs on {backend!r} here: set the environment variable "
            "KERAS_BACKEND=tensorflow before Keras is imported, or change `backend` in ~/.keras/keras.json."
        )


def shown(module: str) -> Callable[[], list[str]]:
    """Returns the `__dir__` of a module: its `__all__`, without imported names."""

    def __dir__() -> list[str]:
        names = vars(sys.modules[module])
        return sorted({*names["__all__"], *(name for name in names if name.startswith("__"))})

    return __dir__


def missing(module: str) -> Callable[[str], NoReturn]:
    """Returns the `__getattr__` of a module, which raises with the nearest name."""

    def __getattr__(name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        # `from tfoptim import Lion` drops the message of an AttributeError.
        asking = sys._getframe(1)
        importing = asking.f_code.co_code[asking.f_lasti] == dis.opmap["IMPORT_FROM"]
        raise (ImportError if importing else AttributeError)(answer(module, name), name=name)

    return __getattr__


def answer(module: str, name: str) -> str:
    """Returns the error message for a name that a module lacks."""
    public = [known for known in vars(sys.modules[module])["__all__"] if not known.startswith("_")]
    theirs = getattr(_OF_KERAS.get(module), name, None)
    hint = (_known(name) if module == "tfoptim" else "") or nearest(name, public)
    if theirs is not None:
        own = "" if module == "tfoptim" else ", and works with every optimizer of tfoptim"
        hint = f" Keras has it: {_OF_KERAS[module].__name__}.{name}{own}."
    listed = sys.modules["tfoptim"].available() if module == "tfoptim" else public
    kind = _WHAT[module] if name[:1].isupper() else "attribute"
    return f"{module} has no {kind} {name!r}.{hint} Available: {', '.join(listed)}."


def _known(name: str) -> str:
    """Returns where else a name is: among the solvers, or under a name of ours."""
    solver = name in vars(sys.modules["tfoptim.solvers"])["__all__"]
    return f" It is tfoptim.solvers.{name}." if solver else elsewhere(name)


def with_common_arguments(text: str, classes: Iterable[type]) -> str:
    """Returns the docstring of a rule with the arguments of every optimizer inserted.

    Args:
        text: docstring of the rule, with a line that begins with `POINTER`.
        classes: base classes of the rule, among them `Optimizer`, whose docstring has the arguments.
    """
    if POINTER not in text:  # dropped by Python -OO
        return text
    base = next(cls for cls in classes if cls.__module__ == "tfoptim.optimizer")
    listed = inspect.getdoc(base).split("Args:\n")[1].split("\n\n")[0]  # type: ignore[union-attr]
    common = "\n".join(line for line in listed.splitlines() if not line.startswith("    learning_rate:"))
    lines = inspect.cleandoc(text).splitlines()
    at = next(i for i, line in enumerate(lines) if line.strip().startswith(POINTER))
    return "\n".join([*lines[:at], "", "Arguments of every optimizer:", common, *lines[at + 1 :]])


def representation(optimizer: Any, fields: Mapping[str, Any]) -> str:
    """Returns the call that creates an equal optimizer: its class, and the arguments that are not defaults."""
    values = {name: optimizer.given(name) for name in fields}
    changed = {name: value for name, value in values.items() if value != fields[name].default}
    return call(type(optimizer).__name__, changed | given_name(optimizer))


def given_name(optimizer: Any, usual: str | None = None) -> dict[str, str]:
    """Returns the argument `name`, unless it is the usual one, or made from the class."""
    automatic = re.sub(r"_\d+$", "", optimizer.name).replace("_", "") == type(optimizer).__name__.lower()
    return {} if automatic or optimizer.name == usual else {"name": optimizer.name}


def call(name: str, arguments: Mapping[str, Any]) -> str:
    """Returns `name(argument=value, ...)`, with values on one line."""
    return f"{name}({', '.join(f'{key}={_short(value)}' for key, value in arguments.items())})"


def _short(value: Any) -> str:
    """Returns the representation of a value; for an object without one, such as Keras's schedules, its class."""
    silent: Any = object.__repr__
    return repr(value) if type(value).__repr__ is not silent else f"{type(value).__name__}(...)"


def _refused(*_: Any, **__: Any) -> NoReturn:
    raise TypeError(
        "A change inside an argument of an optimizer has no effect: assign the whole argument again, as in "
        'optimizer.groups = {"backbone/": {"trainable": True}}.'
    )


class _Dictionary(dict[str, Any]):
    """A dictionary that cannot be changed in place."""

    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refused

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)


class _List(list[Any]):
    """A list that cannot be changed in place."""

    __setitem__ = __delitem__ = __iadd__ = __imul__ = append = clear = extend = insert = _refused
    pop = remove = reverse = sort = _refused

    def __reduce__(self) -> tuple[Any, ...]:
        return list, (list(self),)


def fixed(value: Any) -> Any:
    """Returns an argument as it is read: dictionaries and lists refuse changes inside, which nothing would follow."""
    if isinstance(value, Mapping):
        return _Dictionary({name: fixed(one) for name, one in value.items()})
    return _List(map(fixed, value)) if isinstance(value, list) else value
