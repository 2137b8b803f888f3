"""Where coverage looks: at the imports of tfoptim/, and at most tests of the library.

Up to Python 3.13 branches are seen by a tracer that is called for each line of all code, TensorFlow's and Keras's too,
which makes it take half as long again and more. Tests that only repeat what other tests run do without it: what is
around a rule runs the same lines for every row of a kind, and each rule's own lines run in the tests named here.
"""

import contextlib
import functools
import importlib
import pkgutil
import sys
import threading
from pathlib import Path

TESTS = Path(__file__).parent
UNWATCHED = ("experiments", "library/peers")  # the second repeats with Keras's own tests what the library's have run
EVERY_ROW = (
    "library/rules",
    "library/declaration/test_bad_input.py",
    "library/test_interop.py",
    "library/update/test_executors.py",
)
"""What classes add: their rules, their checks, what they take over from Keras, and the kernels that compute them."""


@contextlib.contextmanager
def suspended():
    """A context without coverage's tracer; a debugger's stays, since coverage is off where one is used."""
    coverage = sys.modules.get("coverage")
    if coverage is None or coverage.Coverage.current() is None:
        yield
        return
    tracers = sys.gettrace(), threading.gettrace()
    resume(None, None)
    try:
        yield
    finally:
        resume(*tracers)


def resume(tracer, of_threads):
    """Has these tracers called from now on, in this thread and in those that start."""
    threading.settrace(of_threads)
    sys.settrace(tracer)


def watched(item):
    """Whether coverage looks at a test; of a product over the table, at one row of each kind."""
    case = item.callspec.params.get("case") if hasattr(item, "callspec") else None
    if _among(item, UNWATCHED):
        return False
    return case is None or _among(item, EVERY_ROW) or case.id in _one_of_each_kind()


def _among(item, places):
    return any(item.path.is_relative_to(TESTS / place) for place in places)


@functools.cache
def _one_of_each_kind():
    from tests.library.products import representatives  # imports TensorFlow

    return frozenset(case.id for case in representatives())


def import_all(package):
    """Imports every module of a package, with coverage if it is on."""
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        importlib.import_module(module.name)
