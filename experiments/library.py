"""The library's optimizers by name, known without importing TensorFlow."""

from __future__ import annotations

import ast
import functools
import importlib.util
from collections.abc import Iterator, Mapping
from pathlib import Path


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


@functools.cache
def knobs(name: str) -> tuple[str, ...]:
    """Returns the numbers that an optimizer can be given, by its name in `available`, but the learning rate."""
    found = [
        (field.target.id, ast.unparse(field.annotation))
        for field in _fields(name)
        if isinstance(field.target, ast.Name)
    ]
    return tuple(field for field, kind in found if kind != "bool" and field != "learning_rate")


@functools.cache
def defaults(name: str) -> Mapping[str, float]:
    """Returns the numbers that an optimizer has where it is given none, by its name in `available`."""
    found = {
        field.target.id: field.value.value
        for field in _fields(name)
        if isinstance(field.target, ast.Name) and isinstance(field.value, ast.Constant)
    }
    return {k: v for k, v in found.items() if isinstance(v, int | float) and not isinstance(v, bool)}


def _fields(name: str) -> list[ast.AnnAssign]:
    """Returns what the class of an optimizer declares."""
    classes = (node for path in _rule_files() for node in _classes(path) if node.name.lower() == name)
    return [field for node in classes for field in node.body if isinstance(field, ast.AnnAssign)]


def _rule_files() -> Iterator[Path]:
    return (path for path in (folder() / "rules").glob("*.py") if path.stem != "__init__")


def _classes(path: Path) -> list[ast.ClassDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in tree.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]
