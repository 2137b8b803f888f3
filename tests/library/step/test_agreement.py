"""Training equals the loops in `reference/`, alone and with everything around the rule; XLA's equals the graph's."""

from functools import partial

import keras
import numpy as np
import tensorflow as tf

from tests.library.cases import CASES
from tests.library.harness import MODES, assert_follows, random_gradients, start_weights, train, values_of, variables_of
from tests.library.products import crossed
from tests.library.reference.surroundings import surrounded

EVERYTHING = {
    "weight_decay": 0.01,
    "loss_scale_factor": 8.0,
    "gradient_accumulation_steps": 3,
    "use_ema": True,
    "ema_momentum": 0.7,
    "ema_overwrite_frequency": 4,
}
CLIPS = ({"clipnorm": 0.6}, {"global_clipnorm": 0.8}, {"clipvalue": 0.3})  # in turn, from row to row


class Bounded(keras.constraints.Constraint):
    """Keeps weights in [-0.9, 0.9]: a constraint that a plain loop can repeat exactly."""

    def __call__(self, w):
        """The nearest allowed weights."""
        return keras.ops.clip(w, -0.9, 0.9)


def around(case, rate, start, gradients, **settings):
    """The plain loop of a rule at a rate, with what is around it."""
    none = case.decay({"weight_decay": 0.0})
    options = {key: value for key, value in case.options.items() if key not in none}
    if case.own_decay:
        options["weight_decay"] = settings.pop("weight_decay")
    elif case.decays:
        options |= none
    steps = partial(case.reference.steps, learning_rate=rate, **options)
    facts = {"joint": case.joint, "own_average": case.own_average}
    return surrounded(steps, start, gradients, learning_rate=case.rates(rate), **facts, **settings)


@crossed("mode", MODES, every_rule=("graph",))
def test_float64_training_equals_the_paper(case, mode):
    """Forty steps of every rule follow its plain loop to rounding."""
    start, gradients = start_weights(), random_gradients(40)
    expected = case.trajectories(start, gradients)
    actual = train(case.make(), start, gradients, mode=mode, dtype="float64")[:-1]
    assert_follows(expected, actual, start, case.rounding)


@crossed("mode", MODES)
def test_float64_training_with_everything_around_it_equals_plain_loops(case, mode):
    """Loss scale, accumulation, clipping, decay, constraint and averaging together, 40 calls."""
    start, gradients = start_weights(), random_gradients(40)
    settings = {**EVERYTHING, **CLIPS[CASES.index(case) % len(CLIPS)]}
    constraint = partial(np.clip, a_min=-0.9, a_max=0.9)
    expected = around(case, case.learning_rate, start, gradients, constraint=constraint, **settings)
    optimizer = case.make(**settings)
    actual = train(optimizer, start, gradients, mode=mode, dtype="float64", constraint=Bounded())
    assert_follows(expected, actual, start, case.rounding)


@crossed("mode", MODES, representative=("graph",), fact=lambda case: case.schedulable)
def test_a_schedule_is_read_at_the_number_of_completed_updates(case, mode):
    """The first update sees step 0, the next step 1, also when two calls make one update."""
    start, gradients = start_weights(), random_gradients(12)
    decay = keras.optimizers.schedules.PiecewiseConstantDecay(
        [1, 3], [case.learning_rate * factor for factor in (1.0, 0.5, 0.25)]
    )

    def rate(step):
        return case.learning_rate * (1.0 if step <= 1 else 0.5 if step <= 3 else 0.25)

    expected = around(case, rate, start, gradients, gradient_accumulation_steps=2, weight_decay=0.1)
    optimizer = case.make(learning_rate=decay, gradient_accumulation_steps=2, weight_decay=0.1)
    actual = train(optimizer, start, gradients, mode=mode, dtype="float64")
    # The schedule itself computes in float32, so the rates are right to 6e-8 only.
    assert_follows(expected, actual, start, 1e-6)


# Compiled by XLA, as `fit` does by default

XLA_STEPS = 10
ULP = np.finfo(np.float32).eps
SETTINGS_OF_XLA = {
    "plain": {},
    "all": {"clipnorm": 1.0, "weight_decay": 0.01, "use_ema": True, "gradient_accumulation_steps": 2},
    "sparing": {"global_clipnorm": 1.0, "nonfinite": "skip"},
}


def trained(optimizer, jit):
    """Float32 weights after ten fed gradients."""
    variables = variables_of(start_weights())
    optimizer.build(variables)
    step = tf.function(lambda gradients: optimizer.apply(gradients, variables), jit_compile=jit, autograph=False)
    for gradients in random_gradients(XLA_STEPS):
        step([tf.constant(g, "float32") for g in gradients])
    return values_of(variables)


@crossed("setting", SETTINGS_OF_XLA, in_turn=SETTINGS_OF_XLA, fact=lambda case: not case.random)
def test_xla_equals_the_plain_graph(case, setting):
    """Four units in the last place of the largest weight a step: XLA joins operations and so rounds otherwise."""
    expected, actual = (trained(case.make(**SETTINGS_OF_XLA[setting]), jit) for jit in (False, True))
    for wanted, found in zip(expected, actual, strict=True):
        tolerance = 4 * XLA_STEPS * ULP * case.amplifies * max(1.0, np.abs(wanted).max())
        np.testing.assert_allclose(found, wanted, rtol=0, atol=tolerance)
