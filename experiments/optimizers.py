"""The library's optimizers by name, and their rules on NumPy arrays, both without importing TensorFlow.

`tfoptim.simulate` gives the same numbers as the rules here; the tests compare both for every rule.
"""

import ast
import dataclasses
import functools
import math
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from experiments import rule_files
from experiments.errors import UserError

RATE = 0.001  # of an optimizer whose class says no other
LIMITS = {"clipnorm", "clipvalue", "global_clipnorm"}  # of gradients, of which Keras takes one


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


def knobs(name: str, *, inherited: bool = False) -> tuple[str, ...]:
    """Returns the numbers that an optimizer can be given, by its name, but the learning rate.

    Those that it has from another rule, as AdamW has Adam's, are among them if `inherited`.
    """
    if name in OUTSIDE:
        return OUTSIDE[name].knobs
    names = _lineage(name) if inherited else [name]
    found = {one: ast.unparse(field.annotation) for each in names for one, field in _fields(each)}
    return tuple(field for field, kind in found.items() if kind != "bool" and field != "learning_rate")


def arguments(name: str) -> list[str]:
    """Returns the arguments of an optimizer of the library, by its name: its own, and those that every one has."""
    return sorted(_domains(name))


def faults(name: str, values: Mapping[str, Any]) -> Iterator[str]:
    """Yields why an optimizer of the library, by its name, refuses values of its arguments: a sentence for each.

    The checks are the library's own, and those of Keras's base class.
    """
    title, fields = place(name)[1], rule_files.module("tfoptim.declaration.fields")
    taken = dict(defaults(name))
    for argument, value in values.items():
        try:
            taken[argument] = domain(name, argument).parse(f"{title}: {argument}", value)
        except (TypeError, ValueError) as error:
            yield str(error)
    found = rule(name)
    together: tuple[Callable[[], object], ...] = (
        lambda: fields.check_ordered(title, taken, found.ordered),
        lambda: rule_files.module("tfoptim.declaration.slots").check_lazy(found, values.get("lazy", False)),
    )
    for check in together:
        try:
            check()
        except ValueError as error:
            yield str(error)
    if values.get("cautious") is True and type(found).step is not rule_files.Rule.step:
        yield f"{title}: cautious must be False, because the rule has no direction to mask."
    if len(limits := sorted(LIMITS & values.keys())) > 1:
        yield f"{title}: {' and '.join(limits)} exclude each other; give one of them."


def domain(name: str, argument: str) -> Any:
    """Returns what an argument of an optimizer of the library can be: an object of `tfoptim.declaration.domains`."""
    return _domains(name)[argument]


@functools.cache
def _domains(name: str) -> dict[str, Any]:
    """Returns the arguments of an optimizer of the library, each with what it allows."""
    found, path = rule(name), rule_files.folder() / "declaration" / "config.py"
    base = next(node for node in _classes(path) if node.name == "Configured")
    known = {**vars(rule_files.module("tfoptim.declaration.domains")), **vars(rule_files.module("tfoptim.groups"))}
    written = {field: (ast.unparse(one.annotation), known) for field, one in _annotated(base)}
    for cls in reversed(type(found).__mro__):
        if issubclass(cls, rule_files.Rule) and cls is not rule_files.Rule:  # which has flags of rules alone
            written |= {field: (kind, cls.names) for field, kind in vars(cls).get("__annotations__", {}).items()}
    without = getattr(found, "without", ())
    return {
        field: _domain(kind, names)
        for field, (kind, names) in written.items()
        if "ClassVar" not in kind and field not in without
    }


def _domain(annotation: str, names: Mapping[str, Any]) -> Any:
    """Returns what an annotation of a rule allows, by what its file names."""
    written = eval(annotation, {**names})  # noqa: S307  it is the library's own
    kinds = typing.get_args(written) if typing.get_origin(written) in (typing.Union, types.UnionType) else (written,)
    marks = [mark for kind in kinds for mark in getattr(kind, "__metadata__", ()) if hasattr(mark, "parse")]
    return marks[0] if marks else rule_files.module("tfoptim.declaration.domains").Flag()


def defaults(name: str) -> Mapping[str, float]:
    """Returns the numbers that an optimizer has where it is given none, by its name."""
    if name in OUTSIDE:
        return OUTSIDE[name].defaults
    found = {field: one.value.value for field, one in _fields(name) if isinstance(one.value, ast.Constant)}
    return {k: v for k, v in found.items() if isinstance(v, int | float) and not isinstance(v, bool)}


def unscheduled(name: str) -> bool:
    """Returns whether an optimizer, by its name, is made for a constant rate.

    It averages its weights in place of a schedule, or its weights are a function of the present rate (Ftrl): a rate
    that decays to 0 draws them all to 0.
    """
    return name in available() and bool(rule(name).constant_rate)


def _lineage(name: str) -> list[str]:
    """Returns an optimizer and the rules that its class derives from, by name."""
    above = [base.lower() for base in _bases(name) if base.lower() in available()]
    return [name, *(one for each in above for one in _lineage(each))]


@functools.cache
def _bases(name: str) -> tuple[str, ...]:
    """Returns the names of the classes that the class of an optimizer derives from."""
    path, title = place(name)
    bases = next(node.bases for node in _classes(path) if node.name == title)
    return tuple(base.id for base in bases if isinstance(base, ast.Name))


def usual_rate(name: str) -> float:
    """Returns the documented learning rate of an optimizer, by its name."""
    return OUTSIDE[name].defaults["learning_rate"] if name in OUTSIDE else rule(name).learning_rate


@dataclasses.dataclass(frozen=True)
class Described:
    """An optimizer from outside this repository, as its constructor describes it."""

    knobs: tuple[str, ...]  # numbers that it can be given, but the learning rate
    defaults: Mapping[str, float]  # numbers that it has where it is given none
    slots: int  # copies of the weights that it keeps


OUTSIDE: dict[str, Described] = {}
"""Optimizers from outside this repository that a study of this process names, by what the study calls them."""


@functools.cache
def _fields(name: str) -> list[tuple[str, ast.AnnAssign]]:
    """Returns what the class of an optimizer declares, by name."""
    return [field for path in _rule_files() for node in _classes(path) if node.name.lower() == name
            for field in _annotated(node)]  # fmt: skip


def _annotated(node: ast.ClassDef) -> list[tuple[str, ast.AnnAssign]]:
    """Returns the annotated names of a class, each with its line."""
    return [(one.target.id, one) for one in node.body if isinstance(one, ast.AnnAssign)
            and isinstance(one.target, ast.Name)]  # fmt: skip


def _rule_files() -> Iterator[Path]:
    return (path for path in (rule_files.folder() / "rules").glob("*.py") if path.stem != "__init__")


def _classes(path: Path) -> list[ast.ClassDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in tree.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]


def rule(name: str, **values: Any) -> rule_files.Rule:
    """Returns a rule by its name in `available`, with values other than its defaults."""
    path, title = place(name)
    found: rule_files.Rule = getattr(rule_files.module(f"tfoptim.rules.{path.stem}"), title)(**values)
    return found


def kept(name: str, **values: Any) -> float:
    """Returns how many copies of the weights an optimizer keeps, NaN where that depends on their shapes."""
    if name in OUTSIDE:
        return OUTSIDE[name].slots
    declared = slots(rule(name, **values)).values()
    if any(slot.reshaped and callable(slot.shape) for slot in declared):
        return math.nan
    return sum(not slot.reshaped for slot in declared)  # others are a few numbers for a whole variable


def slots(rule: rule_files.Rule) -> dict[str, Any]:
    """Returns the slots that a rule declares: name -> `tfoptim.declaration.Slot`."""
    groups = rule_files.module("tfoptim.declaration.slots").slot_groups(rule)
    return {name: slot for group in groups for name, slot in group.items()}


def simulate(rule: rule_files.Rule, weights: Any, gradient: Callable[[Any], Any], steps: int) -> Any:
    """Returns the weights after each of some steps of an unchanged rule, [steps, *shape], in float64."""
    if needs_loss(rule):
        raise UserError(f"{type(rule).__name__} needs the loss, and not only its gradients, which are given here.")
    w = np.array(weights, np.float64)
    kept = rule_files.Kept(**rule_files.module("tfoptim.declaration.slots").arrays(rule, w, ""))
    shared = rule_files.Kept(**rule.shared)
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
