"""What the loss of a model over all examples refuses, in one sentence each."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library import devices
from tests.library.test_full_loss import X, Y, model, own, squares, two_outputs


def half():
    """A model in mixed precision."""
    made = keras.Sequential([keras.Input([3]), keras.layers.Dense(1, dtype="mixed_float16")])
    made.compile(loss="mse")
    return made


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: tfoptim.full_loss(keras.Sequential([keras.layers.Dense(1)]), X, Y),
            "the model has no loss; call model.c",
        ),
        (lambda: tfoptim.full_loss(model(), X), "full_loss: y must be given with arrays"),
        (
            lambda: tfoptim.full_loss(model(), tf.data.Dataset.range(3), Y),
            "a dataset has its targets and weights itself",
        ),
        (
            lambda: tfoptim.full_loss(model(), X, Y, batch_size=0),
            "full_loss: batch_size must be an integer >= 1, got 0",
        ),
        (lambda: float(tfoptim.full_loss(model(), X[:0], Y[:0])()), "full_loss: the data are empty"),
        (
            lambda: tfoptim.full_loss(model(), tf.data.Dataset.from_tensors((X, Y)).repeat()),
            r"full_loss: the dataset has no end; give a part of it, such as data.take\(100\)",
        ),
        (
            lambda: tfoptim.full_loss(two_outputs({"one": "mse", "two": squares(None)})[0], X, Y),
            "full_loss: mean_squared_error has the reduction None, which leaves a number of each example",
        ),
        (
            lambda: float(tfoptim.full_loss(own(keepdims=True), X.astype("float32"), Y.astype("float32"))()),
            r"compute_loss of the model must return one number, got shape \(1, 1\)",
        ),
        (lambda: tfoptim.full_loss(half(), X, Y), "full_loss: .* computes in float16, which has too few digits"),
    ],
)
def test_what_makes_no_sense_is_refused(make, message):
    """In one sentence."""
    with pytest.raises(ValueError, match=message):
        make()
    with pytest.raises(TypeError, match="full_loss: model must be a Keras model, got int '3'"):
        tfoptim.full_loss(3, X, Y)


def test_within_the_scope_of_several_replicas_it_is_refused():
    """Keras divides means by their number there; what was made within it is fitted outside."""
    with devices.two_replicas().scope():
        model = keras.Sequential([keras.Input([1]), keras.layers.Dense(1)])
        model.compile(loss="mse")
        loss = tfoptim.full_loss(model, np.ones([4, 1]), np.zeros([4, 1]))
        with pytest.raises(RuntimeError, match=r"a strategy of 2 replicas is open; leave its scope\.$"):
            loss()
    kernel, bias = model.get_weights()
    assert loss().numpy() == pytest.approx((kernel[0, 0] + bias[0]) ** 2, rel=1e-6)  # of float32
