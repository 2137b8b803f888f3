"""What a rule declares is what it gets: the traps of declaring optimizers, one test each."""

from typing import Annotated

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.cases import CASES
from tests.library.harness import assert_follows, random_gradients, start_weights, train, values_of
from tests.library.products import every_class_where, every_rule, representative
from tfoptim import Optimizer
from tfoptim.declaration import ClosedFraction, Fraction, Interval, NonNegative


class Anchored(Optimizer):
    """Moves towards the weights that it started from: a slot that begins as a copy of the weights."""

    pull: NonNegative = 0.5
    slots = {"anchor": lambda w: w}  # noqa: RUF012  as rules declare them

    def direction(self, h, g, w, s):
        """The gradient and a pull back to the start."""
        return g + h.pull * (w - s.anchor)


class Careless(Optimizer):
    """Assigns a slot that it never declared."""

    slots = {"m": 0.0, "v": 0.0}  # noqa: RUF012  as rules declare them

    def direction(self, h, g, w, s):
        """Sets `vv` where `v` was meant."""
        s.vv = g
        return g


class Counting(Optimizer):
    """Steps by the number of the step and counts how often its per-step part is computed."""

    calls = 0

    def once(self, h, s):
        """Computes for all variables at once."""
        type(self).calls += 1
        h.length = 1.0 * h.t

    def direction(self, h, g, w, s):
        """The step number."""
        return g * h.length


@every_class_where(lambda case: case.still_at_rate_zero)
def test_no_default_hides_the_learning_rate_of_keras(case):
    """Trap 1: a default left on the class would train at the default rate, silently."""
    weight = keras.Variable(1.0)
    optimizer = case.make(learning_rate=0.0)
    optimizer.apply([tf.constant(1.0)], [weight])
    assert float(weight.numpy()) == 1.0
    optimizer.learning_rate = 0.5
    assert float(optimizer.learning_rate.numpy()) == 0.5
    optimizer.apply([tf.constant(1.0)], [weight])
    assert float(weight.numpy()) != 1.0


@pytest.mark.parametrize("mode", ["eager", "graph"])
def test_a_slot_that_copies_the_weights_is_copied_once(mode):
    """Trap 2: a copy made while tracing would be made again at every step."""
    optimizer = Anchored(learning_rate=0.5, pull=1.0)
    weight = keras.Variable(2.0)
    apply = lambda g: optimizer.apply([g], [weight])  # noqa: E731  one line, traced or not
    apply = tf.function(apply) if mode == "graph" else apply
    apply(tf.constant(1.0))  # 2 - 0.5 * 1
    apply(tf.constant(0.0))  # 1.5 - 0.5 * (1.5 - 2)
    apply(tf.constant(0.0))
    assert float(weight.numpy()) == 1.875


def test_rules_say_whether_each_element_stands_alone():
    """Trap 3: only a rule without norms may be split; a rule that says so gives the same in parts, others do not."""
    start, gradients = start_weights()[0][:2, :2], [g[0][:2, :2] for g in random_gradients(12)]
    for case in CASES:
        optimizer = case.make()
        whole = tfoptim.simulate(optimizer, start, gradients)
        parts = [tfoptim.simulate(optimizer, start[i], [g[i] for g in gradients]) for i in np.ndindex(start.shape)]
        same = np.allclose(whole.reshape(12, -1), np.stack(parts, axis=1), rtol=1e-13, atol=0)  # powers round otherwise
        assert same == case.elementwise


def test_bias_correction_keeps_its_digits_in_float32():
    """Trap 4: 1 - beta**t cancels in float32; at beta_2 = 0.9999999 Adam would not move or jump."""
    weight = keras.Variable(0.0)
    tfoptim.Adam(0.1, beta_2=0.9999999, epsilon=1e-30).apply([tf.constant(1.0)], [weight])
    # The first step of Adam is the learning rate, whatever the betas; float32 rounds it to 6e-8.
    assert float(weight.numpy()) == pytest.approx(-0.1, rel=1e-6)


def test_hyperparameters_are_computed_once_for_all_variables():
    """Trap 7: what is the same for all variables is not computed for each."""
    Counting.calls = 0
    weights = [keras.Variable(0.0) for _ in range(4)]
    optimizer = Counting(1.0)
    for _ in range(3):
        optimizer.apply([tf.constant(1.0)] * 4, weights)
    assert Counting.calls <= 3
    assert [-6.0] * 4 == [float(v) for v in values_of(weights)]


def test_schedules_see_steps_from_0_and_rules_from_1():
    """Trap 6: the first step is 0 for a schedule and t = 1 for a rule."""
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([0], [1.0, 10.0])
    weight = keras.Variable(0.0)
    optimizer = Counting(schedule)
    moves = []
    for _ in range(2):
        before = float(weight.numpy())
        optimizer.apply([tf.constant(1.0)], [weight])
        moves.append(before - float(weight.numpy()))
    assert [1.0 * 1, 10.0 * 2] == moves


def test_an_undeclared_slot_raises_and_names_the_declared_ones():
    """A slip in a slot's name would otherwise lose state at every step."""
    weight = keras.Variable(1.0)
    with pytest.raises(AttributeError, match=r"'vv' is not a declared slot.*m, v"):
        Careless().apply([tf.constant(1.0)], [weight])


def test_a_rule_without_direction_or_step_says_what_it_must_define():
    """An unfinished rule is told how to finish."""

    class Empty(Optimizer):
        """Defines nothing."""

    with pytest.raises(NotImplementedError, match=r"Empty must define direction\(.*step\("):
        Empty().apply([tf.constant(1.0)], [keras.Variable(1.0)])


def test_a_field_without_default_is_refused_where_it_is_declared():
    """Every hyperparameter has a default, so that every class can be made by name alone."""
    with pytest.raises(TypeError, match="rate needs a default"):

        class Bare(Optimizer):
            """Declares a field without a default."""

            rate: Fraction


def test_a_field_without_domain_is_refused_where_it_is_declared():
    """A plain `float` says nothing about which values are allowed."""
    with pytest.raises(TypeError, match="rate needs a domain"):

        class Vague(Optimizer):
            """Declares a field without a range."""

            rate: float = 0.5


def test_a_rule_of_a_user_is_a_complete_optimizer():
    """Fields, validation, configuration and training of a class declared outside the library."""

    class Blend(Optimizer):
        """Mixes the gradient and its sign."""

        learning_rate: NonNegative = 0.5
        share: ClosedFraction = 0.25

        def direction(self, h, g, w, s):
            """Part gradient, part constant."""
            return h.share * g + (1 - h.share)

    with pytest.raises(ValueError, match="Blend: share must satisfy 0 <= x <= 1"):
        Blend(share=1.5)
    again = Blend.from_config(Blend(share=0.5).get_config())
    assert (0.5, 0.5) == (again.share, float(again.learning_rate))
    last = train(again, [np.zeros(2)], [[np.ones(2)]])[-1]
    np.testing.assert_array_equal(last[0], [-0.5, -0.5])


def simulated(case, start, gradients):
    """The weights[step][variable] of a row in float64 NumPy."""
    together = [{f"weight_{i}": x for i, x in enumerate(step)} for step in (start, *gradients)]
    return list(zip(*tfoptim.simulate(case.make(), together[0], together[1:]).values(), strict=True))


@every_rule
def test_simulation_follows_the_loop(case):
    """Trap 8: the rule in float64 NumPy, for which nothing is traced; training follows the same loop."""
    start, gradients = start_weights(), random_gradients(10)
    assert_follows(case.trajectories(start, gradients), simulated(case, start, gradients), start, case.rounding)


@representative
def test_simulation_equals_training(case):
    """Step by step."""
    start, gradients = start_weights(), random_gradients(10)
    trained = train(case.make(), start, gradients, mode="graph", dtype="float64")[:-1]
    for expected, found in zip(simulated(case, start, gradients), trained, strict=True):
        for wanted, got in zip(expected, found, strict=True):
            np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-13)


def test_a_class_may_bring_its_own_constructor():
    """A constructor that is written out is kept, and the base's configuration still works under it."""

    class Slow(tfoptim.GD):
        """Gradient descent at a hundredth of the rate."""

        def __init__(self, learning_rate=1.0, **arguments):
            super().__init__(learning_rate=0.01 * learning_rate, **arguments)

    assert Slow(2.0, clipnorm=1.0).get_config()["learning_rate"] == 0.02


def test_an_annotation_may_say_more_than_the_domain():
    """Other notes beside the domain are left to those who read them."""

    class Noted(Optimizer):
        """A field with a unit."""

        warm_up: Annotated[float, "in seconds", Interval(0.0)] = 1.0

    with pytest.raises(ValueError, match="Noted: warm_up must satisfy x >= 0"):
        Noted(warm_up=-1.0)
