"""The machine: what times depend on, whether it is idle, how TensorFlow starts, and a fault of Apple's plugin kept out.

On a Mac with an Apple GPU, tensorflow-metal rewrites the graph of every `tf.function`. It fuses a dense layer's
product, bias and ReLU into one kernel that has no ReLU: the model that `fit` trains is silently another one (reported
in tensorflow#62137). `TURN_OFF_REMAPPER=1`, exactly "1", tells the plugin not to rewrite; it must be set before
TensorFlow is imported. Later there is TensorFlow's own option not to use the graph optimizers of plugins.
"""

import contextlib
import dataclasses
import enum
import importlib
import importlib.metadata
import logging
import os
import platform
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

BUSY = 0.5  # processes that want to run, for each core: above, others take from what is measured
CPUS = Path("/proc/cpuinfo")
PLUGIN = "tensorflow-metal"
SWITCH = "TURN_OFF_REMAPPER"
OPTION = {"use_plugin_optimizers": False}


@dataclasses.dataclass(frozen=True)
class Facts:
    """What decides whether results are in danger."""

    system: str  # name of the operating system, `Darwin` for macOS
    machine: str  # name of the processor, `arm64` for Apple's
    plugin: str | None  # version of tensorflow-metal, None where it is not installed
    switch: str | None  # value of the environment variable TURN_OFF_REMAPPER, None where it is not set
    imported: bool = False  # whether TensorFlow is imported already

    @property
    def is_metal(self) -> bool:
        """Whether TensorFlow computes on an Apple GPU here."""
        return (self.system, self.machine) == ("Darwin", "arm64") and self.plugin is not None


class Cure(enum.Enum):
    """What is done about the fault."""

    SWITCH = enum.auto()
    OPTION = enum.auto()
    NONE = enum.auto()


def here() -> Facts:
    """Returns the facts of this machine and process."""
    system, machine = platform.system(), platform.machine()
    plugin = version(PLUGIN) if system == "Darwin" else None
    return Facts(system, machine, plugin, os.environ.get(SWITCH), "tensorflow" in sys.modules)


def judge(facts: Facts) -> tuple[Cure, str] | None:
    """Returns what to do and what to tell the user, or None where there is nothing to fear.

    A value that somebody gave to the switch is left alone, also a wrong one: it may be there to show the fault.
    """
    if not facts.is_metal or facts.switch == "1":
        return None
    fault = (
        f"{PLUGIN} {facts.plugin} drops the ReLU of a dense layer inside tf.function, so that `fit` silently trains "
        f"another model (tensorflow#62137). {SWITCH}=1 turns this off if set before TensorFlow is imported"
    )
    if facts.switch is not None:
        return Cure.NONE, f"{fault}; here it is {facts.switch!r}, which does not: do not trust results of this process."
    if facts.imported:
        return Cure.OPTION, (
            f"{fault}. It was not set, so TensorFlow's option use_plugin_optimizers=False has been set instead; "
            f"it cannot mend what ran before. Better start again after: export {SWITCH}=1"
        )
    return (
        Cure.SWITCH,
        f"{fault}. It was not set, so it has been set for this process. To do so for all: export {SWITCH}=1",
    )


def protect() -> None:
    """Turns the fault off where it threatens, and says so in a warning."""
    verdict = judge(here())
    if verdict is None:
        return
    cure, words = verdict
    if cure is Cure.SWITCH:
        os.environ[SWITCH] = "1"
    elif cure is Cure.OPTION:
        turn_off_plugin_optimizers()
    warnings.warn(words, RuntimeWarning, stacklevel=2)


def turn_off_plugin_optimizers() -> None:
    """Has TensorFlow leave out the graph optimizers of plugins, for functions that have not run yet."""
    import tensorflow as tf

    tf.config.optimizer.set_experimental_options(OPTION)


def version(package: str) -> str | None:
    """Returns the version of a package, None where it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def fingerprint() -> dict[str, Any]:
    """Returns what times depend on: the processor, its cores, the memory in GiB, the system; not the machine's name."""
    return {
        "cpu": processor(),
        "cores": os.cpu_count() or 1,
        "memory_gib": round(_memory() / 2**30, 1),
        "platform": f"{platform.system()} {platform.machine()}",
    }


def processor() -> str:
    """Returns the processor's name, or its kind where the system tells no name."""
    if CPUS.exists():
        lines = (line.partition(":") for line in CPUS.read_text(encoding="utf-8", errors="replace").splitlines())
        named = (value.strip() for key, _, value in lines if key.strip() in ("model name", "Model"))
        return next(named, platform.machine())
    return said("sysctl", "-n", "machdep.cpu.brand_string") or platform.processor() or platform.machine()


def run(*command: str, check: bool = False, **settings: Any) -> subprocess.CompletedProcess[str]:
    """Runs a program, and returns what it wrote as text, readable or not."""
    return subprocess.run(command, check=check, capture_output=True, encoding="utf-8", errors="replace", **settings)


def said(*command: str) -> str | None:
    """Returns what a program of the system prints; None where it is not there, fails, or takes ten seconds."""
    try:
        return run(*command, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def reason(done: subprocess.CompletedProcess[str]) -> str:
    """Returns the last line that a failed program wrote of its errors."""
    return (done.stderr.strip().splitlines() or ["no reason given"])[-1]


def start_tensorflow() -> None:
    """Imports TensorFlow without the notes that it writes while it starts, which no variable turns off.

    Nor does it warn of functions that are traced again and again: for programs that try many things that is the point.
    """
    if "tensorflow" not in sys.modules:
        with tempfile.TemporaryFile() as notes, _error_output_to(notes.fileno()):
            importlib.import_module("tensorflow")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)


@contextlib.contextmanager
def _error_output_to(descriptor: int) -> Iterator[None]:
    """Sends what libraries write to standard error to another file; errors have messages of their own."""
    kept = os.dup(2)
    os.dup2(descriptor, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def cores() -> int:
    """Returns the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def load() -> float | None:
    """Returns how many processes wanted to run in the last minute, for each core; None if the system does not say."""
    try:
        return os.getloadavg()[0] / (os.cpu_count() or 1)
    except (OSError, AttributeError):
        return None


def warning(share: float | None) -> str:
    """Returns the sentence about a machine whose load for each core is above `BUSY`; empty if it is believed idle."""
    if share is None or share <= BUSY:
        return ""
    return (
        f"The machine is not idle: in the last minute {share:.1f} processes wanted each core, where {BUSY} is the most "
        "for times that can be believed; the records and the lint will say so."
    )


def _memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError, AttributeError):
        return 0
