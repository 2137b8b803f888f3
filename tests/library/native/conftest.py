"""The native operation in its tests: there, or not, as they say."""

import pytest

from tests.library.native import doubles
from tfoptim import native


@pytest.fixture
def switched_on(monkeypatch):
    """The switch as it is unless a user turns it off."""
    monkeypatch.delenv("TFOPTIM_NATIVE", raising=False)


@pytest.fixture
def on(switched_on):
    """The native operation, or no test: `make setup` builds it where there is a compiler."""
    if not native.available():
        pytest.skip(native.status())
    return native.library()


@pytest.fixture
def recorder(monkeypatch):
    """The operation's stand-in."""
    found = doubles.Recorder()
    monkeypatch.setattr(native, "library", lambda: found)
    monkeypatch.setattr(native, "operations", lambda: found)
    return found
