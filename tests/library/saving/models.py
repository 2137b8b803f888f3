"""Models, optimizers and helpers of the tests of loading and of export."""

import keras
import numpy as np
import tensorflow as tf

import tfoptim
from tests.library.harness import values_of

X = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
Y = np.random.default_rng(1).normal(size=(8, 1)).astype("float32")


def network(*widths, frozen=(), dtype=None):
    """A stack of dense layers, the last with one output, some of them frozen."""
    keras.utils.set_random_seed(3)
    layers = [keras.layers.Dense(width, dtype=dtype) for width in (*widths, 1)]
    for i in frozen:
        layers[i].trainable = False
    return keras.Sequential([keras.Input((4,)), *layers])


def compiled(model, optimizer):
    """The model with this optimizer, its steps taken eagerly."""
    model.compile(optimizer=optimizer, loss="mse", run_eagerly=True, jit_compile=False)
    return model


def trained(model, optimizer, steps=2):
    """The model after some steps."""
    compiled(model, optimizer)
    for _ in range(steps):
        model.train_on_batch(X, Y)
    return model


def saved_weights(model, folder):
    """The weights file of a model, with the state of its optimizer."""
    model.save_weights(folder / "saved.weights.h5")
    return folder / "saved.weights.h5"


def state(optimizer):
    """Counter, learning rate and slots as arrays."""
    return values_of(optimizer.variables)


def slots(model, name, layer):
    """One slot of the kernel of a layer, found by the layer's name."""
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    (slot,) = [v for v in optimizer.variables if v.name.endswith(f"{layer.name}_kernel_{name}")]
    return slot.numpy()


def assert_bitwise(expected, actual):
    """Two lists of arrays are equal to the last bit."""
    for wanted, got in zip(expected, actual, strict=True):
        np.testing.assert_array_equal(got, wanted)


def assert_goes_on_like(original, loaded):
    """One more step of both ends at the same weights."""
    for model in (original, loaded):
        model.train_on_batch(X, Y)
    assert_bitwise(original.get_weights(), loaded.get_weights())


def scaled(**arguments):
    """A loss-scaled Adam."""
    return tfoptim.LossScaleOptimizer(tfoptim.Adam(**arguments), initial_scale=8.0)


# Export

GENERATOR = np.random.default_rng(0)
BATCH = GENERATOR.normal(size=(8, 3)).astype("float32")
TABLE = GENERATOR.normal(size=(7, 3)).astype("float32")
STEPS = 4
# Relative, of a loss after four steps. An export corrects for the step's number in float32, and takes 1 - beta_2 from
# the rule where the original's kernel has it, in float32, wrong by 3e-5 of itself.
ROUNDING = 1e-5
OPTIMIZERS = {
    "adam": lambda: tfoptim.Adam(0.1),
    "keras_schedule": lambda: tfoptim.AdaGrad(keras.optimizers.schedules.CosineDecay(0.1, 20)),
    "own_schedules": lambda: tfoptim.Momentum(
        tfoptim.schedules.OneCycle(0.01, 0.1, 0.0, 10), momentum=tfoptim.schedules.Cyclic(0.8, 0.9, 4)
    ),
    "accumulated_and_averaged": lambda: tfoptim.Adam(
        0.1, gradient_accumulation_steps=2, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=2
    ),
    "decayed_and_clipped": lambda: tfoptim.AdamW(0.1, clipnorm=0.1),
    "skipping": lambda: tfoptim.SGD(0.1, global_clipnorm=0.1, nonfinite="skip"),
    "loss_scale": lambda: tfoptim.LossScaleOptimizer(tfoptim.Adam(0.1), dynamic_growth_steps=2),
    "shared_state": lambda: tfoptim.Nadam(0.1),
    "centered": lambda: tfoptim.RMSprop(0.01, centered=True, momentum=0.5),
    "lazy": lambda: tfoptim.Adam(0.1, lazy=True),
    "cyclic": lambda: tfoptim.CLMR(cycle=4),
    "scaled": lambda: tfoptim.Adamax(0.1, loss_scale_factor=8.0),
    "lookahead": lambda: tfoptim.Lookahead(tfoptim.Adam(0.1), sync_period=3),
    "multi": lambda: tfoptim.MultiOptimizer(
        tfoptim.Adam(0.1), {"weight_1": tfoptim.Momentum(0.1)}, global_clipnorm=0.5
    ),
    "large": lambda: tfoptim.AdamW(0.01),
}


def losses(step, steps=STEPS):
    """The next losses."""
    return [float(step(x=tf.constant(BATCH))["loss"]) for _ in range(steps)]
