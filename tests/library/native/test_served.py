"""Which steps are the operation's: not those of other formulas, of exports, or of variables elsewhere.

A recorder stands for the operation, so that these run without a compiler.
"""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.native import doubles
from tfoptim import native
from tfoptim.scalar import Scalar
from tfoptim.update import context
from tfoptim.update.kernels import native as provider

pytestmark = pytest.mark.filterwarnings("ignore:Gradients do not exist")


@pytest.mark.parametrize(
    "optimizer",
    [tfoptim.Adam(cautious=True), tfoptim.Adan(), tfoptim.LaProp()],
    ids=["cautious", "another rule", "a third rule"],
)
def test_what_it_does_not_cover_goes_the_way_it_goes_without(recorder, optimizer):
    """The rule itself runs."""
    doubles.stepped(*doubles.built(optimizer, (2,)))
    assert [] == recorder.calls


def test_a_subclass_with_a_formula_of_its_own_runs_that(recorder):
    """As with TensorFlow's kernels."""

    class Own(tfoptim.Adam):
        def direction(self, h, g, w, s):
            return g

    doubles.stepped(*doubles.built(Own(), (2,)))
    assert [] == recorder.calls


def test_an_export_has_tensorflows_own_operations(recorder):
    """So that it can be loaded where the operation is not."""
    optimizer, variables = doubles.built(tfoptim.Adam(clipnorm=1.0), (2,))

    class Training(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([2])])
        def train(self, g):
            optimizer.apply([g], variables)

    training = Training()
    training.train.get_concrete_function()
    assert [] == recorder.calls


def test_a_method_of_a_module_has_tensorflows_own_operations(recorder):
    """Whatever its arguments: all that was traced of it is saved. A function that a module calls is not."""
    optimizer, variables = doubles.built(tfoptim.Adam(clipnorm=1.0), (2,))

    class Training(tf.Module):
        @tf.function
        def train(self, g):
            optimizer.apply([g], variables)

        def loop(self, g):
            optimizer.apply([g], variables)

    training = Training()
    training.train(tf.ones(2))
    assert [] == recorder.calls
    training.loop(tf.ones(2))
    assert [name for name, _ in recorder.calls] == ["sums", "step"]


def test_an_eager_step_is_exported_nowhere():
    """Outside of any function nothing is traced."""
    assert not context.traced_for_export()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_is_saved_of_a_layer_has_tensorflows_own_operations(recorder, dtype, tmp_path):
    """Traced by `save`, or before it for a signature: a layer is no `tf.Module`."""
    optimizer, variables = doubles.built(tfoptim.Adam(clipnorm=1.0), (2,), dtype=dtype)

    class Training(keras.layers.Layer):
        @tf.function(input_signature=[tf.TensorSpec([2], dtype)])
        def train(self, g):
            optimizer.apply([g], variables)
            return g

    training = Training()
    training.own, training.optimizer = variables, optimizer
    signature = training.train.get_concrete_function()
    tf.saved_model.save(training, tmp_path / "a", signatures=signature)
    tf.saved_model.save(training, tmp_path / "b")
    assert [] == recorder.calls


def test_a_subclass_of_lamb_with_a_factor_of_its_own_runs_that(recorder):
    """`adaptation` is a method that users may replace."""

    class Capped(tfoptim.Lamb):
        def adaptation(self, h, factor, known):
            return 0.1

    doubles.stepped(*doubles.built(Capped(), (2,)))
    assert [] == recorder.calls


def test_a_number_that_is_no_scalar_is_left_to_the_rule(recorder):
    """A subclass may put a tensor in the place of a number."""

    class Warm(tfoptim.Lion):
        def once(self, h, s):
            h.learning_rate = h.learning_rate * tf.minimum(1.0, tf.cast(self.iterations + 1, tf.float32) / 10.0)

    optimizer, [v] = doubles.built(Warm(0.5), (2,))
    doubles.stepped(optimizer, [v])
    assert [] == recorder.calls
    # a tenth of the rate, along the sign
    np.testing.assert_allclose(v.numpy(), [0.95, 0.95], rtol=1e-6)


@pytest.mark.parametrize(
    ("place", "served"),
    [
        ("", False),
        ("/job:localhost/replica:0/task:0/device:CPU:1", True),
        ("/job:worker/replica:0/task:0/device:CPU:0", False),
        ("/job:ps/replica:0/task:0/device:CPU:0", False),
        ("/job:localhost/replica:0/task:0/device:GPU:0", False),
    ],
)
def test_only_variables_on_a_cpu_of_this_process_are_served(place, served, monkeypatch):
    """The operation has no kernel for a GPU, and another process may not have it."""

    class Variable:
        device = place

    monkeypatch.setattr(native, "available", lambda: True)
    h = SimpleNamespace(t=Scalar(tf.constant(1.0, tf.float64)))
    assert provider.is_served(Variable(), h) is served
