"""A browser for all tests that need one, and the page that most of them open."""

import importlib
import os

import pytest

from experiments import optimizers
from experiments.problems import datasets, tasks
from tests.browser import driver
from tests.experiments.paged import ENDS, written


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A report of three optimizers, made once."""
    made = tmp_path_factory.mktemp("report")
    written(made, ENDS)
    return made


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """A headless browser; `make test` installs it."""
    if driver.find() is None:
        how = "No browser to test the report in; install Chrome or Chromium, or on Linux run: make browser"
        if "CI" in os.environ:
            pytest.fail(how)
        pytest.skip(how)
    with driver.Browser(tmp_path_factory.mktemp("browser")) as one:
        yield one


@pytest.fixture
def page(browser, folder):
    """The report, opened afresh."""
    browser.open(folder / "report.html")
    return browser


@pytest.fixture
def unknown_after():
    """Forgets tasks, data and optimizers of a user after the test; they are inspected in this process."""
    importlib.import_module("tensorflow")
    places = (tasks.TASKS, datasets.CARDS, optimizers.OUTSIDE)
    before = [dict(place) for place in places]
    yield
    for place, known in zip(places, before, strict=True):
        place.clear()
        place.update(known)
