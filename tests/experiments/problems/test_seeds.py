"""Every random stream derives from (problem, seed, purpose), never from the optimizer."""

import numpy as np

from experiments.problems import seeds


def test_derived_seeds_have_the_known_values():
    """The same seed numbers on every machine and in every release."""
    assert seeds.derive("mnist_mlp", 0, "init") == 1559984644955572779
    assert seeds.derive("mnist_mlp", 0, "order") == 3413979814441658247


def test_order_is_a_permutation_and_repeats():
    """A pass sees each example once, in an order that only its arguments decide."""
    first = seeds.order("mnist_mlp", 0, 1, 1000)
    assert np.array_equal(np.sort(first), np.arange(1000))
    assert np.array_equal(first, seeds.order("mnist_mlp", 0, 1, 1000))


def test_every_pass_and_seed_has_an_order_of_its_own():
    """Examples are shuffled afresh in each pass."""
    orders = [seeds.order(task, seed, epoch, 100).tobytes() for task in "ab" for seed in (0, 1) for epoch in (1, 2)]
    assert len(set(orders)) == len(orders)
