"""What tests of the library share."""

import pytest

from tests.library import devices


@pytest.fixture(scope="session")
def two_replicas():
    """A strategy with two replicas in this process."""
    return devices.two_replicas()


@pytest.fixture
def without_native(monkeypatch):
    """The native operation is off, so that a test sees TensorFlow's kernels and the executors of one variable."""
    monkeypatch.setenv("TFOPTIM_NATIVE", "0")
