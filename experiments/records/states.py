"""The state of each run, read from its folder alone, and the files there that no study needs."""

import dataclasses
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from experiments import environment
from experiments.errors import UserError
from experiments.records import leases, run_folder
from experiments.records.attempts import CHECKPOINTS
from experiments.studies.runs import Run

FINAL = ("done", "diverged")
UNFINISHED = ("interrupted", "killed", "oom", "failed")
WORDS = (*FINAL, "running", *UNFINISHED, "outdated", "damaged", "missing")
ATTEMPT = re.compile(r"([a-z]+)-(\d+)\.\w+")  # whatever an attempt writes or attaches


@dataclasses.dataclass(frozen=True)
class State:
    """The state of a run."""

    folder: Path  # its folder
    run: Run | None  # its specification; None if unreadable
    # `done` or `diverged`, which are results; `running`; `interrupted`, `killed`, `oom` or `failed`, which are tried
    # again; `outdated` by a change of code or versions; `damaged`; `missing`
    word: str
    epoch: float = 0  # completed epochs, with the fraction of the present one
    reason: str = ""  # error of the last attempt, or owner of the lock
    traces: int = 0  # number of times its program was traced


def of(folder: Path, run: Run) -> State:
    """Returns the state of a run; changes nothing."""
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
    """Yields the state of every run that has a folder, of one study's folder or of all."""
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
            yield State(place, None, "damaged", 0, f"{place / 'spec.json'} is not of a run of this version")


def place_of(state: State) -> str:
    """Returns the name of the study's folder that contains a run."""
    return state.folder.parents[2].name


def study_of(state: State) -> str:
    """Returns the name of the study of a run."""
    return place_of(state)[:-9]


def sentence(state: State) -> str:
    """Returns one line on a run without a result."""
    if state.run is None or state.word == "damaged":
        return f"damaged: {state.reason}"
    run, where = state.run, f"{state.epoch:.3g} of {state.run.epochs} epochs" if state.epoch else "no epoch yet"
    label = f"{run.label}, rate {run.learning_rate:g}, seed {run.seed}"
    return f"{state.word}: {label}: {where}{f'; {state.reason}' if state.reason else ''}"


def fits(run: Run) -> bool:
    """Returns whether problem, data and optimizer of a run are unchanged since it was planned."""
    from experiments.problems import datasets, own, tasks

    card = datasets.CARDS.get(run.data)
    if card is None or run.task not in tasks.names():
        return False
    present = (tasks.get(run.task).version, datasets.version(card), card.split_sha256)
    if present != (run.task_version, run.data_version, run.split_sha256):
        return False
    return own.version(run.optimizer, run.folder) == run.optimizer_version


def folders(root: Path, name: str) -> list[Path]:
    """Returns the folders of a study, of all its problems, by its name, with or without its hash, or its file."""
    named = re.compile(r"\w[\w.-]*-[0-9a-f]{8}")
    places = [
        place for place in sorted(root.glob("*-*")) if named.fullmatch(place.name) and (place / "trials").is_dir()
    ]
    plain = Path(name).stem if name.endswith(".toml") else name
    matching = [p for p in places if plain in (p.name, p.name[:-9], p.name[:-9].partition(".")[0])]
    if not matching:
        known = ", ".join(place.name for place in places) or "none"
        raise UserError(f"There are no runs of a study '{name}' in {root}, only of: {known}.")
    return matching


def superfluous(state: State) -> Iterator[Path]:
    """Yields files that can be removed from the folder of a run; none while the run is locked, and never its record."""
    folder = state.folder
    if leases.held(folder):
        return
    yield from sorted(folder.glob("lease*"))
    yield from sorted(folder.glob("*.tmp"))
    yield from sorted(folder.glob(f"{CHECKPOINTS}/*.partial"))
    if (folder / "DONE").exists():
        yield from sorted(folder.glob(CHECKPOINTS))
    if state.word in ("damaged", "outdated"):
        return  # its files may show what happened
    yield from sorted(folder.glob("DONE.*.old"))
    kept = _kept(state)
    for path in sorted(folder.iterdir()):
        match = ATTEMPT.fullmatch(path.name)
        if match and int(match[2]) != kept:
            yield path


def remove(path: Path) -> int:
    """Removes a file, a link or a folder; returns its bytes."""
    held = size(path)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    return held


def size(path: Path) -> int:
    """Returns the bytes of a file, or of all files in a folder; 0 for a link."""
    if path.is_symlink():
        return 0
    if path.is_dir():
        return sum(size(inner) for inner in path.iterdir())
    return path.stat().st_size if path.exists() else 0


def _kept(state: State) -> int:
    """Returns the attempt whose files are kept: the one that counts, else the last."""
    if state.word in FINAL:
        return int((state.folder / "DONE").read_text(encoding="utf-8").split()[0])
    numbers = [int(match[2]) for path in state.folder.iterdir() if (match := ATTEMPT.fullmatch(path.name))]
    return max(numbers, default=0)


def _number(path: Path) -> int:
    digits = path.name.partition("-")[2].partition(".")[0]
    return int(digits) if digits.isdecimal() else 0


def _ending(path: Path) -> tuple[str, str]:
    """Returns status and error of an attempt without a result; one without a file was killed with its engine."""
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        return (said["status"] if said["status"] in UNFINISHED else "failed"), str(said["error"])
    except (OSError, ValueError, KeyError, TypeError):
        return "interrupted", ""
