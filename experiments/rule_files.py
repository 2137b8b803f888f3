"""The files of the library's rules, executed without importing TensorFlow.

Rules import neither TensorFlow nor Keras, but the package that they are in does. So their files are executed here with
a base class of their own, and with a stand-in where `tfoptim.ops` would import TensorFlow: on NumPy arrays none of it
is called; only a rule that draws random numbers imports it, to draw them.
"""

import __future__

import builtins
import functools
import importlib
import importlib.util
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

from experiments import machine


def folder() -> Path:
    """Returns the folder of the library."""
    spec = importlib.util.find_spec("tfoptim")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("tfoptim is not installed; run `make setup`.")
    return Path(next(iter(spec.submodule_search_locations)))


class Rule:
    """What `tfoptim.optimizer.Optimizer` is to a rule: its numbers, its slots and the form of its step."""

    slots: ClassVar[Any] = {}
    shared: ClassVar[Mapping[str, float]] = {}
    learning_rate: float = 0.001
    weight_decay: float | None = None
    own_decay: Any = False
    constant_rate: Any = False
    excludable: ClassVar[tuple[str, ...]] = ("weight_decay",)
    measure: ClassVar[Any] = None
    gradient_accumulation_steps: ClassVar[Any] = None
    elementwise: ClassVar[Any] = True
    allows_lazy: ClassVar[bool] = True
    groups: ClassVar[Any] = None
    ordered: ClassVar[tuple[tuple[str, str], ...]] = ()
    names: ClassVar[Mapping[str, Any]] = {}
    """What the file of a class names, by name: its annotations are written in them."""

    def __init__(self, **values: Any) -> None:
        vars(self).update(values)

    @property
    def measures(self) -> bool:
        """Whether it needs sums over all variables."""
        return self.measure is not None

    def given(self, name: str) -> Any:
        """Returns a value."""
        return getattr(self, name)

    def numbers(self) -> dict[str, Any]:
        """Returns the values by name."""
        return {name: getattr(self, name) for name in _names(type(self))}

    def decay_of(self, h: Any, s: Any) -> Any:
        """Returns the weight decay of a variable."""
        return h.weight_decay

    def direction(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        """Returns the direction of a rule of the form `w - learning_rate * direction`."""
        raise NotImplementedError(f"{type(self).__name__} defines neither direction nor step.")

    def step(self, h: Any, g: Any, w: Any, s: Any) -> Any:
        """Returns the new weights."""
        return w - h.learning_rate * self.direction(h, g, w, s)

    def once(self, h: Any, s: Any) -> None:
        """Computes what is the same for all weights."""


class Kept(SimpleNamespace):
    """What a rule keeps, by name."""

    def __contains__(self, name: str) -> bool:
        return name in vars(self)


class _Absent(ModuleType):
    """Stands where TensorFlow or Keras would be imported; whatever is asked of it is it, and false."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self

    def __bool__(self) -> bool:
        return False

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        return ()

    def __instancecheck__(self, value: Any) -> bool:
        return False


ABSENT = _Absent("absent")


def _names(kind: type) -> set[str]:
    """Returns the values that a rule and those that it derives from declare."""
    declared = [field for one in kind.__mro__ for field in vars(one).get("__annotations__", {}).items()]
    return {name for name, what in declared if "ClassVar" not in str(what)} - {"own_decay"}


@functools.cache
def module(name: str) -> ModuleType:
    """Returns a file of the library, executed; what is no file of it is absent."""
    place = folder().joinpath(*name.split(".")[1:])
    path = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    if not path.is_file():
        return ABSENT
    module = ModuleType(__name__)  # dataclasses look their module up among the imported ones
    vars(module)["__builtins__"] = {**vars(builtins), "__import__": _import}
    code = compile(
        path.read_text(encoding="utf-8"), str(path), "exec", __future__.annotations.compiler_flag, dont_inherit=True
    )
    exec(code, vars(module))  # noqa: S102  it is the library's own file
    for one in vars(module).values():
        if isinstance(one, type) and issubclass(one, Rule) and "names" not in vars(one):
            one.names = vars(module)
    return module


def _import(name: str, globals_: Any = None, locals_: Any = None, names: Any = (), level: int = 0) -> Any:
    """Stands in for `__import__` in the files of the library."""
    if name.partition(".")[0] in ("tensorflow", "keras"):
        return ABSENT
    if name == "tfoptim.optimizer":
        return SimpleNamespace(Optimizer=Rule)
    if name.startswith("tfoptim.step."):
        return ABSENT
    if name == "tfoptim.noise":
        return SimpleNamespace(uniform=_drawn("uniform"), normals=_drawn("normals"))
    if name == "tfoptim.declaration":
        declared = _Absent(name)  # annotations are not evaluated
        vars(declared).update(vars(module("tfoptim.declaration.domains")))
        vars(declared).update(Slot=module("tfoptim.declaration.slots").Slot, keyword_only=lambda *, default: default)
        return declared
    if name.partition(".")[0] == "tfoptim":
        return module(name) if names else ABSENT
    return __import__(name, globals_, locals_, names, level)


def _drawn(name: str) -> Callable[..., Any]:
    """Returns a function of `tfoptim.noise`; TensorFlow, which draws the numbers, is imported when it is called."""

    def draw(*given: Any) -> Any:
        machine.start_tensorflow()
        return getattr(importlib.import_module("tfoptim.noise"), name)(*given)

    return draw
