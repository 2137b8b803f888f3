"""A user's subclasses of wrappers."""

import pytest

from tfoptim import SAM, SGD, Lookahead, MultiOptimizer


def fresh(arguments):
    """Arguments with optimizers that are in no wrapper yet."""
    return [{pattern: make(1.0) for pattern, make in parts.items()} for parts in arguments]


@pytest.mark.parametrize(
    ("base", "arguments"),
    [(Lookahead, ()), (MultiOptimizer, ({"bias": SGD},)), (SAM, ())],
    ids=["Lookahead", "MultiOptimizer", "SAM"],
)
def test_a_subclass_takes_an_optimizer_with_a_constructor_of_its_own_or_without(base, arguments):
    """The constructor made of declared arguments, which rules have, would take none."""

    class Plain(base):
        """Without."""

    class Own(base):
        """With."""

        def __init__(self, optimizer):
            """Takes the optimizer alone."""
            super().__init__(optimizer, *fresh(arguments))

    for optimizer in (Plain(SGD(0.5), *fresh(arguments)), Own(SGD(0.5))):
        assert float(optimizer.learning_rate) == 0.5
