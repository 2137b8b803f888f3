"""What in Keras reads an optimizer does with ours what it does with Keras's own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.products import parameters, representatives

FLOAT32 = 1e-5  # of weights of order 1: Keras computes its factors in float32, we do not
EPOCHS = 4
LIKE_KERAS = representatives(lambda case: case.keras_name and case.slots)
# What these read, an optimizer with state of both kinds has; the others are beyond.
some = pytest.mark.parametrize("case", [parameters(case, fast=bool(case.shared_state)) for case in LIKE_KERAS])


def data():
    """Sixteen examples of three features, and their targets."""
    generator = np.random.default_rng(1)
    return generator.normal(size=(16, 3)).astype("float32"), generator.normal(size=(16, 1)).astype("float32")


def model(optimizer):
    """Two dense layers with the same weights each time."""
    keras.utils.set_random_seed(5)
    net = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, "tanh"), keras.layers.Dense(1)])
    net.compile(optimizer, "mse", jit_compile=False)
    return net


def fit(net, callbacks=(), epochs=EPOCHS, **arguments):
    """The history of a training without shuffling."""
    x, y = data()
    return net.fit(
        x, y, batch_size=4, epochs=epochs, shuffle=False, verbose=0, callbacks=list(callbacks), **arguments
    ).history


def assert_same_training(case, callback, **arguments):
    """Trains with ours and with Keras's class under a new callback each; equal weights and equal history."""
    ours, theirs = model(case.make(**arguments)), model(case.make_keras(**arguments))
    histories = [fit(net, [callback()], validation_data=data()) for net in (ours, theirs)]
    for mine, wanted in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(mine, wanted, rtol=0, atol=FLOAT32)
    assert histories[0].keys() == histories[1].keys()
    for key, wanted in histories[1].items():
        np.testing.assert_allclose(histories[0][key], wanted, rtol=1e-4)
    return histories[0]


@some
def test_swap_ema_weights(case):
    """Validation sees the averages, training goes on from the weights."""
    swapped = assert_same_training(case, keras.callbacks.SwapEMAWeights, use_ema=True, ema_momentum=0.9)
    plain = fit(model(case.make(use_ema=True, ema_momentum=0.9)), validation_data=data())
    # Keras swaps by adding and subtracting, which rounds.
    np.testing.assert_allclose(swapped["loss"], plain["loss"], rtol=1e-5)
    assert not np.allclose(swapped["val_loss"][:-1], plain["val_loss"][:-1], rtol=1e-3)


@some
def test_learning_rate_scheduler(case):
    """The rate of each epoch is the one the callback sets."""
    history = assert_same_training(
        case, lambda: keras.callbacks.LearningRateScheduler(lambda epoch: 0.01 / (1 + epoch))
    )
    np.testing.assert_allclose(history["learning_rate"], [0.01 / (1 + i) for i in range(EPOCHS)], rtol=1e-6)


@some
def test_reduce_lr_on_plateau(case):
    """An improvement that cannot be reached halves the rate at every epoch after the first."""
    history = assert_same_training(
        case, lambda: keras.callbacks.ReduceLROnPlateau(monitor="loss", factor=0.5, patience=1, min_delta=100.0)
    )
    np.testing.assert_allclose(history["learning_rate"], case.learning_rate * 0.5 ** np.array([0, 0, 1, 2]), rtol=1e-6)


class EndOfProcessError(Exception):
    """Stands for the end of a process."""


@some
def test_backup_and_restore(case, tmp_path):
    """Interrupted after two epochs of four and begun again, training ends with the bits of a training in one go."""
    expected = model(case.make())
    fit(expected)

    def interrupt(epoch, logs):
        if epoch == 2:
            raise EndOfProcessError

    with pytest.raises(EndOfProcessError):
        fit(
            model(case.make()),
            [keras.callbacks.BackupAndRestore(tmp_path), keras.callbacks.LambdaCallback(on_epoch_begin=interrupt)],
        )
    resumed = model(case.make())
    history = fit(resumed, [keras.callbacks.BackupAndRestore(tmp_path)])
    assert len(history["loss"]) == EPOCHS - 2
    for wanted, w in zip(expected.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(wanted, w)


@some
@pytest.mark.filterwarnings("ignore::UserWarning:tensorboard")  # it imports pkg_resources
def test_tensorboard(case, tmp_path):
    """The learning rate of every epoch is in the log."""
    pytest.importorskip("tensorboard", reason="this TensorFlow comes without TensorBoard")
    fit(model(case.make()), [keras.callbacks.TensorBoard(tmp_path, write_graph=False)])
    events = [
        value
        for file in tmp_path.glob("train/events*")
        for record in tf.data.TFRecordDataset(str(file))
        for value in tf.compat.v1.Event.FromString(record.numpy()).summary.value
    ]
    rates = [float(tf.make_ndarray(v.tensor)) for v in events if v.tag == "epoch_learning_rate"]
    np.testing.assert_allclose(rates, [case.learning_rate] * EPOCHS, rtol=1e-6)


@some
def test_export(case, tmp_path):
    """A trained model, exported for serving, predicts what it predicts."""
    net = model(case.make())
    fit(net)
    net.export(tmp_path, verbose=False)
    x, _ = data()
    served = tf.saved_model.load(tmp_path)
    np.testing.assert_allclose(served.serve(x), net.predict(x, verbose=0), rtol=1e-6)


@some
def test_clone_model(case):
    """A clone, compiled with the optimizer made from the config, trains to the same bits."""
    net = model(case.make())
    clone = keras.models.clone_model(net)
    clone.set_weights(net.get_weights())
    clone.compile(type(net.optimizer).from_config(net.optimizer.get_config()), "mse", jit_compile=False)
    for trained in (net, clone):
        fit(trained)
    for wanted, w in zip(net.get_weights(), clone.get_weights(), strict=True):
        np.testing.assert_array_equal(wanted, w)


@pytest.mark.skipif(not hasattr(keras.optimizers, "MultiOptimizer"), reason="Keras has MultiOptimizer from 3.15 on")
def test_multi_optimizer():
    """Two of ours in Keras's MultiOptimizer train each layer as two of Keras's do."""

    def multi(first, second):
        sides = keras.optimizers.OptimizerMap(default_optimizer=first)
        sides["dense_1"] = second
        return keras.optimizers.MultiOptimizer(sides)

    ours = model(multi(tfoptim.Adam(0.01), tfoptim.SGD(0.1, momentum=0.9)))
    theirs = model(multi(keras.optimizers.Adam(0.01), keras.optimizers.SGD(0.1, momentum=0.9)))
    for net in (ours, theirs):
        fit(net)
    for wanted, w in zip(theirs.get_weights(), ours.get_weights(), strict=True):
        np.testing.assert_allclose(w, wanted, rtol=0, atol=FLOAT32)
