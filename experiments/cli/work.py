"""`python -m experiments run`, `status`, `resume` and `clean`: their options and what they do."""

from __future__ import annotations

import argparse
import collections
import functools
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from experiments import terminal
from experiments.cli.how import add_engine, shard
from experiments.errors import Locked, UserError
from experiments.records import estimate, leases, run_folder, states, tidy
from experiments.records.states import State
from experiments.studies import Study
from experiments.studies.runs import TIMING, Run
from experiments.text import clock

__all__ = ["NAMES", "add_engine", "add_options", "look", "resume", "run"]
NAMES = ("run", "status", "resume", "clean")


def add_options(name: str, parser: argparse.ArgumentParser) -> None:
    """Adds what one of the commands takes beside what it shares with `compare`."""
    add = parser.add_argument
    if name == "run":
        add("--tuning", action="store_true", help="the runs that choose learning rates, instead of the comparison's")
        add("--shard", type=shard, metavar="I/N", help="of N shares of the runs the I-th, from 1: for any scheduler")
        return
    add("study", nargs="?", help="name of a study, or of a folder in runs/ (default: all in runs/)")
    if name == "clean":
        add("--dry-run", action="store_true", help="say what would be removed")
        add("--finished", metavar="FOLDER", help="remove all runs of this folder of runs/, finished ones too")


def run(options: Any) -> None:
    """Makes the runs that are missing of a study's comparison or tuning, or a share of them."""
    from experiments.cli import making

    for name, now in _tunings(options) if options.tuning else _comparisons(options):
        runs = now()
        while runs:
            mine = [one for one in runs if options.shard is None or options.shard.has(one.identity)]
            making.make(name, mine, options, "Tuning" if options.tuning else "Comparing")
            if not options.tuning or options.dry_run or len(mine) < len(runs):
                break
            runs = now()  # a search whose best point lies at its edge goes on


def look(given: argparse.Namespace) -> int:
    """Does what `status` or `clean` asks for, and returns the exit code."""
    if given.command == "status":
        status(given.study)
    elif given.finished is not None:
        remove(given.finished, dry_run=given.dry_run)
    else:
        clean(given.study, dry_run=given.dry_run)
    return 0


def status(study: str | None) -> None:
    """Prints how runs stand, by optimizer, and what is not finished."""
    found = _found(study)
    table: dict[tuple[str, str, str], collections.Counter[str]] = {}
    for state in found:
        kind, label = (state.run.kind, state.run.label) if state.run else ("?", "?")
        table.setdefault((states.place_of(state), kind, label), collections.Counter())[state.word] += 1
    if table:
        told = [
            ", ".join(f"{counts[word]} {word}" for word in states.WORDS if counts[word]) for counts in table.values()
        ]
        cells = [(*key, words) for key, words in zip(table, told, strict=True)]
        print(terminal.table(("study", "runs", "optimizer", "how they stand"), cells) + "\n")
    for state in found:
        if state.word not in states.FINAL:
            terminal.say(states.sentence(state), 2)
    terminal.say(_total(found))


def resume(options: Any) -> None:
    """Goes on with runs that were begun and not finished; those that are timed come last, one at a time."""
    from experiments.cli import making
    from experiments.running import timing_pass

    begun: dict[str, list[Run]] = {}
    for state in _found(options.study):
        if state.run is None or state.word not in states.UNFINISHED:
            continue
        if states.fits(state.run):
            begun.setdefault(states.study_of(state), []).append(state.run)
        else:
            print(f"{state.folder} is left as it is: its problem or data have changed since.", file=sys.stderr)
    if not begun:
        print("There is nothing to go on with.")
    for name, runs in begun.items():
        if usual := [run for run in runs if run.kind != TIMING]:
            making.make(name, usual, options, "Going on")
        timing_pass.make(name, [run for run in runs if run.kind == TIMING], dry_run=options.dry_run)


def clean(study: str | None, *, dry_run: bool) -> None:
    """Removes what no study needs, and says what."""
    paths = [path for state in _found(study) for path in tidy.superfluous(state)]
    say = "Would remove" if dry_run else "Removed"
    for path in paths:
        print(f"{say} {path}")
    held = sum(tidy.size(path) if dry_run else tidy.remove(path) for path in paths)
    print(f"{say} {len(paths)} files and folders, {held / 2**20:,.1f} MiB.")


def remove(name: str, *, dry_run: bool) -> None:
    """Removes all runs of a folder, the finished ones too.

    Raises:
        UserError: the name is not that of one folder of runs.
        Locked: a process is at one of them.
    """
    place, *more = states.folders(run_folder.ROOT, name)
    if more:
        raise UserError(f"'{name}' is {len(more) + 1} folders; name one, such as {place.name}.")
    run_folder.inside(run_folder.ROOT, place)
    if any(leases.held(path) for path in place.glob("trials/*/*")):
        raise Locked(f"A process is at a run in {place}; nothing was removed.")
    held = tidy.size(place) if dry_run else tidy.remove(place)
    print(f"{'Would remove' if dry_run else 'Removed'} {place}, {held / 2**20:,.1f} MiB.")


def _found(study: str | None) -> list[State]:
    """Returns how the runs of a study stand, or all; an unknown name is an error."""
    if study is None:
        return list(states.found(run_folder.ROOT))
    return [
        state for place in states.folders(run_folder.ROOT, study) for state in states.found(run_folder.ROOT, place.name)
    ]


def _total(found: Sequence[State]) -> str:
    """Returns how many runs there are, how often they were traced, and how much of them is left."""
    known = [state for state in found if state.run is not None]
    left = [state.run for state in known if state.run and state.word in ("running", *states.UNFINISHED)]
    programs = len({state.run.program for state in known if state.run and state.traces})
    traces = sum(state.traces for state in known)
    said = f"{len(found)} runs, {len(left)} begun and not finished; {traces} traces of {programs} programs."
    expected = estimate.seconds(left, estimate.paces(run_folder.ROOT), 1) if left else None
    return said if expected is None else f"{said} At most {clock(expected)} of work are left in those."


Now = Callable[[], list[Run]]


def _comparisons(options: Any) -> Iterator[tuple[str, Now]]:
    """Yields the name of each problem's study, and what gives its runs."""
    from experiments.cli.request import asked_of

    for asked in asked_of(options):
        yield asked.name, functools.partial(list, asked.wanted)


def _tunings(options: Any) -> Iterator[tuple[str, Now]]:
    """Yields the name of each problem's study, and what gives the runs its search calls for by now, or none."""
    from experiments import studies
    from experiments.running import sweep

    path = studies.find(options.study)
    whole = studies.load(path)
    if not whole.tuned:
        raise UserError(f"The track '{whole.track}' tunes nothing: its learning rates are the documented ones.")
    for of_path, study in studies.each(path, whole):

        def now(name: str = of_path.stem, study: Study = study) -> list[Run]:
            runs, choices = sweep.searched(name, study)
            return [] if choices else runs

        yield of_path.stem, now
