"""The public names of tfoptim: what completion shows, and the answer to a name that does not exist."""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable
from typing import NoReturn

import keras

from tfoptim.domains import nearest

_OF_KERAS = {
    "tfoptim": keras.optimizers,
    "tfoptim.schedules": keras.optimizers.schedules,
    "tfoptim.callbacks": keras.callbacks,
}
_WHAT = {"tfoptim": "optimizer", "tfoptim.schedules": "schedule", "tfoptim.callbacks": "callback"}


def check_backend() -> None:
    """Raises unless Keras computes with TensorFlow."""
    backend = keras.backend.backend()
    if backend != "tensorflow":
        raise ImportError(
            f"tfoptim needs Keras on TensorFlow, and Keras runs on {backend!r} here: set the environment variable "
            "KERAS_BACKEND=tensorflow before Keras is imported, or change `backend` in ~/.keras/keras.json."
        )


def shown(module: str) -> Callable[[], list[str]]:
    """Returns the `__dir__` of a module: its `__all__`, without what it imports."""

    def __dir__() -> list[str]:
        names = vars(sys.modules[module])
        return sorted({*names["__all__"], *(name for name in names if name.startswith("__"))})

    return __dir__


def missing(module: str) -> Callable[[str], NoReturn]:
    """Returns the `__getattr__` of a module, which says what there is instead."""

    def __getattr__(name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        # `from tfoptim import Lion` drops what an AttributeError says.
        asking = sys._getframe(1)
        importing = asking.f_code.co_code[asking.f_lasti] == dis.opmap["IMPORT_FROM"]
        raise (ImportError if importing else AttributeError)(answer(module, name), name=name)

    return __getattr__


def answer(module: str, name: str) -> str:
    """Returns the sentence for a name that a module does not have."""
    public = [known for known in vars(sys.modules[module])["__all__"] if not known.startswith("_")]
    theirs = getattr(_OF_KERAS[module], name, None)
    hint = nearest(name, public)
    if theirs is not None:
        own = "" if module == "tfoptim" else ", and works with every optimizer of tfoptim"
        hint = f" Keras has it: {_OF_KERAS[module].__name__}.{name}{own}."
    listed = sys.modules["tfoptim"].available() if module == "tfoptim" else public
    kind = _WHAT[module] if name[:1].isupper() else "attribute"
    return f"{module} has no {kind} {name!r}.{hint} Available: {', '.join(listed)}."
