"""`python -m experiments doctor`: what of packages, devices, data and space is here, and how to get what is not."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from experiments import environment, optimizers, terminal
from experiments.problems import datasets
from experiments.problems.datasets.cards import OwnCard
from experiments.problems.datasets.made import MadeCard
from experiments.records import run_folder

PROJECT = Path(__file__).parents[2] / "pyproject.toml"
NEEDED = ("the library", "experiments")  # without the other extras a study runs, on this machine
LEAST_BYTES = 2**30
DEVICES = """
import tensorflow as tf
found = tf.config.list_logical_devices()
print(", ".join(f"{device.device_type} {device.name.rpartition(':')[2]}" for device in found))
"""
SWITCHES = ("TF_ENABLE_ONEDNN_OPTS", "TFDS_DATA_DIR", "CUDA_VISIBLE_DEVICES", "RAY_ADDRESS")


class Finding(NamedTuple):
    """What is found of one thing: `ok`, `--` when it is absent and not everybody needs it, `NO` when all do."""

    mark: str
    thing: str
    words: str


def run() -> int:
    """Prints what is found, and returns the exit code: 1 when something is missing that every study needs."""
    found = []
    for finding in findings():
        terminal.say(f"{finding.mark}  {finding.thing:<22}  {finding.words}", 28)
        found.append(finding)
    missing = [finding.thing for finding in found if finding.mark == "NO"]
    print(f"Missing: {', '.join(missing)}." if missing else "All that a study needs is here.")
    return int(bool(missing))


def findings() -> Iterator[Finding]:
    """Yields what is found, what takes seconds last."""
    yield Finding("ok", "python", f"{platform.python_version()}, {platform.system()} {platform.machine()}")
    yield Finding("ok", "tfoptim", f"commit {environment.commit()}, in {optimizers.folder().parent}")
    yield from _packages()
    computed = [name for name, card in datasets.CARDS.items() if isinstance(card, MadeCard)]
    for name, card in datasets.CARDS.items():
        if name not in computed:
            yield _data(card)
    yield Finding("ok", "computed data", ", ".join(computed))
    yield _space(run_folder.ROOT)
    switches = [f"{name}={os.environ[name]}" for name in SWITCHES if name in os.environ]
    yield Finding("ok", "switches", ", ".join(switches) or "none is set")
    yield _devices()


def _packages() -> Iterator[Finding]:
    """Yields what is found of the packages of the library and of each extra that users install."""
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    extras = {name: wanted for name, wanted in project["optional-dependencies"].items() if name not in ("test", "dev")}
    for name, wanted in {"the library": project["dependencies"], **extras}.items():
        yield _extra(name, wanted)


def _extra(name: str, wanted: Sequence[str]) -> Finding:
    from packaging.requirements import Requirement

    here, missing = [], []
    for requirement in map(Requirement, wanted):
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            missing.append(f"{requirement.name}{requirement.specifier}")
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            missing.append(f"{requirement.name}{requirement.specifier}, and not {version}")
        here.append(f"{requirement.name} {version}")
    if missing:
        extra = "" if name == NEEDED[0] else f"[{name}]"
        how = f"missing: {'; '.join(missing)}: pip install --editable '.{extra}'"
        return Finding("NO" if name in NEEDED else "--", name, how)
    return Finding("ok", name, ", ".join(here) or "nothing is needed on this machine")


def _data(card: Any) -> Finding:
    if card.prepared:
        return Finding("ok", card.name, f"in {card.folder}")
    if isinstance(card, OwnCard):
        return Finding("--", card.name, f"not here: {card.instructions}")
    mark, how = ("ok", "comes with a package, is") if card.url is None else ("--", "is downloaded and")
    return Finding(mark, card.name, f"{how} prepared when it is first asked for")


def _space(root: Path) -> Finding:
    """Says whether records can be written here, by writing."""
    place = next(path for path in (root.absolute(), *root.absolute().parents) if path.exists())
    probe = place / f".doctor-{os.getpid()}"
    try:
        probe.touch()
        probe.unlink()
        free = shutil.disk_usage(place).free
    except OSError as error:
        return Finding("NO", "records", f"{root.absolute()} cannot be written: {error.strerror}")
    words = f"{root.absolute()} can be written, {free / 2**30:,.1f} GiB free"
    return Finding("ok" if free >= LEAST_BYTES else "NO", "records", words)


def _devices() -> Finding:
    """Says what TensorFlow finds, by starting it in a process of its own."""
    variables = {"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    made = subprocess.run(
        [sys.executable, "-c", DEVICES],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
        env=variables,
    )
    if made.returncode:
        last = (made.stderr.strip().splitlines() or ["no reason given"])[-1]
        return Finding("NO", "devices", f"TensorFlow does not start: {last}")
    cores = os.cpu_count() or 1
    return Finding("ok", "devices", f"{made.stdout.strip()}; {cores} cores, of which each worker takes one")
