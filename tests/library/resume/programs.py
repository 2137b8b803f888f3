"""How the tests of this folder run the program, and compare what became of it."""

from tests.library.interrupted import state

FAST = {"run_eagerly": True}  # a new graph for every program would take longer than the steps


def assert_equal(expected, actual):
    """Both programs end with the same bits and the same history."""
    (model, resume), (other, resumed) = expected, actual
    different = [a for a, b in zip(state(model), state(other), strict=True) if a[1] != b[1]]
    assert [] == [name for name, _ in different]
    assert resume.history == resumed.history
