"""The library's optimizers by name, and their rules on NumPy arrays, both without importing TensorFlow.

Rules import neither TensorFlow nor Keras, but the package that they are in does. So their files are executed here with
a base class of their own, and with a stand-in where `tfoptim.ops` would import TensorFlow: on NumPy arrays none of it
is called; only a rule that draws random numbers imports it, to draw them. `tfoptim.simulate` gives the same numbers:
the tests compare both for every rule.
"""

import __future__

import ast
import builtins
import functools
import importlib
import importlib.util
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

import numpy as np

from experiments import terminal
from experiments.errors import UserError


def folder() -> Path:
    """Returns the folder of the library."""
    spec = importlib.util.find_spec("tfoptim")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("tfoptim is not installed; run `make setup`.")
    return Path(next(iter(spec.submodule_search_locations)))


@functools.cache
def available() -> tuple[str, ...]:
    """Returns the names that `tfoptim.get` knows, read from the class names of the rule files.

    `tfoptim.available()` says the same, six seconds later: it has to import TensorFlow.
    """
    return tuple(sorted(node.name.lower() for path in _rule_files() for node in _classes(path)))


@functools.cache
def place(name: str) -> tuple[Path, str]:
    """Returns the file of an optimizer, by its name in `available`, and the name of its class."""
    return next((path, node.name) for path in _rule_files() for node in _classes(path) if node.name.lower() == name)


def refusal(name: str) -> str | None:
    """Returns why runs with learning rates and gradients alone are not for an optimizer; None where they are."""
    found, title = rule(name), place(name)[1]
    if "learning_rate" in getattr(found, "without", ()):
        return f"{title} has no learning rate to choose; DoG and Prodigy have one, which is a factor on their own."
    if needs_loss(found):
        return (
            f"{title} needs the loss, and runs give it gradients alone; train with tfoptim.training.trainable(model)."
        )
    return None


def needs_loss(rule: Any) -> bool:
    """Returns whether a rule computes gradients from the loss itself."""
    return hasattr(rule, "gradients")


@functools.cache
def knobs(name: str) -> tuple[str, ...]:
    """Returns the numbers that an optimizer can be given, by its name in `available`, but the learning rate."""
    found = {one: ast.unparse(field.annotation) for one, field in _fields(name)}
    return tuple(field for field, kind in found.items() if kind != "bool" and field != "learning_rate")


@functools.cache
def defaults(name: str) -> Mapping[str, float]:
    """Returns the numbers that an optimizer has where it is given none, by its name in `available`."""
    found = {field: one.value.value for field, one in _fields(name) if isinstance(one.value, ast.Constant)}
    return {k: v for k, v in found.items() if isinstance(v, int | float) and not isinstance(v, bool)}


def _fields(name: str) -> list[tuple[str, ast.AnnAssign]]:
    """Returns what the class of an optimizer declares, by name."""
    classes = (node for path in _rule_files() for node in _classes(path) if node.name.lower() == name)
    fields = (field for node in classes for field in node.body if isinstance(field, ast.AnnAssign))
    return [(field.target.id, field) for field in fields if isinstance(field.target, ast.Name)]


def _rule_files() -> Iterator[Path]:
    return (path for path in (folder() / "rules").glob("*.py") if path.stem != "__init__")


def _classes(path: Path) -> list[ast.ClassDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in tree.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]


class Rule:
    """What `tfoptim.optimizer.Optimizer` is to a rule: its numbers, its slots and the form of its step."""

    slots: ClassVar[Any] = {}
    shared: ClassVar[Mapping[str, float]] = {}
    learning_rate: float = 0.001
    weight_decay: float | None = None
    own_decay: Any = False
    excludable: ClassVar[tuple[str, ...]] = ("weight_decay",)
    measure: ClassVar[Any] = None
    groups: ClassVar[Any] = None

    def __init__(self, **values: Any) -> None:
        vars(self).update(values)

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


class _Kept(SimpleNamespace):
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


ABSENT = _Absent("absent")


def rule(name: str, **values: Any) -> Rule:
    """Returns a rule by its name in `available`, with values other than its defaults."""
    path, title = place(name)
    found: Rule = getattr(_module(f"tfoptim.rules.{path.stem}"), title)(**values)
    return found


def slots(rule: Rule) -> dict[str, Any]:
    """Returns the slots that a rule declares: name -> `tfoptim.declaration.Slot`."""
    groups = _module("tfoptim.declaration.slots").slot_groups(rule)
    return {name: slot for group in groups for name, slot in group.items()}


def simulate(rule: Rule, weights: Any, gradient: Callable[[Any], Any], steps: int) -> Any:
    """Returns the weights after each of some steps of an unchanged rule, [steps, *shape], in float64."""
    if needs_loss(rule):
        raise UserError(f"{type(rule).__name__} needs the loss, and not only its gradients, which are given here.")
    w = np.array(weights, np.float64)
    kept = _Kept(**_module("tfoptim.declaration.slots").arrays(rule, w, ""))
    shared = _Kept(**rule.shared)
    numbers = dict.fromkeys(rule.excludable, 1.0) | rule.numbers()
    path = []
    for t in range(1, steps + 1):
        g, h = np.asarray(gradient(w), np.float64), SimpleNamespace(t=float(t), **numbers)
        h.common_rate = h.learning_rate
        if rule.own_decay:
            h.weight_decay = h.weight_decay or 0.0
        if rule.measure:
            vars(h).update(vars(shared))
            vars(h).update(rule.measure(h, g, w, kept))
        rule.once(h, shared)
        decay = None if rule.own_decay else rule.decay_of(h, kept)
        w = w if decay is None else w - w * (h.learning_rate * decay)
        w = rule.step(h, g, w, kept)
        path.append(w)
    return np.array(path)


def _names(kind: type) -> set[str]:
    """Returns the values that a rule and those that it derives from declare."""
    declared = [field for one in kind.__mro__ for field in vars(one).get("__annotations__", {}).items()]
    return {name for name, what in declared if "ClassVar" not in str(what)} - {"own_decay"}


@functools.cache
def _module(name: str) -> ModuleType:
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
        vars(declared).update(Slot=_module("tfoptim.declaration.slots").Slot, keyword_only=lambda *, default: default)
        return declared
    if name.partition(".")[0] == "tfoptim":
        return _module(name) if names else ABSENT
    return __import__(name, globals_, locals_, names, level)


def _drawn(name: str) -> Callable[..., Any]:
    """Returns a function of `tfoptim.noise`; TensorFlow, which draws the numbers, is imported when it is called."""

    def draw(*given: Any) -> Any:
        terminal.start_tensorflow()
        return getattr(importlib.import_module("tfoptim.noise"), name)(*given)

    return draw
