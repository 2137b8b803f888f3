"""How each run stands, read from its folder alone."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from pathlib import Path

from experiments import environment
from experiments.errors import UserError
from experiments.records import leases, run_folder
from experiments.studies.runs import Run

FINAL = ("done", "diverged")
UNFINISHED = ("interrupted", "killed", "oom", "failed")
WORDS = (*FINAL, "running", *UNFINISHED, "outdated", "damaged", "missing")


@dataclasses.dataclass(frozen=True)
class State:
    """How a run stands.

    Attributes:
        folder: its folder.
        run: its specification; None when that cannot be read.
        word: `done` or `diverged`, which are results; `running`; `interrupted`, `killed`, `oom` or `failed`, which
            are tried again; `outdated` by a change of code or versions; `damaged`; `missing`.
        epoch: passes so far, perhaps a part of one more.
        reason: what is said of it: why it failed, who is at it.
        traces: how often the pass over the training set was traced for it.
    """

    folder: Path
    run: Run | None
    word: str
    epoch: float = 0
    reason: str = ""
    traces: int = 0


def of(folder: Path, run: Run) -> State:
    """Returns how a run stands; nothing is changed."""
    record = run_folder.read(folder)
    if record is not None:
        made_with = environment.difference(record.environment)
        word = "outdated" if made_with else record.status
        traces = int(record.summary.get("traces", 0))
        epoch = record.evaluations[-1]["epoch"]
        return State(folder, run, word, epoch, made_with and f"made with {made_with}", traces)
    damage = run_folder.damage(folder)
    if damage is not None:
        return State(folder, run, "damaged", 0, damage)
    attempt = max((_number(path) for path in folder.glob("metrics-*.jsonl")), default=0)
    found = run_folder.evaluations(folder / f"metrics-{attempt}.jsonl") if attempt else []
    epoch = found[-1]["epoch"] if found else 0
    if leases.held(folder):
        owner = leases.holder(folder)
        return State(folder, run, "running", epoch, f"process {owner.pid} on {owner.host}" if owner else "")
    if not attempt:
        return State(folder, run, "missing")
    word, reason = _ending(folder / f"ended-{attempt}.json")
    return State(folder, run, word, epoch, reason)


def found(root: Path, name: str = "*") -> Iterator[State]:
    """Yields how every run stands that has a folder, of one study's folder or of all.

    Raises:
        UserError: a link leads out of the root.
    """
    for place in sorted(root.glob(f"{name}/trials/*/*")):
        run_folder.inside(root, place)
        try:
            run = Run(**json.loads((place / "spec.json").read_text(encoding="utf-8")))
            sound = run.identity[:20] == place.name
        except run_folder.UNREADABLE:
            sound = False
        if sound:
            yield of(place, run)
        else:
            yield State(place, None, "damaged", 0, f"{place / 'spec.json'} is not that of a run of this version")


def place_of(state: State) -> str:
    """Returns the name of the study's folder that a run's folder is in."""
    return state.folder.parents[2].name


def study_of(state: State) -> str:
    """Returns the name of the study that a run's folder belongs to."""
    return place_of(state)[:-9]


def sentence(state: State) -> str:
    """Returns what is to be said of a run that has no result."""
    if state.run is None or state.word == "damaged":
        return f"damaged: {state.reason}"
    run, where = state.run, f"{state.epoch:.3g} of {state.run.epochs} passes" if state.epoch else "no pass yet"
    label = f"{run.label}, rate {run.learning_rate:g}, seed {run.seed}"
    return f"{state.word}: {label}: {where}{f'; {state.reason}' if state.reason else ''}"


def fits(run: Run) -> bool:
    """Returns whether problem and data of a run still are what they were when it was planned."""
    from experiments.problems import datasets, tasks

    card = datasets.CARDS.get(run.data)
    if card is None or run.task not in tasks.names():
        return False
    present = (tasks.get(run.task).version, card.version, card.split_sha256)
    return present == (run.task_version, run.data_version, run.split_sha256)


def folders(root: Path, name: str) -> list[Path]:
    """Returns the folders of a study, given by its name, by its name and hash, or by its file; of all its problems.

    Raises:
        UserError: there is none.
    """
    named = re.compile(r"\w[\w.-]*-[0-9a-f]{8}")
    places = [
        place for place in sorted(root.glob("*-*")) if named.fullmatch(place.name) and (place / "trials").is_dir()
    ]
    plain = Path(name).stem if name.endswith(".toml") else name
    matching = [p for p in places if plain in (p.name, p.name[:-9], p.name[:-9].partition(".")[0])]
    if not matching:
        known = ", ".join(place.name for place in places) or "none"
        raise UserError(f"There are no runs of a study '{name}' in {root}; there are: {known}.")
    return matching


def _number(path: Path) -> int:
    digits = path.name.partition("-")[2].partition(".")[0]
    return int(digits) if digits.isdecimal() else 0


def _ending(path: Path) -> tuple[str, str]:
    """Returns how an attempt ended that gave no result; one that said nothing was killed with its engine."""
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        return (said["status"] if said["status"] in UNFINISHED else "failed"), str(said["error"])
    except (OSError, ValueError, KeyError, TypeError):
        return "interrupted", ""
