"""SAM in `fit` with half precision, on replicas, from files."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.devices import on_each
from tests.library.training.models import X, Y, fitted, sequential
from tfoptim.training import Trainer, trainable


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "bfloat16"])
def test_half_precision_follows_float32(policy):
    """Under the loss scale of Keras, added by `compile`, too; weights are not left at their perturbed values."""

    def trained(policy):
        hidden = keras.layers.Dense(8, "tanh", dtype=policy)
        model = trainable(keras.Sequential([keras.Input((3,)), hidden, keras.layers.Dense(1, dtype=policy)]))
        generator = np.random.default_rng(0)
        model.set_weights([generator.normal(size=v.shape) / 2 for v in model.weights])
        model.dtype_policy = keras.DTypePolicy(policy)
        model.compile(tfoptim.SAM(tfoptim.SGD(0.05), rho=0.1), "mse", run_eagerly=True)
        model.optimizer.initial_scale = 2.0**8  # or the first steps would be skipped
        losses = [float(model.train_on_batch(X, Y)) for _ in range(6)]
        return model, losses[-1]

    (model, found), (_, expected) = trained(policy), trained("float32")
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer) == (policy == "mixed_float16")
    assert found == pytest.approx(expected, rel=0.03)  # 8 bits of bfloat16 are 0.4 %, over six steps


ROWS = np.array([[0, 1], [1, 1], [2, 4], [4, 0], [1, 5], [2, 2], [5, 1], [0, 4]], "int32")
TABLE = np.random.default_rng(1).normal(size=(7, 2)).astype("float32")


def looked_up(strategy, adaptive):
    """An embedding and a dense weight after four steps on ROWS, a part of them on each replica."""
    with strategy.scope():
        variables = table, w = [keras.Variable(TABLE), keras.Variable([0.5, -1.0])]
        optimizer = tfoptim.SAM(tfoptim.SGD(0.05), rho=0.3, adaptive=adaptive)
        optimizer.build(variables)
    size = len(ROWS) // strategy.num_replicas_in_sync

    def in_replica():
        first = size * tf.distribute.get_replica_context().replica_id_in_sync_group
        rows = tf.constant(ROWS)[first : first + size]
        loss = lambda: tf.reduce_sum((tf.gather(table.value, rows) * w.value) ** 2) / len(ROWS)  # noqa: E731
        optimizer.apply(optimizer.gradients(loss, variables), variables)

    step = tf.function(lambda: strategy.run(in_replica))
    for _ in range(4):
        step()
    return variables


@pytest.mark.parametrize("adaptive", [False, True])
def test_replicas_stay_mirrored_and_train_as_one_device(adaptive, two_replicas):
    """The first gradients, dense and sparse, are summed before the norm: one perturbation, of the joint batch."""
    expected = looked_up(tf.distribute.OneDeviceStrategy("CPU:0"), adaptive)
    for v, w in zip(looked_up(two_replicas, adaptive), expected, strict=True):
        first, second = on_each(two_replicas, v)
        np.testing.assert_array_equal(first, second)
        np.testing.assert_allclose(first, w.numpy(), rtol=0, atol=2e-6)  # float32, sums in another order
        assert np.any(first[0] != (TABLE if first.ndim == 2 else [0.5])[0])
    np.testing.assert_array_equal(on_each(two_replicas, expected[0])[0][[3, 6]], TABLE[[3, 6]])  # never looked up


@pytest.mark.slow
def test_fit_on_replicas_is_fit_on_one_device(two_replicas):
    """Keras divides the loss by the number of replicas; statistics of BatchNorm are its own matter."""
    alone, expected = fitted(sequential(), tfoptim.SAM(tfoptim.SGD(0.1), rho=0.2), epochs=3)
    with two_replicas.scope():
        model, found = fitted(sequential(), tfoptim.SAM(tfoptim.SGD(0.1), rho=0.2), epochs=3)
    np.testing.assert_allclose(found["loss"], expected["loss"], rtol=1e-5)
    for v, w in zip(model.trainable_variables, alone.trainable_variables, strict=True):
        first, second = on_each(two_replicas, v)
        np.testing.assert_array_equal(first, second)
        np.testing.assert_allclose(first, w.numpy(), rtol=0, atol=2e-6)  # float32, sums in another order


@pytest.mark.slow
def test_replicas_under_the_loss_scale_of_keras(two_replicas):
    """Keras calls `apply` in threads of its own; SAM knows the replica all the same."""
    with two_replicas.scope():
        hidden = keras.layers.Dense(4, "tanh", dtype="mixed_float16")
        model = trainable(keras.Sequential([keras.Input((3,)), hidden, keras.layers.Dense(1, dtype="float32")]))
        model.dtype_policy = keras.DTypePolicy("mixed_float16")
        model.compile(tfoptim.SAM(tfoptim.SGD(0.05)), "mse")
    losses = model.fit(X, Y, 12, 3, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    for v in model.trainable_variables:
        np.testing.assert_array_equal(*on_each(two_replicas, v))


def test_a_saved_model_goes_on_to_the_last_bit(tmp_path):
    """The file has the class, SAM, and the state of the optimizer; `fit` works after loading."""

    def fit(model, epochs):
        model.fit(X, Y, 12, epochs, verbose=0)
        return model

    def made():
        keras.utils.set_random_seed(0)
        model = sequential()
        model.compile(tfoptim.SAM(tfoptim.Adam(0.1, name="adam"), rho=0.2), "mse")
        return model

    expected = fit(made(), 3)
    path = tmp_path / "model.keras"
    fit(made(), 2).save(path)
    found = fit(keras.models.load_model(path), 1)
    assert isinstance(found, Trainer)
    assert found.optimizer.get_config() == expected.optimizer.get_config()
    for v, w in zip(found.variables, expected.variables, strict=True):
        np.testing.assert_array_equal(v.numpy(), w.numpy())


def test_an_interrupted_training_resumes_to_the_last_bit(tmp_path):
    """Numbers that were assigned, the radius among them, come back."""

    def widen(optimizer, epoch):
        if epoch == 0:
            optimizer.sam_rho = 0.5

    def program(folder, epochs):
        model = sequential()
        model.compile(tfoptim.SAM(tfoptim.Adam(0.1), rho=0.2), "mse")
        resume = tfoptim.callbacks.Resume(folder)
        data = resume.data(lambda epoch: tf.data.Dataset.from_tensors((X, Y)))
        assign = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: widen(model.optimizer, epoch))
        callbacks = [assign, resume]
        model.fit(data, epochs=epochs, initial_epoch=resume.epoch, callbacks=callbacks, verbose=0, shuffle=False)
        return model

    expected = program(tmp_path / "whole", 2)
    program(tmp_path / "parts", 1)
    found = program(tmp_path / "parts", 2)
    assert found.optimizer.sam_rho == 0.5
    for v, w in zip(found.variables, expected.variables, strict=True):
        np.testing.assert_array_equal(v.numpy(), w.numpy())
