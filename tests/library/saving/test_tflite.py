"""An exported training step runs in the interpreter of TFLite."""

import functools

import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.products import parameters
from tests.library.saving.models import BATCH, OPTIMIZERS, ROUNDING, STEPS, TABLE, losses

FAST = ("adam", "own_schedules", "accumulated_and_averaged", "skipping", "shared_state")  # one of each kind of step


class Portable(tf.Module):
    """One table in a `tf.Variable`: what TFLite can hold."""

    def __init__(self, optimizer):
        """Builds the optimizer; TFLite initialises variables that are tracked as TensorFlow's."""
        super().__init__()
        self.weights, self.optimizer = tf.Variable(TABLE, name="weight_1"), optimizer
        optimizer.build([self.weights])
        self.state = [v.value for v in optimizer.variables]

    @tf.function(input_signature=[tf.TensorSpec([8, 3], name="x")])
    def train(self, x):
        """One step towards the batch."""
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((tf.gather(self.weights, [1, 3, 1, 0, 0, 2, 3, 1]) - x) ** 2)
        self.optimizer.apply([tape.gradient(loss, self.weights)], [self.weights])
        return {"loss": loss}


def lite(module, folder, signature=None):
    """The next losses of the step as TFLite takes it, with its own operations alone."""
    tf.saved_model.save(module, str(folder), signatures={"train": signature or module.train})
    converter = tf.lite.TFLiteConverter.from_saved_model(str(folder))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    converter.experimental_enable_resource_variables = True
    interpreter = tf.lite.Interpreter(model_content=converter.convert())
    interpreter.allocate_tensors()
    step = interpreter.get_signature_runner("train")
    return [float(step(x=BATCH)["loss"]) for _ in range(STEPS)]


@pytest.mark.filterwarnings("ignore:(?s).*ai_edge_litert")
@pytest.mark.parametrize(
    "name", [parameters(name, fast=name in FAST) for name in OPTIMIZERS if name not in ("lazy", "large")]
)
def test_training_step_runs_in_the_interpreter_of_tflite(name, tmp_path):
    """TFLite has no float64 and takes few kernels apart; `lazy` scatters rows, which it cannot either."""
    module = Portable(OPTIMIZERS[name]())
    losses(module.train, 2)
    found = lite(module, tmp_path)
    np.testing.assert_allclose(found, losses(module.train), rtol=ROUNDING)
    assert len(set(found)) > 1, "nothing was trained"


@pytest.mark.filterwarnings("ignore:(?s).*ai_edge_litert")
@pytest.mark.parametrize("traced_before", [True, False])
def test_a_concrete_function_runs_in_tflite(traced_before, tmp_path):
    """Of a function that has trained, as in TensorFlow's guides; or of one without a signature, by naming shapes."""
    module = Portable(tfoptim.Nadam(0.1))
    if traced_before:
        losses(module.train, 2)
        concrete = module.train.get_concrete_function()
    else:
        train = tf.function(functools.partial(vars(Portable)["train"].python_function, module))
        concrete = train.get_concrete_function(tf.TensorSpec([8, 3], name="x"))
    found = lite(module, tmp_path, concrete)
    np.testing.assert_allclose(found, losses(module.train), rtol=ROUNDING)
