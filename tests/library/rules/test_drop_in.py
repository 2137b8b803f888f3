"""Float32 training equals Keras's own class, alone and with each base argument.

What differs from Keras on purpose is not here but in `test_deviations.py`, one test for each.
"""

import functools

import keras

from tests.library.cases import CASES
from tests.library.harness import MODES, assert_follows, random_gradients, start_weights, train
from tests.library.products import crossed

STEPS = 24
# Relative to the largest move: Keras computes its factors in float32 as 1 - beta**t, we do not.
FLOAT32 = 3e-5

BASE_ARGUMENTS = {
    "alone": {},
    "weight_decay": {"weight_decay": 0.04},
    "clipnorm": {"clipnorm": 0.5},
    "clipvalue": {"clipvalue": 0.3},
    "global_clipnorm": {"global_clipnorm": 0.7},
    "use_ema": {"use_ema": True, "ema_momentum": 0.8},
    "ema_overwrite": {"use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 5},
    "loss_scale_factor": {"loss_scale_factor": 4.0},
    "accumulation": {"gradient_accumulation_steps": 3},
    "schedule": {"learning_rate": "halving"},
}
WAYS = {f"{which}-{mode}": (which, mode) for which in BASE_ARGUMENTS for mode in MODES}


def arguments_for(case, which):
    """The base arguments of one test; the schedule starts at the row's learning rate."""
    arguments = dict(BASE_ARGUMENTS[which])
    if which == "schedule":
        arguments["learning_rate"] = keras.optimizers.schedules.ExponentialDecay(
            case.learning_rate, decay_steps=10, decay_rate=0.5
        )
    return arguments


@functools.cache
def keras_trajectory(case_id, which):
    """Keras's float32 weights, computed once for both of our modes (Keras's two are bit-equal)."""
    case = next(case for case in CASES if case.id == case_id)
    optimizer = case.make_keras(**arguments_for(case, which))
    return train(optimizer, start_weights(), random_gradients(STEPS))


@crossed(
    "way",
    WAYS,
    every_rule=("alone-graph",),
    in_turn=[way for way, (which, mode) in WAYS.items() if mode == "graph" and which != "alone"],
    fact=lambda case: case.keras_name,
)
def test_float32_training_equals_keras(case, way):
    """Twenty-four steps with one base argument follow Keras's class of the same formula."""
    which, mode = WAYS[way]
    expected = keras_trajectory(case.id, which)
    optimizer = case.make(**arguments_for(case, which))
    actual = train(optimizer, start_weights(), random_gradients(STEPS), mode=mode)
    assert_follows(expected, actual, start_weights(), FLOAT32)
