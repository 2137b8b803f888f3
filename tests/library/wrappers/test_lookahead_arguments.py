"""Arguments of Lookahead: those of the rule inside, live on both, and refusals of what makes no sense."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.harness import variables_of
from tests.library.saving.models import X, Y, compiled, network
from tfoptim import SGD, Adam, Lookahead, simulate

GRADIENTS = [0.1, -0.2, 0.3]


def test_numbers_of_the_inner_rule_are_read_and_set_on_both():
    """From one step to the next, eagerly or from inside a function."""
    inner = Adam(1.0, epsilon=0.0)
    optimizer = Lookahead(inner, sync_period=100)
    (weight,) = variables_of([np.zeros(1)])
    optimizer.apply([tf.ones(1)], [weight])
    assert weight.numpy()[0] == pytest.approx(-1.0)
    optimizer.beta_1 = 0.5
    inner.learning_rate = 0.25
    assert (inner.beta_1, optimizer.beta_1) == (0.5, 0.5)
    assert float(optimizer.learning_rate) == float(inner.learning_rate) == 0.25
    assert int(inner.iterations) == 1
    optimizer.apply([tf.ones(1)], [weight])
    expected = 0.25 * (0.5 * 0.1 + 0.5) / (1 - 0.5**2)  # m / (1 - beta_1^2), and v is 1
    assert weight.numpy()[0] == pytest.approx(-1.0 - expected)

    @tf.function
    def slower(rate, share):
        inner.beta_1 = rate
        optimizer.slow_step_size = share

    slower(tf.constant(0.75), tf.constant(0.125))
    assert (optimizer.beta_1, optimizer.slow_step_size) == (0.75, 0.125)


def test_schedules_and_groups_are_those_of_any_rule():
    """A step size that falls; a group with its own factor and momentum; and a variable without decay."""
    falling = keras.optimizers.schedules.PiecewiseConstantDecay([0], [1.0, 0.5])
    groups = {"weight_1": {"learning_rate": 0.5}, "weight_2": {"weight_decay": 0.5}}
    optimizer = Lookahead(SGD(1.0, weight_decay=0.25, groups=groups), sync_period=1, slow_step_size=falling)
    optimizer.exclude_from_weight_decay(var_names=["weight_0"])
    variables = variables_of([np.full(1, 8.0)] * 3)
    optimizer.apply([tf.ones(1)] * 3, variables)
    assert [float(v.numpy()[0]) for v in variables] == [7.0, 6.5, 3.0]
    optimizer.apply([tf.ones(1)] * 3, variables)
    assert [float(v.numpy()[0]) for v in variables] == [6.5, 6.5 - 0.5 * (6.5 / 8 + 0.5), 3.0 - 0.5 * 2.5]
    optimizer.groups = {"weight_1": {"learning_rate": 0.25}, "weight_2": {"weight_decay": 0.5}}
    assert optimizer.inner.groups == optimizer.groups
    with pytest.raises(ValueError, match=r"SGD: groups\['weight_1'\]: 'slow_step_size' cannot differ"):
        optimizer.groups = {"weight_1": {"slow_step_size": 0.25}}


def test_callbacks_set_the_learning_rate_of_the_rule():
    """Keras's scheduler and plateau write to the optimizer, and the rule inside steps with it."""
    model = compiled(network(3), Lookahead(SGD(0.5)))
    plateau = keras.callbacks.ReduceLROnPlateau(monitor="loss", factor=0.5, patience=1, min_delta=100.0)
    scheduler = keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.125 if epoch == 0 else rate)
    history = model.fit(X, Y, epochs=2, verbose=0, callbacks=[scheduler, plateau]).history
    assert history["learning_rate"] == [0.125, 0.125]
    assert float(model.optimizer.inner.learning_rate) == 0.0625


class Clipped(Adam):
    """A user's optimizer that changes the gradients."""

    def apply(self, grads, trainable_variables=None):
        """Takes their signs."""
        super().apply([tf.sign(g) for g in grads], trainable_variables)


class Sharp(SGD):
    """A rule that needs the loss itself."""

    needs_loss = True


class Slow(SGD):
    """A user's rule with a slot of the wrapper's name."""

    @property
    def slots(self):
        """One number for each weight."""
        return {"slow": 0.0}


def inside(optimizer):
    """An optimizer that is in use by another."""
    Lookahead(optimizer)
    return optimizer


def built(optimizer):
    """An optimizer with state."""
    optimizer.build(variables_of([np.ones(1)]))
    return optimizer


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: Lookahead(Adam(), learning_rate=0.1),
            ValueError,
            r"learning_rate is an argument of the inner .*Adam\(",
        ),
        (
            lambda: Lookahead(Adam(), use_ema=True),
            ValueError,
            r"use_ema is an argument of the inner optimizer: Adam\(use",
        ),
        (lambda: Lookahead(Adam(), sync_perod=3), ValueError, r"no argument 'sync_perod'. Did you mean 'sync_period'"),
        (lambda: Lookahead(Adam(), 0), ValueError, r"Lookahead: sync_period must be an integer >= 1"),
        (lambda: Lookahead(Adam(), 3, 0.0), ValueError, r"Lookahead: slow_step_size must satisfy 0 < x <= 1, got 0.0"),
        (lambda: Lookahead(Adam(), name="no spaces"), ValueError, r"Lookahead: name must be"),
        (
            lambda: Lookahead("adam"),
            TypeError,
            r"must be an optimizer of tfoptim, got str. tfoptim.get\('adam'\) makes one",
        ),
        (lambda: Lookahead(Adam), TypeError, r"got .*. It is a class: pass an instance, Adam\(\.\.\.\)\."),
        (lambda: Lookahead(keras.optimizers.Adam()), TypeError, r"got Adam. tfoptim.from_keras converts Keras's"),
        (lambda: Lookahead(tfoptim.LossScaleOptimizer(Adam())), TypeError, r"Put the loss scale around the whole"),
        (lambda: Lookahead(Lookahead(SGD())), TypeError, r"must be a rule itself, got Lookahead\(SGD\(\)\)"),
        (
            lambda: Lookahead(inside(Adam(name="a"))),
            ValueError,
            r"Lookahead: a is inside lookahead_a already; give another",
        ),
        (lambda: Lookahead(built(Adam(name="a"))), ValueError, r"Lookahead: a is built already; give a new one"),
        (
            lambda: Lookahead(Clipped()),
            TypeError,
            r"apply of Clipped would never be called.*in a subclass of Lookahead",
        ),
        (
            lambda: Lookahead(Sharp()),
            TypeError,
            r"Sharp cannot be inside, because it needs the loss, not only gradients; SAM can stand around the whole",
        ),
        (lambda: Lookahead(Slow()), ValueError, r"Lookahead: Slow has 'slow' too"),
        (lambda: Lookahead(Adam(lazy=True)), ValueError, r"Lookahead: lazy must be False, because a synchronisation"),
        (lambda: Lookahead(tfoptim.Momentum(cautious=True)), ValueError, r"Momentum: cautious must be False"),
        (lambda: setattr(Lookahead(Adam()), "lazy", True), ValueError, r"lazy must be False"),
        (lambda: setattr(Lookahead(Adam()), "beta_1", 1.0), ValueError, r"Lookahead: beta_1 must satisfy"),
        (lambda: setattr(Lookahead(Adam()), "inner", SGD()), AttributeError, r"inner cannot be replaced"),
        (
            lambda: setattr(built(Lookahead(Adam())), "sync_period", 2),
            ValueError,
            r"sync_period cannot change from 6 to 2",
        ),
        (
            lambda: built(inside(Adam(name="a"))),
            RuntimeError,
            r"a takes no steps by itself.*inside lookahead_a: use that",
        ),
        (lambda: inside(Adam()).apply([1.0], [1.0]), RuntimeError, r"takes no steps by itself"),
        (lambda: Lookahead(Adam()).beta_3, AttributeError, r"'Adam' object has no attribute 'beta_3'"),
        (lambda: Lookahead(Adam()).lr, AttributeError, r"See learning_rate"),
        (lambda: tfoptim.get("lookahead"), ValueError, r"made of other optimizers: tfoptim.Lookahead\(tfoptim.get\("),
    ],
)
def test_what_makes_no_sense_is_refused(make, error, message):
    """In one sentence, with the way out."""
    with pytest.raises(error, match=message):
        make()


def test_a_rule_with_a_direction_may_be_cautious():
    """The inner rule masks its direction; the wrapper's own step does not matter."""
    start, gradients = np.ones(2), [[0.1, 0.1], [-0.05, 0.3]]
    steps = simulate(Lookahead(Adam(cautious=True), sync_period=3), start, gradients)
    np.testing.assert_array_equal(steps, simulate(Adam(cautious=True), start, gradients))
    assert not np.array_equal(steps, simulate(Adam(), start, gradients))
