"""The one place that opens test scores: after the selection is frozen, and with a note of when and under which one."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from experiments import studies
from experiments.analysis.lint import Finding
from experiments.errors import UserError
from experiments.records import files, run_folder
from experiments.records.run_folder import Record
from experiments.studies.runs import Run
from experiments.tuning import selection

NOTE = "opened.json"


def opened(name: str, study: Path, runs: Sequence[Run]) -> list[Record]:
    """Returns the records of those runs that were made, test scores open; the first time is written down (rule B3).

    Raises:
        UserError: a record cannot be read, or there is none at all.
    """
    folders = [run_folder.folder(run_folder.ROOT, name, run) for run in runs]
    made = [folder for folder in folders if (folder / "DONE").exists()]
    if not made:
        raise UserError(
            f"No run of the study {name} is recorded in {run_folder.ROOT}, so there is nothing to report; "
            f"make them with: python -m experiments compare {studies.typed(study)}"
        )
    _note(note_of(name, runs[0]), study)
    found = []
    for folder in made:
        record = run_folder.read(folder, test=True)
        if record is None:
            damage = run_folder.damage(folder) or f"the test scores in {folder} are not those of its evaluations"
            again = f"make that run again with: python -m experiments compare {studies.typed(study)}"
            raise UserError(f"There is no report, since {damage}; {again}")
        found.append(record)
    return found


def broken(name: str, study: Path, run: Run) -> list[Finding]:
    """Returns what there is to say against the order of things: the selection must not change once tests were seen."""
    note = json.loads(note_of(name, run).read_text(encoding="utf-8"))
    if note["selection_sha256"] == _selection(study):
        return []
    said = (
        f"The selection was changed after the test scores had been opened on {note['opened']}; "
        "fresh evaluation seeds have not been seen yet."
    )
    return [Finding("L-B3", said)]


def note_of(name: str, run: Run) -> Path:
    """Returns the file that says when the test scores of a study were first opened."""
    return run_folder.ROOT / f"{name}-{run.study[:8]}" / NOTE


def _note(path: Path, study: Path) -> None:
    if path.exists():
        return
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    content = {"opened": now, "selection_sha256": _selection(study)}
    files.publish(path, json.dumps(content, indent=2) + "\n")


def _selection(study: Path) -> str | None:
    """Returns the SHA-256 of a study's selection; None where nothing was tuned."""
    chosen = selection.paths(study)[0]
    return hashlib.sha256(chosen.read_bytes()).hexdigest() if chosen.is_file() else None
