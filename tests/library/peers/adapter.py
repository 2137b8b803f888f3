"""Loads a test file of the installed Keras with its optimizers swapped for ours. Nothing of Keras is copied."""

import functools
import importlib.abc
import importlib.util
import pathlib
from dataclasses import dataclass, field
from unittest import mock

import keras
import pytest
from packaging.version import Version

from tfoptim.declaration.config import Configured

SHIPS_ITS_TESTS = Version("3.15.1")  # the first Keras whose wheel has them
SOURCE = pathlib.Path(keras.__file__).parent / "src"


class DeviatesError(AssertionError):
    """A test failed as the table says it must."""


@dataclass(frozen=True)
class Deviation:
    """A test that we fail on purpose.

    Args:
        reason: the defect, or the private detail of Keras, that the test encodes, in one sentence.
        says: part of the message with which it fails; a failure of another kind is news.
    """

    reason: str
    says: str


@dataclass(frozen=True)
class Peer:
    """One test file of Keras.

    Args:
        path: below `keras/src`, without `_test.py`.
        swaps: text of the file -> text in its place; each must occur exactly once.
        deviations: name of a test -> what it encodes.
        foreign: tests in which none of our optimizers takes part; they are left out.
        alone: whether it resets TensorFlow, and so needs a process of its own.
    """

    path: str
    swaps: dict[str, str]
    deviations: dict[str, Deviation] = field(default_factory=dict)
    foreign: tuple[str, ...] = ()
    alone: bool = False

    def __str__(self):
        return self.path.rpartition("/")[2]

    @property
    def file(self):
        """Where the installed Keras has it."""
        return SOURCE / f"{self.path}_test.py"

    @property
    def why_not(self):
        """Why it cannot run, or nothing."""
        return "" if self.file.exists() else f"Keras {keras.__version__} ships no {self.file.name}"


class Swapped(importlib.abc.InspectLoader):
    """Loads a peer's file with its swaps made."""

    def __init__(self, peer):
        self.peer = peer

    def get_source(self, fullname):
        """The text of the file after the swaps; AssertionError if it no longer is what they were written for."""
        text = self.peer.file.read_text(encoding="utf-8")
        for anchor, replacement in self.peer.swaps.items():
            found = text.count(anchor)
            assert found == 1, f"{self.peer.file}: expected {anchor!r} once, found it {found} times: see what changed."
            text = text.replace(anchor, replacement)
        return text

    def get_code(self, fullname):
        """Compiled under the file's own name, so that tracebacks lead there; never from or to a cache."""
        return self.source_to_code(self.get_source(fullname), str(self.peer.file))


def load(peer):
    """The TestCase class of a peer, in a fresh module; what the table lists as deviating must fail as it says."""
    spec = importlib.util.spec_from_loader(f"swapped_{peer}", Swapped(peer))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (case,) = (v for v in vars(module).values() if isinstance(v, type) and v.__module__ == spec.name and names(v))
    unknown = {*peer.deviations, *peer.foreign} - set(names(case))
    assert not unknown, f"{peer.file} no longer has the tests {sorted(unknown)} of the table."
    for name in peer.foreign:
        delattr(case, name)
    case.setUp = watching(case.setUp)
    for name in names(case):
        deviation = peer.deviations.get(name)
        test = using_ours(getattr(case, name))
        setattr(case, name, mark(deviating(test, deviation), deviation) if deviation else test)
    return case


def names(case):
    """The tests of a TestCase class, as the table lists them."""
    return [name for name in dir(case) if name.startswith("test") and callable(getattr(case, name))]


def watching(set_up):
    """The set-up, which also notes optimizers of ours, and takes back what Keras's TestCase changes in the process."""

    @functools.wraps(set_up)
    def watched(self):
        patch = mock.patch.object(Configured, "_configure", autospec=True, side_effect=Configured._configure)
        self.made = patch.start()
        self.addCleanup(patch.stop)
        self.addCleanup(keras.config.enable_traceback_filtering)
        set_up(self)

    return watched


def using_ours(test):
    """The test, which proves nothing unless it makes an optimizer of ours."""

    @functools.wraps(test)
    def used(self):
        test(self)
        assert self.made.called, "no optimizer of tfoptim took part: a swap is missing, or the test is `foreign`"

    return used


def deviating(test, deviation):
    """The test, which must fail with what the deviation says."""

    @functools.wraps(test)
    def deviates(self):
        try:
            test(self)
        except Exception as error:
            if deviation.says in str(error):
                raise DeviatesError(deviation.reason) from error
            raise

    return deviates


def mark(test, deviation):
    """Marks a test as one that must fail, and only by deviating."""
    return pytest.mark.xfail(raises=DeviatesError, reason=deviation.reason, strict=True)(test)
