"""The commands that make a comparison: compare, run, report."""

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments import studies
from experiments.cli import options as shared
from experiments.cli.command import Command, option
from experiments.cli.request import Options, Request, engine_of, make_runs, options_of, print_estimate, requests
from experiments.errors import UserError
from experiments.problems import datasets
from experiments.records import costs, run_folder, timings
from experiments.records.run_folder import Record
from experiments.running import sweep
from experiments.studies import Study, identity
from experiments.studies.runs import TUNING, Run
from experiments.tuning import selection

if TYPE_CHECKING:
    from experiments import report as reports
    from experiments.tuning.choosing import Trial

CONTINUE = "Interrupted; finished runs are kept, and the same command continues: {command}"


def compare(given: argparse.Namespace, typed: str) -> None:
    """Makes the missing runs of a comparison and writes its report, problem by problem."""
    options = options_of(given, typed)
    if _choose_first(options) and options.dry_run:
        return
    if given.no_report:
        make_all(options)
        return
    written = []
    for request in requests(options):
        if options.dry_run:
            print_estimate(request.name, request.wanted, options)
            continue
        make(request, options)
        written.append(_report(request, options))
    _overview(written, options)


def _choose_first(options: Options) -> bool:
    """Chooses the learning rates of a study of own code that has none, or whose code or file has changed since.

    Returns whether any were to be chosen.
    """
    from experiments.cli.tune import choose

    path = studies.find(options.study)
    study = studies.load(path)
    if not (study.tuned and study.foreign):
        return False
    left = [(own, one) for own, one in studies.each(path, study) if selection.outdated(own, one)]
    for own, one in left:
        has = selection.paths(own)[0].is_file()
        why = "has changed since its learning rates were chosen" if has else "has no learning rates yet"
        print(f"{own.stem} {why}; they are chosen {'again' if has else 'first'}.", file=sys.stderr)
        choose(own, one, options)
    return bool(left)


def make(request: Request, options: Options) -> None:
    """Makes the missing runs of a comparison on one problem."""
    datasets.require(datasets.CARDS[request.study.data])
    engine = engine_of(request.name, options, len(request.wanted))
    sweep.compare(request.name, request.study, request.wanted, engine, lambda found: _early(request, found, options))


def run(given: argparse.Namespace, typed: str) -> None:
    """Makes the missing runs of a study's comparison or tuning, or a share of them."""
    make_all(options_of(given, typed))


def make_all(options: Options) -> None:
    """Makes the missing runs of a study, or of its tuning, without a report; or a share of them."""
    if not options.tuning:
        for request in requests(options):
            make_runs(request.name, _share(request.wanted, options), options, "Comparing")
        return
    for path, study in tuned(options.study):
        runs, choices = sweep.searched(path.stem, study)
        while not choices:
            mine = _share(runs, options)
            make_runs(path.stem, mine, options, "Tuning")
            if options.dry_run or len(mine) < len(runs):
                break
            runs, choices = sweep.searched(path.stem, study)  # a search whose best point lies at its edge goes on


def _share(runs: Sequence[Run], options: Options) -> list[Run]:
    return [one for one in runs if options.shard is None or options.shard.has(one.identity)]


def tuned(name: str) -> list[tuple[Path, Study]]:
    """Returns the problems of a study whose hyperparameters are tuned, each with its path."""
    path = studies.find(name)
    study = studies.load(path)
    if not study.tuned:
        which = "those of its file" if study.track == studies.GIVEN else "the documented ones"
        raise UserError(f"The track '{study.track}' tunes nothing: its learning rates are {which}.")
    return studies.each(path, study)


def report(given: argparse.Namespace, typed: str) -> None:
    """Writes the report of recorded runs, and trains nothing."""
    options = options_of(given, typed)
    _overview([_report(request, options) for request in requests(options)], options)


def _overview(written: "Sequence[reports.Report]", options: Options) -> None:
    """Writes the page over all problems of a study that has several."""
    if len(written) > 1:
        from experiments import report as reports
        from experiments.report import printed

        title, folder = studies.load(studies.find(options.study)).title, written[0].page.parent.parent
        if made := reports.write_overview(written, title, folder):
            printed.tell_files(made, folder)


def _early(request: Request, found: Sequence[Record], options: Options) -> str:
    """Writes the preliminary table and figure of the first seed, and returns what is printed."""
    from experiments.report import preliminary

    one = dataclasses.replace(request.study, seeds=request.study.seeds[:1])
    evidence = _evidence(dataclasses.replace(request, study=one), found, options)
    return preliminary.write(evidence, request.study.seeds, request.folder)


def _evidence(request: Request, found: Sequence[Record], options: Options, **more: Any) -> "reports.Evidence":
    from experiments import report as reports

    return reports.Evidence(
        request.name,
        request.study,
        request.wanted,
        found,
        request.choices,
        _trials(request),
        request.whole,
        options.command,
        typed=studies.typed(request.path),
        **more,
    )


def _report(request: Request, options: Options) -> "reports.Report":
    from experiments import report as reports
    from experiments.report import printed

    found = reports.opened(request.name, request.path, request.wanted)
    goal, origin = options.target, ""
    if goal is None and request.target is not None:
        goal, origin = request.target.value, request.target.words
    labels = [entry.label for entry in request.study.optimizers]
    timed = timings.recorded(request.name, request.wanted[0].study, labels)
    evidence = _evidence(request, found, options, target=goal, origin=origin, costs=_costs(request), timings=timed)
    made = reports.write(evidence, request.path, request.folder)
    printed.show(made, wide=options.wide)
    printed.tell_files(made.files, request.folder)
    return made


def _costs(request: Request) -> costs.Costs:
    """Returns the costs by the records here; those of a choice whose records are elsewhere, by its evidence."""
    evidence, made_for = selection.paths(request.path)[1], identity.tuning_hash(request.whole)
    described: costs.Costs = {}
    if request.study.tuned and evidence.is_file():
        text = evidence.read_text(encoding="utf-8")
        described = {(TUNING, label): cost for label, cost in selection.costs_of(text, request.whole).items()}
    known = sorted({made_for, request.wanted[0].study})
    return {**described, **costs.read(run_folder.ROOT / f"{request.name}-{study[:8]}" for study in known)}


def _trials(request: Request) -> "list[Trial]":
    """Returns the trials that the choice rests on; none where nothing was tuned."""
    evidence = selection.paths(request.path)[1]
    if not (request.study.tuned and evidence.is_file()):
        return []
    labels = [entry.label for entry in request.study.optimizers]
    return [t for t in selection.trials_of(evidence.read_text(encoding="utf-8")) if t.label in labels]


COMMANDS = (
    Command(
        "compare",
        "study",
        "train missing runs, then write figures and table",
        compare,
        (
            shared.study(),
            *shared.SELECTION,
            *shared.EXECUTION,
            *shared.REPORT,
            shared.WIDE,
            option("--no-report", action="store_true", help="only train, as `run` does"),
        ),
        (
            ("", "all of the study `mnist`, figures in static/"),
            ("mnist --optimizers adam sgd --out /tmp/figures", "two optimizers, into another folder"),
            ("mnist --preset quick", "a first look, in a minute: one seed, three epochs"),
            ("mni152 --preset quick", "four optimizers segment a brain, in minutes"),
            ("mnist --dry-run", "number of missing runs, and their time"),
            ("/path/to/my_study.toml", "a study of your own: docs/compare/own-study.md"),
        ),
        interrupted=CONTINUE,
    ),
    Command(
        "run",
        "study",
        "train missing runs of a study, without a report (compare --no-report)",
        run,
        (
            shared.study(),
            *shared.SELECTION,
            *shared.EXECUTION,
            option("--tuning", action="store_true", help="the runs of tuning, instead of the comparison's"),
            option("--shard", type=shared.shard, metavar="I/N", help="the I-th of N shares of the runs, from 1"),
        ),
        (
            ("mnist --dry-run", "number of missing runs, and their time"),
            ("mnist --shard 2/4", "the second of four shares, for any scheduler"),
            ("mnist --engine slurm --engine-option slurm_partition=cpu --jobs 32", "on a Slurm cluster"),
            ("mnist --engine ray --engine-option address=auto", "on the Ray cluster of this machine"),
            ("mnist --tuning --jobs 8", "the runs that choose hyperparameters"),
        ),
        interrupted=CONTINUE,
    ),
    Command(
        "report",
        "study",
        "write the report of recorded runs: a page, Markdown and CSV",
        report,
        (shared.study(), *shared.SELECTION, *shared.REPORT, shared.WIDE),
        (
            ("mnist --out /tmp/report", "one page of recorded runs; trains nothing"),
            ("mnist --optimizers adam sgd --target 0.9", "two optimizers, with their times to a score"),
        ),
        interrupted=CONTINUE,
    ),
)
