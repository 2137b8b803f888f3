"""Figures are drawn small, but where pixels are the subject."""

import pytest

from experiments.figures import canvas


@pytest.fixture(autouse=True, scope="module")
def coarse():
    """Twenty dots an inch."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(canvas, "DPI", 20)
        yield
