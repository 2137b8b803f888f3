"""A step compiled by XLA, as `fit` compiles it by default, is the step of the plain graph."""

import numpy as np
import tensorflow as tf

from tests.library.harness import random_gradients, start_weights, values_of, variables_of
from tests.library.products import crossed

STEPS = 10
ULP = np.finfo(np.float32).eps
SETTINGS = {
    "plain": {},
    "all": {"clipnorm": 1.0, "weight_decay": 0.01, "use_ema": True, "gradient_accumulation_steps": 2},
    "sparing": {"global_clipnorm": 1.0, "nonfinite": "skip"},
}


def trained(optimizer, jit):
    """Float32 weights after ten fed gradients."""
    variables = variables_of(start_weights())
    optimizer.build(variables)
    step = tf.function(lambda gradients: optimizer.apply(gradients, variables), jit_compile=jit, autograph=False)
    for gradients in random_gradients(STEPS):
        step([tf.constant(g, "float32") for g in gradients])
    return values_of(variables)


@crossed("setting", SETTINGS, every_rule=("plain",))
def test_xla_equals_the_plain_graph(case, setting):
    """Four units in the last place of the largest weight a step: XLA joins operations and so rounds otherwise."""
    expected, actual = (trained(case.make(**SETTINGS[setting]), jit) for jit in (False, True))
    for wanted, found in zip(expected, actual, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=0, atol=4 * STEPS * ULP * max(1.0, np.abs(wanted).max()))
