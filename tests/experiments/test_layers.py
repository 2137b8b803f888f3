"""The layers of the rooms hold: a planted upward import is found, and no modules import each other in a circle."""

import ast
import graphlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("experiments", "tfoptim")
LAYERS = "A room of the experiments imports only rooms below it"
PLANTED = {
    "experiments/figures/__init__.py": "from experiments.running import sweep",
    "experiments/problems/__init__.py": "from experiments.records import files",
}


def lint(folder):
    """What lint-imports finds in a copy of both packages: whether all contracts are kept, and its text."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"]
    environment = {**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stdout + done.stderr


def copy(folder):
    """Copies the code of both packages, and what lint-imports is to check."""
    shutil.copy(ROOT / "pyproject.toml", folder)
    for package in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__", "*.npz", "*.json", "*.jsonl", "*.toml")
        shutil.copytree(ROOT / package, folder / package, ignore=ignored)
    return folder


def test_an_import_from_a_room_above_is_found(tmp_path):
    """The code keeps every contract; an import of training in a figure, or of records in a problem, breaks one."""
    folder = copy(tmp_path)
    kept, text = lint(folder)
    assert kept, text
    for file, line in PLANTED.items():
        path = folder / file
        path.write_text(f"{path.read_text('utf-8')}\n{line}\n", encoding="utf-8")
    kept, text = lint(folder)
    assert not kept
    assert f"{LAYERS} BROKEN" in text
    assert "experiments.figures -> experiments.running.sweep" in text
    assert "experiments.problems -> experiments.records.files" in text


def modules():
    """Each module of both packages, with its file; builders of data sets are in folders without `__init__.py`."""
    found = {}
    for path in (path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(path, known):
    """The modules of ours that a file imports as it is loaded, not within functions."""
    tree = ast.parse(path.read_text("utf-8"))
    for function in [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.If)]:
        function.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in known else node.module for name in names if {name, node.module} & set(known))


def test_no_modules_import_each_other_in_a_circle():
    """A topological order of all modules exists."""
    known = modules()
    graph = {name: set(imported(path, known)) - {name} for name, path in known.items()}
    assert len(graph["experiments.__main__"]) > 3
    order = list(graphlib.TopologicalSorter(graph).static_order())  # raises CycleError, which names the circle
    assert set(order) >= set(known)


def test_builders_of_data_sets_import_only_problems_and_errors():
    """They are in folders without `__init__.py`, which lint-imports does not see."""
    known = modules()
    builders = {path for name, path in known.items() if name.endswith("_dataset_builder")}
    rooms = {name.split(".")[1] for path in builders for name in imported(path, known)}
    assert (7, {"errors", "problems"}) == (len(builders), rooms)
