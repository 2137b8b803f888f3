"""A browser for all tests that need one, and the page that most of them open."""

import os

import pytest

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
