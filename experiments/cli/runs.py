"""The commands about recorded and interrupted runs: status, resume, clean."""

import argparse
import collections
import sys
from collections.abc import Sequence

from experiments import studies
from experiments.cli import options as shared
from experiments.cli.command import Command, option
from experiments.cli.request import make_runs, options_of
from experiments.cli.study import CONTINUE
from experiments.errors import Locked, UserError
from experiments.problems import own
from experiments.records import costs, leases, run_folder, states
from experiments.records.states import State
from experiments.running import timing_pass
from experiments.studies.runs import TIMING, Run
from experiments.text import aligned, clock, say


def status(given: argparse.Namespace, typed: str) -> None:
    """Prints the states of runs, by optimizer, and the unfinished runs."""
    found = _found(given.study)
    table: dict[tuple[str, str, str], collections.Counter[str]] = {}
    for state in found:
        kind, label = (state.run.kind, state.run.label) if state.run else ("?", "?")
        table.setdefault((states.place_of(state), kind, label), collections.Counter())[state.word] += 1
    if table:
        counted = [
            ", ".join(f"{counts[word]} {word}" for word in states.WORDS if counts[word]) for counts in table.values()
        ]
        cells = [(*key, words) for key, words in zip(table, counted, strict=True)]
        print(aligned(("study", "runs", "optimizer", "state"), cells) + "\n")
    for state in found:
        if state.word not in states.FINAL:
            say(states.sentence(state), 2)
    say(_total(found))


def resume(given: argparse.Namespace, typed: str) -> None:
    """Resumes the unfinished runs; timed runs come last, one at a time."""
    options = options_of(given, typed)
    begun: dict[str, list[Run]] = {}
    for state in _found(given.study):
        if state.run is None or state.word not in states.UNFINISHED:
            continue
        if not _known(state.run, given.study):
            continue
        if states.fits(state.run):
            begun.setdefault(states.study_of(state), []).append(state.run)
        else:
            print(f"{state.folder} is skipped: its problem, data or optimizer have changed since.", file=sys.stderr)
    if not begun:
        print("There is nothing to resume.")
    for name, runs in begun.items():
        if usual := [run for run in runs if run.kind != TIMING]:
            make_runs(name, usual, options, "Resuming")
        timing_pass.make(name, [run for run in runs if run.kind == TIMING], dry_run=options.dry_run)


def _known(run: Run, study: str | None) -> bool:
    """Makes the own code of a run's study known, where the user named the study; else says why it is skipped."""
    if not run.folder:
        return True
    tasks = [run.task] if own.is_own(run.task) else []
    scheduled = run.schedule == studies.COSINE
    optimizers = [(run.optimizer, run.hyperparameters, scheduled)] if run.optimizer_version else []
    if study is None:
        named = ", ".join([*tasks, *(name for name, *_ in optimizers)])
        print(f"{run.label}, seed {run.seed} is skipped: {named} runs only when its study is named.", file=sys.stderr)
        return False
    try:
        faults = [f"{name}: {fault}" for name, fault in own.learn(run.folder, tasks, optimizers)]
    except UserError as error:  # its file is gone, or is no Python any more
        faults = [str(error)]
    if faults:
        print(f"{run.label}, seed {run.seed} is skipped: {faults[0]}", file=sys.stderr)
    return not faults


def clean(given: argparse.Namespace, typed: str) -> None:
    """Removes files that no study needs, or all runs of a folder, and lists them."""
    dry_run = given.dry_run
    if given.finished is not None:
        remove(given.finished, dry_run=dry_run)
        return
    paths = [path for state in _found(given.study) for path in states.superfluous(state)]
    done = "Would remove" if dry_run else "Removed"
    for path in paths:
        print(f"{done} {path}")
    held = sum(states.size(path) if dry_run else states.remove(path) for path in paths)
    print(f"{done} {len(paths)} files and folders, {held / 2**20:,.1f} MiB.")


def remove(name: str, *, dry_run: bool) -> None:
    """Removes all runs of a folder, the finished ones too; refuses if one of them is being made."""
    place, *more = states.folders(run_folder.ROOT, name)
    if more:
        raise UserError(f"'{name}' is {len(more) + 1} folders; name one, such as {place.name}.")
    run_folder.inside(run_folder.ROOT, place)
    if any(leases.held(path) for path in place.glob("trials/*/*")):
        raise Locked(f"A run in {place} is locked by another process; nothing was removed.")
    held = states.size(place) if dry_run else states.remove(place)
    print(f"{'Would remove' if dry_run else 'Removed'} {place}, {held / 2**20:,.1f} MiB.")


def _found(study: str | None) -> list[State]:
    if study is None:
        return list(states.found(run_folder.ROOT))
    return [
        state for place in states.folders(run_folder.ROOT, study) for state in states.found(run_folder.ROOT, place.name)
    ]


def _total(found: Sequence[State]) -> str:
    """Returns the numbers of runs and of traces, and the time that is left."""
    known = [state for state in found if state.run is not None]
    left = [state.run for state in known if state.run and state.word in ("running", *states.UNFINISHED)]
    programs = len({state.run.program for state in known if state.run and state.traces})
    traces = sum(state.traces for state in known)
    said = f"{len(found)} runs, {len(left)} unfinished; {traces} traces of {programs} programs."
    expected = costs.expected_seconds(left, costs.paces(run_folder.ROOT), 1) if left else None
    return said if expected is None else f"{said} At most {clock(expected)} of work are left."


STUDY = option("study", nargs="?", help="a study, or a folder in runs/ (default: all in runs/)")
COMMANDS = (
    Command(
        "status",
        "runs",
        "show the states of the runs of a study, or of all",
        status,
        (STUDY,),
        (("", "the states of all runs"), ("mnist", "those of one study")),
    ),
    Command(
        "resume",
        "runs",
        "resume every interrupted or failed run",
        resume,
        (STUDY, *shared.EXECUTION),
        (("", "resume all"), ("mnist --jobs 1", "one run at a time, of one study")),
        interrupted=CONTINUE,
    ),
    Command(
        "clean",
        "runs",
        "remove files that no study needs: dead leases, temporary files, unused attempts",
        clean,
        (
            STUDY,
            option("--dry-run", action="store_true", help="list them only"),
            option("--finished", metavar="FOLDER", help="remove all runs of this folder of runs/, even finished ones"),
        ),
        (
            ("--dry-run", "list them"),
            ("mnist", "remove them, for one study"),
            ("--finished mnist-1a2b3c4d", "remove all runs of a folder, even finished ones"),
        ),
    ),
)
