"""The native operation in its tests: on where they say so, off elsewhere."""

import pytest

from tfoptim import native


@pytest.fixture
def switched_on(monkeypatch):
    """The switch of a user who wants it."""
    monkeypatch.setenv("TFOPTIM_NATIVE", "1")


@pytest.fixture
def on(switched_on):
    """The native operation, or no test: `make native` builds it."""
    if not native.available():
        pytest.skip(native.status())
    return native.library()
