"""Statistics of BatchNormalization become the plain means over the batches of a pass, and nothing else changes."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.devices import on_each
from tests.library.evaluation.models import FIT, QUIET, StoppedError, X, Y, averaged, bits, compiled, trained
from tests.library.harness import values_of
from tfoptim.callbacks import EvaluateAverage

FLOAT32 = 1e-6  # a few roundings of numbers near 1


class Chunks(keras.utils.PyDataset):
    """Batches of two, by number."""

    def __len__(self):
        return 4

    def __getitem__(self, i):
        return X[2 * i : 2 * i + 2], Y[2 * i : 2 * i + 2], Y[2 * i : 2 * i + 2, 0]


class Endless(Chunks):
    """As many as wanted."""

    num_batches = None


def pairs():
    """Batches of two with labels."""
    return tf.data.Dataset.from_tensor_slices((X, Y)).batch(2)


DATA = {
    "array": lambda: X,
    "tensor": lambda: tf.constant(X),
    "dataset of pairs": pairs,
    "triples": Chunks,
    "generator": lambda: (X[i : i + 2] for i in range(0, 8, 2)),
}


def normalizing():
    """A layer with statistics in a model in a model, Dropout before it, and one that is frozen."""
    keras.utils.set_random_seed(3)
    frozen = keras.layers.BatchNormalization(trainable=False)
    inner = keras.Sequential([keras.Input((3,)), keras.layers.BatchNormalization(momentum=0.7), frozen])
    model = keras.Sequential([keras.Input((3,)), inner, keras.layers.Dense(1), keras.layers.Dropout(0.5)])
    model.run_eagerly = True
    return model, inner.layers[0]


def means(batches):
    """Means over batches of their means and variances, in float64."""
    return [np.mean([f(np.float64(x), axis=0) for x in batches], axis=0) for f in (np.mean, np.var)]


@pytest.mark.parametrize("kind", DATA)
def test_statistics_are_the_means_over_the_batches(kind):
    """Of any data that `predict` takes; weights, momentum, frozen layers and random generators stay as they were."""
    model, layer = normalizing()
    own = [id(v) for v in (layer.moving_mean, layer.moving_variance)]
    before = [v.numpy() for v in model.variables if id(v) not in own]
    tfoptim.update_batch_norm(model, DATA[kind](), batch_size=2)
    for expected, v in zip(means(np.split(X, 4)), (layer.moving_mean, layer.moving_variance), strict=True):
        np.testing.assert_allclose(v.numpy(), expected, rtol=FLOAT32)
    for expected, v in zip(before, [v for v in model.variables if id(v) not in own], strict=True):
        np.testing.assert_array_equal(v.numpy(), expected)
    assert (layer.momentum, layer.trainable) == (0.7, True)


def test_a_smaller_batch_has_the_same_weight_and_steps_are_a_limit():
    """Batches of 3, 3 and 2, in a graph; and the first two alone, of data without end."""
    model, layer = normalizing()
    model.run_eagerly = False
    tfoptim.update_batch_norm(model, X, batch_size=3)
    np.testing.assert_allclose(layer.moving_mean.numpy(), means([X[:3], X[3:6], X[6:]])[0], rtol=FLOAT32)
    tfoptim.update_batch_norm(model, pairs().repeat(), steps=2)
    np.testing.assert_allclose(layer.moving_mean.numpy(), means([X[:2], X[2:4]])[0], rtol=FLOAT32)


def test_models_of_several_inputs_are_given_them_by_name():
    """In a dictionary or a list of arrays."""
    inputs = {name: keras.Input((3,), name=name) for name in ("a", "b")}
    layer = keras.layers.BatchNormalization()
    model = keras.Model(inputs, layer(inputs["a"] + inputs["b"]))
    tfoptim.update_batch_norm(model, {"a": X, "b": 2 * X}, batch_size=4)
    np.testing.assert_allclose(layer.moving_mean.numpy(), means(np.split(3 * X, 2))[0], rtol=FLOAT32)


def test_after_an_exception_all_is_as_before():
    """Also the statistics, after a first good batch."""
    model, layer = normalizing()
    before = [v.numpy().tobytes() for v in model.variables]

    def failing():
        yield X
        raise StoppedError

    with pytest.raises(StoppedError):
        tfoptim.update_batch_norm(model, failing())
    assert before == [v.numpy().tobytes() for v in model.variables]
    assert (layer.momentum, layer.trainable) == (0.7, True)


def test_a_model_without_statistics_is_left_alone():
    """The data are not even read."""
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    tfoptim.update_batch_norm(model, None)


@pytest.mark.parametrize("synchronized", [False, True])
def test_replicas_have_the_statistics_of_whole_batches(synchronized, two_replicas):
    """Each of the two sees all of each batch, so that both have the same."""
    with two_replicas.scope():
        layer = keras.layers.BatchNormalization(synchronized=synchronized)
        model = keras.Sequential([keras.Input((3,)), layer])
    tfoptim.update_batch_norm(model, X, batch_size=4)
    for expected, v in zip(means(np.split(X, 2)), (layer.moving_mean, layer.moving_variance), strict=True):
        for copy in on_each(two_replicas, v):
            np.testing.assert_allclose(copy, expected, rtol=FLOAT32)


@pytest.mark.parametrize(
    ("data", "arguments", "error", "words"),
    [
        (lambda: iter(()), {}, ValueError, "the data have no batches"),
        (lambda: pairs().repeat(), {}, ValueError, "the data have no end: give steps"),
        (Endless, {}, ValueError, "the data have no end: give steps"),
        (lambda: X, {"batch_size": 0}, ValueError, r"batch_size must be an integer >= 1, got 0\.$"),
        (lambda: X, {"steps": 1.5}, TypeError, "steps must be an integer >= 1 or None"),
    ],
)
def test_bad_data_get_one_sentence(data, arguments, error, words):
    """That says what is wrong with them."""
    with pytest.raises(error, match=f"^update_batch_norm: {words}"):
        tfoptim.update_batch_norm(normalizing()[0], data(), **arguments)


def test_models_that_it_cannot_run_are_refused(monkeypatch):
    """What is none, one that has no variables yet, and one on several workers."""
    with pytest.raises(TypeError, match=r"^update_batch_norm: model must be a Keras model, got int '3'\.$"):
        tfoptim.update_batch_norm(3, X)
    with pytest.raises(ValueError, match="the model has no variables yet"):
        tfoptim.update_batch_norm(keras.Sequential([keras.layers.BatchNormalization()]), X)
    model = normalizing()[0]
    workers = object.__new__(tf.distribute.MultiWorkerMirroredStrategy)
    monkeypatch.setattr(type(model), "distribute_strategy", workers)
    with pytest.raises(ValueError, match="several workers are not supported"):
        tfoptim.update_batch_norm(model, X)


def test_an_evaluation_has_statistics_of_the_average():
    """Estimated once a step, for the validation and what follows it; then put back, to the bit."""
    passes = []

    def counted():
        passes.append(1)
        return X

    data = tf.data.Dataset.from_generator(lambda: iter([counted()]), output_signature=tf.TensorSpec((8, 3)))
    model, average = trained(batch_norm=True), EvaluateAverage(batch_norm_data=data)
    before = bits(model)
    loss = model.evaluate(X, Y, callbacks=[average], **QUIET)
    assert before == bits(model)
    assert len(passes) == 1
    for v, w in zip(model.trainable_variables, averaged(model), strict=True):
        v.assign(w)
    assert loss != model.evaluate(X, Y, **QUIET)
    tfoptim.update_batch_norm(model, X)
    assert loss == model.evaluate(X, Y, **QUIET)


def test_a_checkpoint_has_the_statistics_of_its_validation(tmp_path):
    """One pass an epoch serves both; a second `fit` of another model has its own."""
    passes = []

    class Counted(Chunks):
        def __getitem__(self, i):
            passes.append(i)
            return super().__getitem__(i)

    average = EvaluateAverage(batch_norm_data=Counted())
    for epochs in (2, 1):
        passes.clear()
        model = compiled(batch_norm=True)
        save = keras.callbacks.ModelCheckpoint(tmp_path / "it.weights.h5", save_weights_only=True)
        history = model.fit(**FIT, epochs=epochs, validation_data=(X, Y), callbacks=[save, average]).history
        assert list(range(4)) * epochs == passes
        before = values_of(model.non_trainable_variables)
        model.load_weights(tmp_path / "it.weights.h5")
        assert history["val_loss"][-1] == model.evaluate(X, Y, **QUIET)
        assert any(np.any(a != b) for a, b in zip(before, values_of(model.non_trainable_variables), strict=True))
