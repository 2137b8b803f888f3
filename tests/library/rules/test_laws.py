"""Laws that hold whatever the numbers: what a change of the problem must do to the weights, for every optimizer."""

import numpy as np

from tests.library.harness import train
from tests.library.products import crossed, every_rule, representative_where

STEPS, SIZE = 6, 6
FLOAT64 = 1e-13  # a few ulp per step: where elements stand decides which of them are computed together
TWO = 2.0**10  # scaling by a power of two is exact in every operation that the rules use

SURROUNDED = {
    "alone": {},
    "global_clipnorm": {"global_clipnorm": 0.5},
    "averaged": {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 2},
}


def vectors(seed, number):
    """That many float64 vectors without a zero."""
    generator = np.random.default_rng(seed)
    return [generator.choice([-1, 1], SIZE) * generator.uniform(0.1, 2, SIZE) for _ in range(number)]


def weights_after(case, start, gradients, **arguments):
    """The variables' weights at the end: `gradients[step][variable]`."""
    return train(case.make(**arguments), start, gradients, dtype="float64")[-1]


@representative_where(lambda case: case.scale_invariant)
def test_gradients_of_another_scale_give_the_same_steps(case):
    """Without epsilon, a thousand times larger gradients change no bit."""
    start, gradients = vectors(0, 1), [[g] for g in vectors(1, STEPS)]
    scaled = [[TWO * g for g in step] for step in gradients]
    without = {"epsilon": 0.0} if "epsilon" in type(case.make()).fields else {}
    (expected,), (actual,) = (weights_after(case, start, g, **without) for g in (gradients, scaled))
    assert not np.array_equal(expected, start[0])
    np.testing.assert_array_equal(expected, actual)


@representative_where(lambda case: case.linear_in_gradient)
def test_a_linear_rule_moves_as_far_as_the_gradients_are_large(case):
    """From zero, gradients times a power of two give the weights times it, bit for bit."""
    start, gradients = [np.zeros(SIZE)], [[g] for g in vectors(1, STEPS)]
    scaled = [[TWO * g for g in step] for step in gradients]
    (expected,), (actual,) = (weights_after(case, start, g) for g in (gradients, scaled))
    assert np.all(expected != 0)
    np.testing.assert_array_equal(TWO * expected, actual)


@representative_where(lambda case: not case.linear_in_gradient)
def test_a_rule_that_is_not_linear_does_not(case):
    """The fact in the table is a fact: the law above fails where the table says so, at least away from zero."""
    start, gradients = vectors(0, 1), [[g] for g in vectors(1, STEPS)]
    scaled = [[TWO * g for g in step] for step in gradients]
    (expected,), (actual,) = (weights_after(case, start, g) for g in (gradients, scaled))
    assert not np.allclose(TWO * (expected - start[0]), actual - start[0], rtol=1e-3)


@representative_where(lambda case: not case.random)
def test_gradients_of_the_other_sign_mirror_the_steps(case):
    """No rule prefers a direction: from zero, the mirrored gradients give the mirrored weights."""
    start, gradients = [np.zeros(SIZE)], [[g] for g in vectors(1, STEPS)]
    mirrored = [[-g for g in step] for step in gradients]
    (expected,), (actual,) = (weights_after(case, start, g) for g in (gradients, mirrored))
    assert np.any(expected != 0)  # steps by signs may return to where they began
    np.testing.assert_array_equal(-expected, actual)


@crossed("around", SURROUNDED, in_turn=SURROUNDED, fact=lambda case: case.elementwise)
def test_a_variable_may_be_split_in_two(case, around):
    """Two halves train as the whole does."""
    start, gradients = vectors(0, 1), [[g] for g in vectors(1, STEPS)]
    halves = [np.split(g, 2) for (g,) in gradients]
    (whole,) = weights_after(case, start, gradients, **SURROUNDED[around])
    parts = weights_after(case, np.split(start[0], 2), halves, **SURROUNDED[around])
    assert not np.array_equal(whole, start[0])
    np.testing.assert_allclose(np.concatenate(parts), whole, rtol=FLOAT64)


@crossed("around", SURROUNDED, in_turn=SURROUNDED)
def test_variables_may_be_given_in_any_order(case, around):
    """The order of the variables, to which shared state might be tied, does not matter."""
    order = [2, 0, 1]
    start, gradients = vectors(0, 3), [vectors(1 + step, 3) for step in range(STEPS)]
    expected = weights_after(case, start, gradients, **SURROUNDED[around])
    shuffled = [[step[i] for i in order] for step in gradients]
    actual = weights_after(case, [start[i] for i in order], shuffled, **SURROUNDED[around])
    for i, w in zip(order, actual, strict=True):
        np.testing.assert_allclose(w, expected[i], rtol=FLOAT64)


@representative_where(lambda case: case.still_at_rate_zero)
def test_a_learning_rate_of_zero_moves_nothing(case):
    """Not the step and not the decay, which is scaled by it."""
    start, gradients = vectors(0, 1), [[g] for g in vectors(1, STEPS)]
    (actual,) = weights_after(case, start, gradients, learning_rate=0.0, weight_decay=0.1)
    np.testing.assert_array_equal(start[0], actual)


@every_rule
def test_only_rows_that_would_stay_are_left_out_of_a_step(case):
    """A rule says that it skips rows without gradient where a zero gradient changes nothing but by decay."""
    assert case.zero_gradient_noop or case.decays or not case.make().skips_zero_gradients
