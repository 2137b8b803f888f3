"""Code from outside this repository that a study names: where it is, which version it has, and how it is loaded.

    my_task.py:TASK         a name in a file; the path is relative to the study's file
    package.module:NAME     a name in a module that Python finds
    keras:Lion              short for keras.optimizers:Lion
    velo                    an entry point of an installed package, of the group `tfoptim.optimizers` or `tfoptim.tasks`

Whatever is asked but `load`, the code is read and not run.
"""

import ast
import contextlib
import dataclasses
import functools
import hashlib
import importlib.metadata
import importlib.util
import os
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from experiments import environment, optimizers
from experiments.errors import UserError, nearest
from experiments.problems.own import imports

OPTIMIZERS, TASKS = "tfoptim.optimizers", "tfoptim.tasks"  # groups of entry points
SHORT = {"keras": "keras.optimizers"}
_CLAIMED: dict[str, Path] = {}  # files that code of this process imports from folders, by the names of their modules
INSTALLED = {"site-packages", "dist-packages"}
RAISED = (Exception, SystemExit)  # what code of users may end in


@dataclasses.dataclass(frozen=True)
class Reference:
    """A name in a file or a module."""

    text: str  # as the study has it
    place: str  # file or module
    name: str  # name in it
    folder: str  # of the study's file

    @property
    def is_file(self) -> bool:
        """Whether the place is a file."""
        return self.place.endswith(".py")

    @property
    def path(self) -> Path | None:
        """The file of the code, None where there is none."""
        return _of_file(Path(self.folder, self.place)) if self.is_file else _of_module(self.place)


@functools.cache
def entry_points(group: str) -> dict[str, str]:
    """Returns the entry points of installed packages by name, each as `module:NAME`."""
    found = {one.name: one.value.partition(" ")[0] for one in importlib.metadata.entry_points(group=group)}
    return {name: value for name, value in found.items() if name not in optimizers.available()}


def is_outside(text: object, group: str) -> bool:
    """Returns whether an optimizer or a task of a study is code from outside."""
    return isinstance(text, str) and (":" in text or text.endswith(".py") or text in entry_points(group))


def reference(text: str, group: str, folder: str) -> Reference:
    """Returns what a name of code from outside refers to."""
    place, _, name = entry_points(group).get(text, text).rpartition(":")
    return Reference(text, SHORT.get(place, place), name, folder)


def fault(one: Reference) -> str:
    """Returns why there is no such code, in a sentence; nothing where there is. None of it is run."""
    if not one.place or not one.name.isidentifier():
        return f"'{one.text}' must be a file and a name in it, as in my_file.py:NAME, or a module and a name in it."
    path = one.path
    if path is None:
        if one.is_file:
            return f"there is no file {Path(one.folder, one.place)}; a path is relative to the study's file."
        return f"there is no module '{one.place}' for Python to import; a file is named with its ending, .py."
    try:
        known = _names(path)
    except UserError as error:
        return str(error)
    if known is None or one.name in known:
        return ""
    match = nearest(one.name, known)
    shown = sorted(name for name in known if not name.startswith("_"))
    hint = f"did you mean '{match}'?" if match else f"known are {', '.join(shown) or 'none'}."
    return f"{one.place} has no {one.name}; {hint}"


@functools.cache
def version(one: Reference) -> str:
    """Returns the version of code: that of its package, where it comes with one, and a hash of its meaning.

    The meaning is that of the file, and of the files in its folder that it imports; comments have none. A UserError
    says which of them is no Python.
    """
    path, package = one.path, ""
    if path is None:
        raise UserError(f"{one.text}: {fault(one)}")
    if not one.is_file:
        top = one.place.partition(".")[0]
        names = importlib.metadata.packages_distributions().get(top, [])
        package = " ".join(f"{name} {importlib.metadata.version(name)}" for name in sorted(set(names)))
    meanings = sorted(
        hashlib.sha256(environment.meaning(imports.text(p)).encode()).hexdigest() for p in _files(one, path)
    )
    return f"{package} {hashlib.sha256(''.join(meanings).encode()).hexdigest()[:16]}".strip()


def load(one: Reference) -> Any:
    """Runs the code, once in a process, and returns what the name stands for.

    Raises:
        UserError: it cannot be run, or has no such name.
    """
    if said := fault(one):
        raise UserError(f"{one.text}: {said}")
    try:
        with staying():
            module = _loaded(one, version(one))
    except UserError:
        raise
    except RAISED as error:
        raise UserError(f"{one.text} cannot be loaded: {described(error, str(one.path))}.") from error
    if not hasattr(module, one.name):
        raise UserError(f"{one.text}: {one.place} has no {one.name}.")
    return getattr(module, one.name)


def optimizer(text: str, folder: str, **arguments: Any) -> Any:
    """Returns an optimizer, of the library or from outside, made from the arguments of its constructor."""
    import tfoptim

    if is_outside(text, OPTIMIZERS):
        with staying():
            return load(reference(text, OPTIMIZERS, folder))(**arguments)
    return tfoptim.get(text, **arguments)


@contextlib.contextmanager
def staying() -> Iterator[None]:
    """Context of code of a user's, which may change the working folder: records are written relative to it."""
    folder = os.getcwd()  # noqa: PTH109  a text, to which chdir goes back whatever it is
    try:
        yield
    finally:
        os.chdir(folder)


def described(error: BaseException, path: str) -> str:
    """Returns an error of code in words: its kind, its first line, and the last line of a file that led to it."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    where = f" (line {lines[-1]} of {Path(path).name})" if lines else ""
    first = (str(error).strip().splitlines() or [""])[0].rstrip(".")
    return f"{type(error).__name__}: {first}{where}" if first else f"{type(error).__name__}{where}"


@functools.cache
def _loaded(one: Reference, version: str) -> ModuleType:
    """Returns the module of code; what it imports must be the files that its version is of."""
    assert one.path is not None
    _claim(one, one.path)
    module = _executed(one.path, version) if one.is_file else importlib.import_module(one.place)
    _claim(one, one.path)
    return module


def _claim(one: Reference, path: Path) -> None:
    """Refuses code that imports a file by a name that means another one in this process: Python has one of a name."""
    for file in _files(one, path)[1:]:
        name = imports.module(file, _root(one, path))
        there = getattr(sys.modules.get(name), "__file__", None)
        for other in filter(None, (_CLAIMED.setdefault(name, file) if name else None, there)):
            if Path(other).resolve() != file.resolve():
                raise UserError(f"{one.text}: two files are called {file.name}, {other} and {file}; rename one.")


@functools.cache
def _executed(path: Path, version: str) -> ModuleType:
    """Returns a file as a module; what it imports from its own folder is found, as of a script."""
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    name = f"{path.stem}_{hashlib.sha256(f'{path}{version}'.encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _of_file(path: Path) -> Path | None:
    return path.resolve() if path.is_file() else None


def _of_module(name: str) -> Path | None:
    """Returns the file of a module that Python would import, found without running any code of its package."""
    top, *rest = name.split(".")
    try:
        spec = importlib.util.find_spec(top) if top else None
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        return None
    folders = spec.submodule_search_locations
    if not rest or folders is None:
        return Path(spec.origin) if not rest and spec.origin and spec.origin.endswith(".py") else None
    return next(filter(None, (imports.module_in(Path(folder), rest) for folder in folders)), None)


def _names(path: Path) -> set[str] | None:
    """Returns the names that a file defines or imports; None where it may have others."""
    found: set[str] = set()
    for node in imports.parsed(path).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name)}
        elif not isinstance(node, ast.Expr):
            return None  # a condition or a loop may define anything
    return None if {"*", "__getattr__"} & found else found


def _files(one: Reference, path: Path) -> list[Path]:
    """Returns the file of code, then those that it imports; of installed code, which has a version, the file alone."""
    return [path] if INSTALLED & set(path.parts) else imports.reached(path, _root(one, path))


def _root(one: Reference, path: Path) -> Path:
    """Returns the folder that imports start from: that of a file, or the one that a module's package lies in."""
    above = 0 if one.is_file else one.place.count(".") + (path.name == "__init__.py")
    return path.parents[above]
