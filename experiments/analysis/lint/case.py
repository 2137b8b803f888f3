"""All that the lint looks at: a study of one problem, its records, and what was chosen for it."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from experiments import studies
from experiments.errors import UserError
from experiments.problems import tasks
from experiments.problems.tasks.base import Task
from experiments.records.costs import Cost
from experiments.records.run_folder import Record
from experiments.studies import Study, identity
from experiments.studies.runs import EVALUATION, TIMING, TUNING
from experiments.tuning import choosing, selection, targets
from experiments.tuning.choosing import Choice, Trial


@dataclasses.dataclass(frozen=True)
class Case:
    """A study of one problem, with what there is of it."""

    study: Study  # what is compared
    records: tuple[Record, ...] = ()  # of its runs, of every kind
    choices: Mapping[str, Choice] | None = None  # what was chosen by label; None where nothing is known of it
    trials: tuple[Trial, ...] = ()  # what the choice rests on; none where nothing was tuned or nothing is known of it
    refused: str = ""  # why the files of the choice do not count, where they are there
    # costs by label, as the evidence of the choice states them; empty without evidence
    stated: Mapping[str, Cost] = dataclasses.field(default_factory=dict)
    target: float | None = None  # validation score that counts as solved, where there is one
    declared: Study | None = None  # the study as its file has it, where there is one
    # the study that records name, where what is compared is a part of it; None where it is all of it
    whole: Study | None = None

    @property
    def task(self) -> Task:
        """The problem."""
        return tasks.get(self.study.task)

    @property
    def evaluations(self) -> tuple[Record, ...]:
        """The records that results are drawn from."""
        return self._of(EVALUATION)

    @property
    def tuning(self) -> tuple[Record, ...]:
        """The records that choices are made by."""
        return self._of(TUNING)

    @property
    def timings(self) -> tuple[Record, ...]:
        """The records that seconds are taken from."""
        return self._of(TIMING)

    @property
    def labels(self) -> tuple[str, ...]:
        """The optimizers, in the study's order."""
        return tuple(entry.label for entry in self.study.optimizers)

    def of(self, label: str) -> list[Record]:
        """Returns the evaluation records of one optimizer."""
        return [record for record in self.evaluations if record.run.label == label]

    def _of(self, kind: str) -> tuple[Record, ...]:
        return tuple(record for record in self.records if record.run.kind == kind)


def cases(
    study: Path | Study, records: Sequence[Record], *, path: Path | None = None, target: float | None = None
) -> list[Case]:
    """Returns a case for each problem of a study; see `experiments.analysis.lint.findings`."""
    part, path = (_read(study), study) if isinstance(study, Path) else (study, path)
    there = path is not None and (path.is_file() or _whole(path).is_file())
    of_file = studies.each(path, _read(path)) if path is not None and there else []
    every = studies.each(path or Path("study.toml"), part)
    found = []
    for number, (own_path, one) in enumerate(every):
        own = tuple(r for r in records if len(every) == 1 or (r.run.task, r.run.data) == (one.task, one.data))
        case = Case(
            one,
            own,
            trials=tuple(choosing.trial_of(record) for record in own if record.run.kind == TUNING),
            target=target,
        )
        if of_file:
            whole = of_file[number][1]
            typed = {key: getattr(one, key) for key in ("data", "epochs", "grid", "deterministic")}
            case = dataclasses.replace(case, declared=whole, whole=dataclasses.replace(whole, **typed))
            case = _with_choices(case, own_path, whole)
        found.append(case)
    return found


def listed(sentence: str, words: Iterable[object], most: int = 3) -> Iterator[str]:
    """Yields a sentence about some words, where there are any."""
    if found := list(words):
        yield sentence.format(some(found, most))


def some(words: Iterable[object], most: int = 3) -> str:
    """Returns the first few of some words, and how many more there are."""
    found = list(map(str, words))
    return ", ".join(found[:most]) + (f" and {len(found) - most} more" if len(found) > most else "")


def name(record: Record) -> str:
    """Returns what a run is called in sentences."""
    return f"{record.run.label} seed {record.run.seed}"


def _whole(path: Path) -> Path:
    """Returns the file of the study that a path is of one problem of, as `config.each` names it."""
    return path.with_name(f"{path.name.split('.')[0]}.toml")


def _read(path: Path) -> Study:
    """Returns the study of a path, or of one problem of a study.

    Raises:
        UserError: there is none.
    """
    if path.is_file():
        return studies.load(path)
    whole = _whole(path)
    for own_path, one in studies.each(whole, studies.load(whole)) if whole.is_file() else []:
        if own_path == path:
            return one
    raise UserError(f"There is no study {path}.")


def _with_choices(case: Case, path: Path, whole: Study) -> Case:
    """Returns the case with what was chosen, and with the committed trials where no records of them are given.

    A target is that of the whole study: another budget or other data have none.
    """
    selected, evidence = selection.paths(path)
    try:
        target = targets.read(path, whole) if case.whole == whole else None
        if target is not None and case.target is None:
            case = dataclasses.replace(case, target=target.value)
        if whole.tuned and not (selected.is_file() and evidence.is_file()):
            there = [path for path in (selected, evidence) if path.is_file()]
            lost = {selected: evidence, evidence: selected}
            refused = f"{there[0].name} is there, and {lost[there[0]].name} is missing; tune again." if there else ""
            return dataclasses.replace(case, refused=refused)
        choices = selection.read(path, whole)
    except UserError as error:
        return dataclasses.replace(case, refused=str(error))
    text = evidence.read_text(encoding="utf-8") if whole.tuned else ""
    trials = case.trials or tuple(selection.trials_of(text) if text else ())
    choices = {label: choice for label, choice in choices.items() if label in case.labels}
    return dataclasses.replace(
        case, choices=choices, trials=trials, stated=selection.costs_of(text, whole) if text else {}
    )


def identities(case: Case) -> dict[str, str]:
    """Returns the study that records of each kind must name; empty where the user's data are not here to tell."""
    with contextlib.suppress(UserError):
        whole = case.whole or case.study
        study = identity.study_hash(whole)
        return {EVALUATION: study, TIMING: study, TUNING: identity.tuning_hash(whole)}
    return {}
