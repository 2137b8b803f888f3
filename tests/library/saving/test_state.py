"""State is real: every slot survives from step to step, and losing it would be noticed."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.cases import CASES
from tests.library.harness import values_of, variables_of
from tests.library.products import every_rule, every_rule_where, representative

STEPS = ((1.0, 0.5), (0.01, -0.3))  # falling gradients: a lost maximum shows as well
TINY = 1e-30  # an epsilon that changes no digit


def built(case, dtype="float64", **arguments):
    """An optimizer on one variable of two elements, and that variable."""
    (weight,) = variables_of([np.array([1.0, 2.0])], dtype)
    optimizer = case.make(**arguments)
    optimizer.build([weight])
    return optimizer, weight


def kept(optimizer):
    """The state beyond the counter and the learning rate."""
    return optimizer.variables[2:]


def step(optimizer, weight, gradient):
    """One step; how far the weight moved."""
    before = weight.numpy()
    optimizer.apply([tf.constant(gradient, weight.dtype)], [weight])
    return weight.numpy() - before


def second_move(cls, gradients, **arguments):
    """By how much the second of two scalar steps lowers the weight, in units of the rate."""
    weight = keras.Variable(0.0, dtype="float64")
    optimizer = cls(learning_rate=1.0, **arguments)
    optimizer.apply([tf.constant(gradients[0], tf.float64)], [weight])
    return -step(optimizer, weight, gradients[1])


@pytest.mark.parametrize(
    ("cls", "gradients", "arguments", "expected"),
    [
        (tfoptim.SGD, (1.0, 1.0), {"momentum": 0.9}, 1.9),
        (tfoptim.Momentum, (1.0, 1.0), {}, 1.9),
        (tfoptim.Momentum, (1.0, 0.0), {"nesterov": True}, 0.81),
        (
            tfoptim.AdaGrad,
            (1.0, 1.0),
            {"initial_accumulator_value": 0.0, "epsilon": TINY},
            0.707107,
        ),
        (tfoptim.RMSprop, (1.0, 1.0), {"epsilon": TINY}, 0.19**-0.5),
        (tfoptim.Adam, (1.0, 0.0), {"epsilon": TINY}, 0.670058),
        (tfoptim.AdamW, (1.0, 0.0), {"epsilon": TINY, "weight_decay": 0.0}, 0.670058),
        (tfoptim.Adamax, (1.0, 0.0), {"epsilon": TINY}, 0.474158),
    ],
)
def test_second_step_is_the_one_worked_out_by_hand(cls, gradients, arguments, expected):
    """An optimizer that forgot its slots would repeat its first step, or stand still at zero."""
    actual = second_move(cls, gradients, **arguments)
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=0)  # six printed digits


LATER = STEPS[1:] + STEPS[:1] * 5  # some slots are read by rectified steps alone


class Repeated:
    """The steps of one row, again and again from the start, traced once."""

    def __init__(self, case, **arguments):
        self.optimizer, self.weight = built(case, **arguments)
        self.variables = [self.weight, *self.optimizer.variables]
        self.start = values_of(self.variables)

    def moves(self, *gradients, between=lambda: None):
        """The moves of these steps; something may happen after the first."""
        for variable, value in zip(self.variables, self.start, strict=True):
            variable.assign(value)
        first = step(self.optimizer, self.weight, gradients[0])
        between()
        return [first, *(step(self.optimizer, self.weight, gradient) for gradient in gradients[1:])]

    @functools.cached_property
    def undisturbed(self):
        """The moves after the first step."""
        return self.moves(STEPS[0], *LATER)[1:]

    def disturbed(self, slot):
        """The same with another value of a slot, of another sign where it is not 0."""
        variable = kept(self.optimizer)[slot]
        return self.moves(STEPS[0], *LATER, between=lambda: variable.assign(1 - 12 * variable.numpy()))[1:]


@functools.cache
def repeated(name):
    """The steps of a row of the table."""
    return Repeated(next(case for case in CASES if case.id == name))


@every_rule_where(lambda case: case.slots and not case.by_sign)
def test_two_steps_in_a_row_differ_from_two_first_steps(case):
    """The second step of an optimizer with slots is not the first step of a new one."""
    steps = Repeated(case, weight_decay=0.0) if case.decays else repeated(case.id)
    first, second = steps.moves(STEPS[0], STEPS[0][::-1])
    assert np.any(np.abs(second - first[::-1]) > 1e-3 * np.abs(first))


@pytest.mark.parametrize(
    ("case", "slot"),
    [(c, s) for c in CASES for s in (*c.slots_of((3,)), *c.shared_state) if s not in c.unused],
    ids=str,
)
def test_another_value_of_one_slot_changes_a_later_step(case, slot):
    """Each single slot matters, within the six steps after the first."""
    steps, slots = repeated(case.id), (*case.slots_of((2,)), *case.shared_state)
    assert not np.allclose(steps.disturbed(slots.index(slot)), steps.undisturbed, rtol=1e-5, atol=0)


@every_rule
def test_state_is_what_the_rule_declares(case):
    """One variable per slot and model variable, in the declared order, under unique paths."""
    weights = variables_of([np.ones((2, 3)), np.ones(4)])
    optimizer = case.make(name="it")
    optimizer.build(weights)
    paths = [variable.path for variable in optimizer.variables]
    assert ["it/iteration", "it/learning_rate"] == paths[:2]
    assert len(set(paths)) == len(paths)
    declared = {
        f"it/weight_{i}_{name}": shape
        for i, weight in enumerate(weights)
        for name, shape in case.slots_of(tuple(weight.shape)).items()
    }
    declared |= {f"it/{name}": () for name in case.shared_state}
    assert {variable.path: tuple(variable.shape) for variable in kept(optimizer)} == declared


@every_rule_where(lambda case: case.keras_name)
def test_state_of_keras_fits_ours_in_order(case):
    """Training begun with Keras goes on with ours from the same list of arrays, but for what ours does not keep."""
    gradients = np.random.default_rng(2).normal(size=(8, 2))
    theirs, ours = case.make_keras(), case.make()
    weight, continued = variables_of([np.ones(2), np.ones(2)])
    for gradient in gradients[:4]:
        step(theirs, weight, gradient)
    continued.assign(weight)
    ours.build([continued])
    state = ours.state_of_keras(theirs)
    assert [v.shape for v in state] == [v.shape for v in ours.variables]
    ours.set_weights(values_of(state))
    for gradient in gradients[4:]:
        step(theirs, weight, gradient)
        step(ours, continued, gradient)
    # float32, four steps: Keras rounds its factors to float32 and we do not
    np.testing.assert_allclose(continued.numpy(), weight.numpy(), rtol=0, atol=1e-5)


@representative
def test_optimizer_is_built_by_its_first_step(case):
    """Neither eager nor traced code has to call `build`."""
    weights = variables_of([np.ones(2)] * 2)
    eager, traced = case.make(), case.make()
    gradient = tf.constant([0.5, -0.25])
    eager.apply([gradient], [weights[0]])
    tf.function(lambda g: traced.apply([g], [weights[1]]))(gradient)
    np.testing.assert_array_equal(*values_of(weights))
    assert (eager.built, traced.built) == (True, True)


@pytest.mark.parametrize("mode", ["eager", "graph"])
def test_iterations_count_updates(mode):
    """Keras's meaning: two calls that make one update are one iteration."""
    (weight,) = variables_of([np.ones(2)])
    optimizer = tfoptim.Adam(gradient_accumulation_steps=2)
    optimizer.build([weight])
    apply = lambda g: optimizer.apply([g], [weight])  # noqa: E731  one line, traced or not
    apply = tf.function(apply) if mode == "graph" else apply
    counts = []
    for _ in range(5):
        apply(tf.ones(2))
        counts.append(int(optimizer.iterations.numpy()))
    assert [0, 1, 1, 2, 2] == counts


def test_counter_is_wide_enough_for_long_training():
    """Adam is right far beyond 2**31 steps: nothing overflows and the corrections are 1."""
    (weight,) = variables_of([np.zeros(1)], "float64")
    optimizer = tfoptim.Adam(0.1)
    optimizer.build([weight])
    optimizer.iterations.assign(2**31 + 5)
    move = step(optimizer, weight, [1.0])
    np.testing.assert_allclose(move, -0.1 * 0.1 / (0.001**0.5 + 1e-7), rtol=1e-12)
    assert int(optimizer.iterations.numpy()) == 2**31 + 6
