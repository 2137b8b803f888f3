"""Rules that apply weight decay themselves apply that of each variable, whatever runs them, and nothing else does."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.harness import random_gradients, start_weights, values_of, variables_of
from tests.library.products import every_class_where
from tfoptim import update

STEPS = 6
ROUNDING = 1e-12  # float64, relative to the weights, which are about 1; XLA takes norms in another order
DECAY = {"schedule": 0.5, "group": 0.25, "zero": 0.0, "none": 0.0, "excluded": 0.0}  # of each variable, at first
HALVING = keras.optimizers.schedules.PiecewiseConstantDecay([1], [0.5, 0.25])

own_decay = every_class_where(lambda case: case.own_decay and not case.joint)


def halving(step):
    """The same schedule, as a plain function of completed updates."""
    return 0.5 if step <= 1 else 0.25


def variables():
    """One matrix for each way to say how much a variable decays."""
    named = [keras.Variable(start_weights()[0], dtype="float64", name=name) for name in DECAY]
    return named, [g[0] for g in random_gradients(STEPS)]


def optimizer_of(case):
    """An optimizer under a schedule of decay, with groups and an exclusion."""
    groups = {"group": {"weight_decay": 0.25}, "zero": {"weight_decay": 0.0}, "none": {"weight_decay": None}}
    optimizer = case.make(weight_decay=HALVING, groups=groups)
    optimizer.exclude_from_weight_decay(var_names=["excluded"])
    return optimizer


@pytest.fixture(params=["dense", "compiled"])
def executor(request, monkeypatch):
    """The executor by name, and the names of those that ran; XLA compiles variables of any size."""
    ran = []

    def spy(name, run):
        return lambda u: (ran.append(name), run(u))[1]

    for name in ("kernel", "compiled", "dense"):
        monkeypatch.setattr(update, name, spy(name, getattr(update, name)))
    if request.param == "compiled":
        monkeypatch.setattr(update, "LARGE", 1)
    return request.param, ran


@own_decay
def test_each_variable_decays_by_its_own_number(case, executor):
    """A schedule for all, a number, zero or None for a group, and an exclusion: as the loop with that number."""
    weights, gradients = variables()
    optimizer = optimizer_of(case)
    optimizer.build(weights)
    step = tf.function(lambda g: optimizer.apply([g] * len(weights), weights), autograph=False)
    for g in gradients:
        step(tf.constant(g))
    name, ran = executor
    assert ran[0] == name
    for variable, decay in zip(weights, [halving, *list(DECAY.values())[1:]], strict=True):
        expected = case.trajectory(start_weights()[0], gradients, weight_decay=decay)[-1]
        np.testing.assert_allclose(variable.numpy(), expected, rtol=0, atol=ROUNDING)
    plain, decayed = weights[2].numpy(), weights[0].numpy()
    assert np.abs(plain - decayed).max() > 1e-3


@own_decay
def test_the_simulation_knows_the_decay_of_a_path(case):
    """With the schedule, the group and the exclusion."""
    _, gradients = variables()
    for name, decay in zip(DECAY, [halving, *list(DECAY.values())[1:]], strict=True):
        expected = case.trajectory(start_weights()[0], gradients, weight_decay=decay)
        found = tfoptim.simulate(optimizer_of(case), start_weights()[0], gradients, path=name)
        np.testing.assert_allclose(found, expected, rtol=0, atol=ROUNDING)


@own_decay
def test_without_weight_decay_the_rule_reads_zero(case):
    """None, as the default is for most rules."""
    default = type(case.make()).fields["weight_decay"]
    assert default.optional != case.decays
    given = {} if case.decays else {"weight_decay": None}
    _, gradients = variables()
    (weight,) = variables_of(start_weights()[:1], "float64")
    optimizer = case.make(**({"weight_decay": 0.0} if case.decays else given))
    for g in gradients:
        optimizer.apply([tf.constant(g)], [weight])
    expected = case.trajectory(start_weights()[0], gradients, weight_decay=0.0)[-1]
    np.testing.assert_allclose(values_of([weight])[0], expected, rtol=0, atol=ROUNDING)


def test_rows_without_gradient_decay_too():
    """A rule may say that zero gradients change nothing: with decay of its own they do, so every row steps."""

    class Shrinking(tfoptim.Optimizer):
        skips_zero_gradients = own_decay = True

        def step(self, h, g, w, s):
            return w - h.learning_rate * (g + h.weight_decay * w)

    table = keras.Variable(np.ones((3, 1), "float32"))
    rows = tf.IndexedSlices(tf.zeros([1, 1]), tf.constant([1]), tf.constant([3, 1]))
    Shrinking(0.5, weight_decay=0.5).apply([rows], [table])
    assert table.numpy().ravel().tolist() == [0.75, 0.75, 0.75]
