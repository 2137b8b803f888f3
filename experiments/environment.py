"""Environment of a run (code, versions, machine): recorded with it, not part of its identity."""

import ast
import functools
import hashlib
import importlib.metadata
import io
import os
import platform
import tokenize
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeGuard

from experiments import machine, rule_files

PACKAGES = ("tensorflow", "keras", "numpy")
OWN = ("tfoptim", "experiments")
HERE = Path(__file__).parent
# Rooms whose code decides the numbers of a run: a change in one of them makes a recorded run another one's.
COUNTED = ("problems", "running/training")


@functools.cache
def source() -> str:
    """Returns the SHA-256 over the meaning of the code that decides a run's numbers: the library and the training.

    A better docstring, a comment or a moved file leaves every recorded run what it was.
    """
    files = (
        meaning(path.read_text("utf-8")).encode() if path.suffix == ".py" else path.read_bytes() for path in _counted()
    )
    digests = sorted(hashlib.sha256(content).hexdigest() for content in files)
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def meaning(text: str) -> str:
    """Returns a Python file without docstrings, comments, blank lines and the places that own names are imported from.

    Text and not a syntax tree, because trees differ between versions of Python that may read one folder of records.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines, imported = text.split("\n"), []  # rows as Python counts them: a form feed ends none
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    nodes, inside = list(ast.walk(ast.parse(text))), set[int]()  # rows that end within a string, all of which it means
    said = {id(node.value) for node in nodes if _is_documentation(node)}
    for node in nodes:
        if _is_documentation(node):
            _cut(lines, node)
        elif isinstance(node, ast.JoinedStr | ast.Constant) and id(node) not in said:
            inside.update(range(node.lineno - 1, (node.end_lineno or node.lineno) - 1))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in OWN:
            _cut(lines, node)
            imported += [f"{alias.name} as {alias.asname or alias.name}" for alias in node.names]
    kept = [line if row in inside else line.rstrip() for row, line in enumerate(lines) if line.strip() or row in inside]
    return "\n".join([*sorted(imported), *kept])


def _is_documentation(node: ast.AST) -> TypeGuard[ast.Expr]:
    """Tells a string that stands by itself: of a module, a class, a function or an attribute."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _cut(lines: list[str], node: Any) -> None:
    """Takes a statement out of its lines; columns of a syntax tree are counted in bytes."""
    before = lines[node.lineno - 1].encode()[: node.col_offset]
    after = lines[node.end_lineno - 1].encode()[node.end_col_offset :]
    lines[node.lineno - 1 : node.end_lineno] = [(before + after).decode()] + [""] * (node.end_lineno - node.lineno)


@functools.cache
def versions() -> dict[str, str]:
    """Returns the versions that numbers depend on, read without importing the packages.

    With `onednn`, TensorFlow's switch for Intel's kernels, which sum in another order.
    """
    found = {name: importlib.metadata.version(name) for name in PACKAGES}
    return found | {"onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "default")}


@functools.cache
def commit() -> str:
    """Returns the git commit, with `+changes` when counted code differs from it, or `unknown`."""
    head = _git("rev-parse", "--short=12", "HEAD")
    changed = _git("status", "--porcelain", "--", *map(str, _rooms()))
    if head is None or changed is None:
        return "unknown"
    return head + ("+changes" if changed else "")


def describe(workers: int) -> dict[str, Any]:
    """Returns the environment of the runs that this process hands out."""
    return {
        **versions(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cpus": os.cpu_count(),
        "workers": workers,
        "threads_per_worker": 1,
        "timing": "alone" if workers == 1 else "not-for-timing: other runs trained at the same time",
        "commit": commit(),
        "source": source(),
    }


def current(environment: Mapping[str, Any]) -> bool:
    """Returns whether a recorded run was made by the code and versions at hand."""
    return not difference(environment)


def difference(environment: Mapping[str, Any]) -> str:
    """Returns what code and versions a recorded run was made by, where they are not those at hand, or nothing.

    Such as: keras 3.14.0 (here 3.15.1), other code (commit 0a1b, here 2c3d).
    """
    was = {name: environment.get(name, "unknown") for name in versions()}
    found = [f"{name} {was[name]} (here {now})" for name, now in versions().items() if was[name] != now]
    if environment.get("source") != source():
        commits = f" (commit {environment['commit']}, here {commit()})" if "commit" in environment else ""
        found.append(f"other code{commits}")
    return ", ".join(found)


def _rooms() -> list[Path]:
    return [rule_files.folder(), *(HERE / room for room in COUNTED)]


def _counted() -> Iterator[Path]:
    """Returns the code of the rooms, and the selections of examples that data sets are made from."""
    return (path for room in _rooms() for kind in ("py", "npz") for path in room.rglob(f"*.{kind}"))


def _git(*arguments: str) -> str | None:
    return machine.said("git", "-C", str(HERE), *arguments)
