"""What every test needs before TensorFlow starts, and the order in which two workers take the files."""

import contextlib
import gc
import importlib
import os
from collections import Counter
from pathlib import Path

import pytest

from tests import lanes, tracing

EXPERIMENTS = Path(__file__).parent / "experiments"

# On a Mac, tensorflow-metal drops the ReLU of a dense layer in graph mode unless its remapper is off.
os.environ.setdefault("TURN_OFF_REMAPPER", "1")

# A shell may say how wide its terminal is; what tests read of a command has lines of any length.
os.environ.pop("COLUMNS", None)


def pytest_addoption(parser):
    """Adds what `make durations` and CI ask for."""
    parser.addoption("--half", type=int, choices=(0, 1), help="run one half of the products' rows beyond their kinds")
    parser.addoption("--write-durations", action="store_true", help=f"write tests/{lanes.LIST.name} from this run")


@pytest.hookimpl(wrapper=True)
def pytest_collection(session):
    """Starts TensorFlow before any module that is collected does, and looks at the imports of tfoptim/ alone."""
    if controls(session.config):
        return (yield)
    with tracing.suspended():
        start_tensorflow(session.config)
    if session.config.pluginmanager.hasplugin("_cov"):
        tracing.import_all(importlib.import_module("tfoptim"))
    with tracing.suspended():
        return (yield)


def start_tensorflow(config):
    """Makes two logical CPUs where tests of the library run."""
    asked = [Path(config.invocation_params.dir, argument.partition("::")[0]) for argument in config.args]
    if not all(path.is_relative_to(EXPERIMENTS) for path in asked):
        from tests.library import devices  # imports TensorFlow

        devices.make()


def pytest_collection_finish(session):
    """Keeps the garbage collector from walking through TensorFlow's and Keras's modules again and again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """Takes coverage's tracer away from tests that do not need it."""
    with contextlib.nullcontext() if tracing.watched(item) else tracing.suspended():
        return (yield)


def controls(config):
    """Whether this process only hands the tests to workers."""
    return bool(config.getoption("numprocesses", None)) and not hasattr(config, "workerinput")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """Leaves out one half of the products, if asked; orders the files for workers, which take one after the other."""
    half = config.getoption("half")
    if half is not None:
        left = {item for item in items if item.get_closest_marker("product") and lanes.half_of(item.nodeid) != half}
        config.hook.pytest_deselected(items=[item for item in items if item in left])
        items[:] = [item for item in items if item not in left]
    if hasattr(config, "workerinput"):
        lanes.longest_file_first(items)


def pytest_terminal_summary(terminalreporter, config):
    """Writes the list of durations, where it is asked for."""
    if config.getoption("write_durations"):
        seconds = Counter()
        for report in (report for reports in terminalreporter.stats.values() for report in reports):
            if hasattr(report, "when"):
                seconds[report.nodeid] += report.duration
        lanes.LIST.write_text(lanes.written(seconds), encoding="utf-8")
