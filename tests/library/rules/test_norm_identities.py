"""Rules that take norms, and MADGRAD, are other rules where their papers say so; and what their docstrings warn of."""

import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.harness import random_gradients, start_weights, variables_of
from tfoptim import simulate

STEPS = 12
ROUNDING = 1e-12  # float64, relative to weights of about 1, in rules that compute the same in another order
START, GRADIENTS = start_weights()[0], [g[0] for g in random_gradients(STEPS)]
SMALL = [1e-3 * g for g in GRADIENTS]
FALLING = [0.9**t * (1 + np.abs(START)) for t in range(1, STEPS + 1)]


def unadapted(optimizer):
    """The optimizer with every variable excluded from layer adaptation."""
    optimizer.exclude_from_layer_adaptation(var_names=[""])
    return optimizer


def with_l2(factor, gradients):
    """The gradients of a loss with an L2 penalty, as functions of the weights."""
    return [lambda w, g=g: g + factor * w for g in gradients]


SAME = {
    "Lamb without adaptation is Adam": (
        (unadapted(tfoptim.Lamb(0.1, epsilon=0.0)), GRADIENTS),
        (tfoptim.Adam(0.1, epsilon=0.0), GRADIENTS),
    ),
    "Lamb without adaptation decays like AdamW": (
        (unadapted(tfoptim.Lamb(0.1, epsilon=0.0, weight_decay=0.2)), GRADIENTS),
        (tfoptim.AdamW(0.1, epsilon=0.0, weight_decay=0.2), GRADIENTS),
    ),
    "Lamb without decay is that of the paper": (
        (tfoptim.Lamb(0.1), GRADIENTS),
        (tfoptim.Lamb(0.1, decay_in_ratio=True), GRADIENTS),
    ),
    "LARS without adaptation is momentum with L2": (
        (unadapted(tfoptim.LARS(0.1, weight_decay=0.2)), GRADIENTS),
        (tfoptim.Momentum(0.1), with_l2(0.2, GRADIENTS)),
    ),
    "the same with Nesterov": (
        (unadapted(tfoptim.LARS(0.1, nesterov=True, weight_decay=0.2)), GRADIENTS),
        (tfoptim.Momentum(0.1, nesterov=True), with_l2(0.2, GRADIENTS)),
    ),
    "NovoGrad without memory follows the normalised gradient": (
        (tfoptim.NovoGrad(0.1, beta_1=0.0, beta_2=0.0, epsilon=0.0), GRADIENTS),
        (tfoptim.GD(0.1), [g / np.linalg.norm(g) for g in GRADIENTS]),
    ),
    "StableAdamW is AdamW while no gradient is larger than those before": (
        (tfoptim.StableAdamW(0.1, weight_decay=0.2, epsilon=0.0), FALLING),
        (tfoptim.AdamW(0.1, weight_decay=0.2, beta_2=0.99, epsilon=0.0), FALLING),
    ),
    "MARS without correction is Adam while gradients are short": (
        (tfoptim.MARS(0.1, gamma=0.0, epsilon=0.0), SMALL),
        (tfoptim.Adam(0.1, beta_1=0.95, beta_2=0.99, epsilon=0.0), SMALL),
    ),
    "MADGRAD's L2 is that of the loss": (
        (tfoptim.MADGRAD(0.1, weight_decay=0.2), GRADIENTS),
        (tfoptim.MADGRAD(0.1), with_l2(0.2, GRADIENTS)),
    ),
}


@pytest.mark.parametrize("name", SAME)
def test_a_special_case_is_the_plain_rule(name):
    """Twelve steps on a matrix."""
    found, expected = (simulate(optimizer, START, gradients) for optimizer, gradients in SAME[name])
    assert np.abs(expected[-1] - START).max() > 1e-3
    np.testing.assert_allclose(found, expected, rtol=0, atol=ROUNDING)


def test_mars_is_adam_on_vectors():
    """Whatever the strength of the correction and the length of the gradients."""
    found = simulate(tfoptim.MARS(0.1, gamma=9.0, epsilon=0.0), START[0], [g[0] for g in GRADIENTS])
    adam = tfoptim.Adam(0.1, beta_1=0.95, beta_2=0.99, epsilon=0.0)
    np.testing.assert_allclose(found, simulate(adam, START[0], [g[0] for g in GRADIENTS]), rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("arguments", [{}, {"decay_in_ratio": True, "weight_decay": 0.5}], ids=["alone", "decayed"])
def test_lamb_moves_by_the_rate_times_the_norm(arguments):
    """Each step is that long, also where the paper's decay is a part of it."""
    path = simulate(tfoptim.Lamb(0.1, **arguments), START, GRADIENTS)
    before = np.concatenate([START[None], path[:-1]])
    lengths, norms = np.linalg.norm(path - before, axis=(1, 2)), np.linalg.norm(before, axis=(1, 2))
    np.testing.assert_allclose(lengths, 0.1 * norms, rtol=ROUNDING)


def test_stable_adamw_shortens_the_step_of_a_spike():
    """A gradient a hundred times larger than those before moves the weights less than AdamW does."""
    spike = [np.ones(4)] * 5 + [np.full(4, 100.0)]
    stable, adamw = tfoptim.StableAdamW(0.1, weight_decay=0.0), tfoptim.AdamW(0.1, weight_decay=0.0, beta_2=0.99)
    moves = [np.abs(np.diff(simulate(o, np.zeros(4), spike), axis=0)[-1]).max() for o in (stable, adamw)]
    assert moves[0] < 0.5 * moves[1]


def test_novograd_begins_with_the_first_gradient_of_each_variable():
    """A variable without gradient for three steps then moves by one rate, not by 1 / sqrt(1 - beta_2) of them."""
    late = simulate(tfoptim.NovoGrad(0.1, epsilon=0.0), 0.0, [0.0, 0.0, 0.0, 5.0])
    assert late.tolist() == [0.0, 0.0, 0.0, -0.1]


def test_madgrad_undoes_what_else_changes_the_weights():
    """The docstring's warning: steps go back to the start, minus what the gradients say."""
    (weight,) = variables_of([np.ones(2)])
    optimizer = tfoptim.MADGRAD(0.1, momentum=0.0)
    optimizer.apply([tf.ones(2)], [weight])
    trained = weight.numpy()
    weight.assign([7.0, 7.0])
    optimizer.apply([tf.zeros(2)], [weight])
    np.testing.assert_allclose(weight.numpy(), trained, rtol=1e-6)  # float32: a difference of 7 and back


def test_madgrad_without_momentum_may_be_lazy():
    """A zero gradient moves nothing then, so that the rows that are not touched need no step."""
    start = np.random.default_rng(0).normal(size=(4, 2)).astype("float32")
    tables = variables_of([start, start])
    rows = [
        tf.IndexedSlices(tf.fill([1, 2], x), tf.constant([i]), tf.constant([4, 2])) for x, i in ((1.0, 1), (2.0, 3))
    ]
    for table, lazy in zip(tables, (False, True), strict=True):
        optimizer = tfoptim.MADGRAD(0.1, momentum=0.0, lazy=lazy)
        for gradient in rows:
            optimizer.apply([gradient], [table])
    np.testing.assert_allclose(tables[1].numpy(), tables[0].numpy(), rtol=0, atol=1e-6)
    assert np.abs(tables[0].numpy() - start).max() > 0.1
