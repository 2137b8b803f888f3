"""Adafactor: its memory, its identities, and what it takes over from Keras's."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.harness import train, values_of, variables_of
from tfoptim import Adafactor, simulate

GENERATOR = np.random.default_rng(0)
SINGLE = 3e-5  # float32, relative to the largest move, as for every rule held against Keras's


def test_a_matrix_needs_one_number_a_row_and_one_a_column():
    """150 for (100, 50), where Adam keeps 10,000; of more axes the last two are factored."""
    optimizer = Adafactor()
    optimizer.build(variables_of([np.ones((100, 50)), np.ones((3, 3, 8, 4)), np.ones(7)]))
    numbers = [sum(slot.numpy().size for slot in slots.values()) for slots in optimizer._runtime.slots]
    assert numbers == [150, 9 * (8 + 4), 7]


def test_squares_of_rank_one_are_kept_exactly():
    """Then the matrix moves as its elements, each a vector of the same size, would: Adafactor is not factored."""
    signs = GENERATOR.choice([-1, 1], (12, 4, 3))
    gradients = [s * np.outer(np.arange(1, 5), [0.5, 1, 2]) for s in signs]
    start = GENERATOR.normal(size=(4, 3))
    factored = simulate(Adafactor(0.1), start, gradients)
    whole = simulate(Adafactor(0.1), start.ravel(), [g.ravel() for g in gradients])
    np.testing.assert_allclose(factored.reshape(12, -1), whole, rtol=0, atol=1e-13)  # rounding


def test_the_first_step_of_a_vector_goes_by_signs():
    """The first mean of squares is the square: each element moves by the share of the vector's size."""
    start, gradient = GENERATOR.normal(size=5), GENERATOR.normal(size=5)
    moved = simulate(Adafactor(0.1), start, [gradient])[0] - start
    np.testing.assert_allclose(moved, -0.1 * np.sqrt(np.mean(start**2)) * np.sign(gradient), rtol=1e-12)


def test_no_step_is_larger_than_the_threshold():
    """The root mean square of a move is at most rate times size times threshold."""
    start = np.ones((4, 3))
    for size in (1.0, 100.0):
        path = simulate(Adafactor(0.1, clip_threshold=0.5, epsilon_2=None), start, [start * 0.1, size * start])
        assert np.sqrt(np.mean((path[1] - path[0]) ** 2)) <= 0.05 * (1 + 1e-12)


def test_rows_and_columns_without_gradient_stay_in_float32():
    """Their factors are so small that the product would be 0, and 0 / 0 no number."""
    gradient = np.ones((3, 3))
    gradient[0], gradient[:, 0] = 0, 0
    start = np.ones((3, 3))
    for dtype in ("float32", "float16"):
        (weights,) = train(Adafactor(0.1), [start], [[gradient]] * 3, mode="graph", dtype=dtype)[-1]
        assert np.all(weights[0] == 1)
        assert np.all(weights[:, 0] == 1)
        assert np.all(weights[1:, 1:] < 1)


def test_epsilon_zero_and_no_gradient_move_nothing():
    """Elements without gradient do not move, as with every rule."""
    for start in (np.ones((2, 2)), np.ones(2)):
        np.testing.assert_array_equal(simulate(Adafactor(epsilon_1=0.0), start, [0 * start])[0], start)


def test_a_rate_beyond_the_limit_is_used_if_the_limit_is_off():
    """Keras ignores `relative_step=False`."""
    limited, free = (simulate(Adafactor(1.0, relative_step=on), 1.0, [1.0, 1.0])[-1] for on in (True, False))
    assert (limited, free) == pytest.approx((-1e-3 / np.sqrt(2), -1e-3))


def test_state_goes_over_from_keras():
    """Without its whole second moments and placeholders; the next steps are the same, the limit on the rate too."""
    shapes = [(4, 3), (5,), (2, 3, 4), ()]
    variables = variables_of([GENERATOR.normal(size=shape) for shape in shapes])
    gradients = [[tf.constant(GENERATOR.normal(size=s), "float32") for s in shapes] for _ in range(6)]
    theirs = keras.optimizers.Adafactor(0.6, relative_step=False, use_ema=True)
    for step in gradients[:3]:
        theirs.apply(step, variables)
    before, paths = values_of(variables), []
    for optimizer in (tfoptim.from_keras(theirs), theirs):
        for v, w in zip(variables, before, strict=True):
            v.assign(w)
        for step in gradients[3:]:
            optimizer.apply(step, variables)
        paths.append(values_of(variables))
    for mine, other, start in zip(*paths, before, strict=True):
        np.testing.assert_allclose(mine, other, rtol=0, atol=SINGLE * np.max(np.abs(other - start)))
