"""The native operation in its tests: on where they say so, off elsewhere."""

import pytest

from tfoptim import native


@pytest.fixture
def switched_on(monkeypatch):
    """The switch as a user has it who has not touched it."""
    monkeypatch.delenv("TFOPTIM_NATIVE", raising=False)


@pytest.fixture
def on(switched_on):
    """The native operation, or no test: it is built by `make setup` where there is a compiler."""
    if not native.available():
        pytest.skip(native.status())
    return native.library()
