"""Models train in `fit` by the gradients that their optimizer asks for."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.training.models import WEIGHTS, Net, Own, X, Y, functional, layers, linear_loop, sequential
from tfoptim.training import Trainer, trainable


@pytest.mark.parametrize(
    ("make", "settings"),
    [
        (functional, {"run_eagerly": True}),
        (sequential, {}),
        (Net, {"run_eagerly": True}),
        (Own, {"run_eagerly": True}),
        pytest.param(functional, {"jit_compile": True}, marks=pytest.mark.slow),
        (functional, {"steps_per_execution": 2}),
    ],
)
def test_fit_is_the_loop_of_the_paper(make, settings):
    """Weights and reported losses, with sample weights; the loss reported is that of the first pass."""
    epochs = settings.get("steps_per_execution", 1)
    model = make()
    model.compile(tfoptim.SAM(tfoptim.SGD(0.1), rho=0.2, adaptive=True), "mse", **settings)
    data = tf.data.Dataset.from_tensors((X, Y, WEIGHTS)).repeat(2 if epochs > 1 else 1)
    history = model.fit(data, epochs=2 // epochs, verbose=0, shuffle=False).history
    weights, losses = linear_loop(2, adaptive=True)
    for v, w in zip(model.trainable_variables, weights, strict=True):
        np.testing.assert_allclose(v.numpy(), w, rtol=0, atol=2e-6)  # float32
    if make is not Own:  # Keras shows its own tracker's loss, which a train_step of your own may leave out
        np.testing.assert_allclose(history["loss"], losses if epochs == 1 else [np.mean(losses)], rtol=1e-5)


@pytest.mark.parametrize("make", [lambda: tfoptim.Adam(0.1), lambda: keras.optimizers.Adam(0.1)])
def test_with_any_other_optimizer_it_trains_as_without(make):
    """Weights, losses and metrics have the same bits as with Keras's own training step."""

    def history(wrap):
        keras.utils.set_random_seed(0)
        inputs = keras.Input((3,), name="x")
        x = keras.layers.Dropout(0.3)(keras.layers.BatchNormalization()(keras.layers.Dense(4)(inputs)))
        out = keras.layers.Dense(1, kernel_regularizer="l2", activity_regularizer="l1")(x)
        model = wrap(keras.Model({"x": inputs}, {"a": out, "b": keras.layers.Dense(1)(x)}))
        model.compile(make(), {"a": "mse", "b": "mae"}, metrics={"a": "mae"}, run_eagerly=True)
        return [model.train_on_batch({"x": X}, {"a": Y, "b": -Y}) for _ in range(2)], model.get_weights()

    (expected, weights), (found, again) = history(lambda model: model), history(trainable)
    assert expected == found
    for w, v in zip(weights, again, strict=True):
        np.testing.assert_array_equal(v, w)


def test_weights_are_shared_with_the_model_it_was_made_of():
    """Training one trains both; names and inputs are the same, and a clone trains as well."""
    model = keras.Sequential([keras.Input((3,)), layers()], name="mine")
    wrapped = trainable(model)
    wrapped.compile(tfoptim.SAM(tfoptim.SGD(0.1)), "mse", run_eagerly=True)
    wrapped.train_on_batch(X, Y)
    assert wrapped.name == "mine"
    np.testing.assert_array_equal(model(X), wrapped(X))
    clone = keras.models.clone_model(wrapped)
    clone.compile(tfoptim.SAM(tfoptim.SGD(0.1)), "mse", run_eagerly=True)
    assert clone.train_on_batch(X, Y) > 0
    assert clone.layers[-1].kernel is not wrapped.layers[-1].kernel


# Refusals


def test_a_plain_model_is_refused_with_the_way_out():
    """Never silently the optimizer without SAM; the same under the loss scale that Keras adds."""
    for dtype in ("float32", "mixed_float16"):
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        model.dtype_policy = keras.DTypePolicy(dtype)
        model.compile(tfoptim.SAM(tfoptim.SGD()), "mse")
        assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer) == (dtype == "mixed_float16")
        with pytest.raises(RuntimeError, match=r"SAM needs the loss.*tfoptim.training.trainable\(model\)"):
            model.fit(X, Y, verbose=0)


def test_a_train_step_that_does_not_ask_is_refused():
    """Though the class has the mixin."""

    class Silent(Net):
        def train_step(self, data):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(self(data[0]))
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
            return {"loss": loss}

    model = Silent()
    model.compile(tfoptim.SAM(tfoptim.SGD()), "mse", run_eagerly=True)
    with pytest.raises(RuntimeError, match="In a loop or a train_step of your own"):
        model.train_on_batch(X, Y)


def test_models_that_cannot_be_made_again_are_refused():
    """Classes can derive from the mixin; a model without inputs can be given some; the order of bases matters."""
    with pytest.raises(TypeError, match=r"got Own. Write class Own\(tfoptim.training.Trainer, keras.Model\)"):
        trainable(Own())
    with pytest.raises(ValueError, match=r"has no inputs yet: add a keras\.Input"):
        trainable(keras.Sequential([keras.layers.Dense(1)]))
    with pytest.raises(TypeError, match="write Trainer first"):
        type("Late", (keras.Model, Trainer), {})
    model = Net()
    assert trainable(model) is model
