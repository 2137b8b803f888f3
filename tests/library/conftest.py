"""What tests of the library share."""

import pytest

from tests.library import devices


@pytest.fixture(scope="session")
def two_replicas():
    """A strategy with two replicas in this process."""
    return devices.two_replicas()
