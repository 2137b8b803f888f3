"""Type checkers see the constructors that are made from declarations."""

import importlib.util
import json
import pathlib
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow
ROOT = pathlib.Path(__file__).parents[2]
CALLS = pathlib.Path(__file__).parent / "typed" / "calls.py"
WRONG = {number for number, line in enumerate(CALLS.read_text().splitlines(), start=1) if line.endswith("# wrong")}


def run(module, *arguments):
    """The output of `python -m module`; skips where the checker is not installed."""
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} belongs to the extra `dev`, which is not installed here")
    command = [sys.executable, "-m", module, *arguments, str(CALLS)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, cwd=ROOT)


def test_mypy_accepts_good_calls_and_refuses_wrong_ones():
    """Exactly the lines marked `# wrong` are errors."""
    done = run("mypy", "--output", "json", "--no-error-summary", "--follow-imports", "silent")
    assert done.returncode in (0, 1), done.stderr
    errors = [json.loads(line) for line in done.stdout.splitlines()]
    lines = {e["line"] for e in errors if pathlib.Path(e["file"]).name == CALLS.name}
    assert WRONG == lines, done.stdout


def test_pyright_accepts_good_calls_and_refuses_wrong_ones():
    """Exactly the lines marked `# wrong` are errors."""
    done = run("pyright", "--outputjson", "--pythonpath", sys.executable)
    if done.returncode not in (0, 1):
        pytest.skip(f"pyright cannot run here: {done.stderr.strip()[-200:]}")
    errors = json.loads(done.stdout)["generalDiagnostics"]
    lines = {e["range"]["start"]["line"] + 1 for e in errors if e["severity"] == "error"}
    assert WRONG == lines, done.stdout
