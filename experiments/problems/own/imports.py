"""The files that a Python file imports from a folder, read off it; none of them is run."""

import ast
import importlib.util
from collections.abc import Iterator, Sequence
from pathlib import Path

from experiments import environment
from experiments.errors import UserError


def text(path: Path) -> str:
    """Returns the text of a Python file, in the encoding that it declares; a UserError says why it has none."""
    try:
        return importlib.util.decode_source(path.read_bytes())
    except (SyntaxError, ValueError, OSError) as error:
        raise UserError(f"{path.name} cannot be read: {error}.") from error


def parsed(path: Path) -> ast.Module:
    """Returns a file as a syntax tree; a UserError says where it is no Python."""
    try:
        return ast.parse(text(path), path.name)
    except (SyntaxError, ValueError, RecursionError) as error:
        raise UserError(f"{path.name} cannot be read: {error}.") from error


def module_in(folder: Path, parts: Sequence[str]) -> Path | None:
    """Returns the file of a module in a folder, by the parts of its name; of two, the one that Python takes."""
    path = folder.joinpath(*parts)
    return next((p for p in (path / "__init__.py", path.with_name(f"{path.name}.py")) if p.is_file()), None)


def reached(path: Path, root: Path) -> list[Path]:
    """Returns a file and the files in a folder that it imports, directly or through each other."""
    found, left = [path], [path]
    while left:
        one = left.pop()
        new = [file for file in dict.fromkeys((*_packages(one, root), *_imported(one, root))) if file not in found]
        found += new
        left += new
    return found


def module(path: Path, root: Path) -> str:
    """Returns the name by which a file in a folder is imported; empty where it is not in it."""
    if root not in path.parents:
        return ""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _packages(path: Path, root: Path) -> Iterator[Path]:
    """Yields the files that Python runs before a module, those of the packages that it lies in."""
    if root in path.parents:
        for folder in path.parents[: path.parents.index(root)]:
            if (one := folder / "__init__.py").is_file():
                yield one


def _imported(path: Path, root: Path) -> Iterator[Path]:
    for node in ast.walk(parsed(path)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or "", *(f"{node.module or ''}.{alias.name}".strip(".") for alias in node.names)]
        up = node.level - 1 if isinstance(node, ast.ImportFrom) else -1
        base = path.parents[min(up, len(path.parents) - 1)] if up >= 0 else root
        for name in (name for name in names if name and name.partition(".")[0] not in environment.OWN):
            if (one := module_in(base, name.split("."))) is not None:
                yield one
