"""Whatever fails while weights are the averaged ones, the training weights come back, and later calls see them."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.library.evaluation.models import FIT, QUIET, Look, StoppedError, X, Y, bits, shows_average, trained
from tfoptim.callbacks import EvaluateAverage
from tfoptim.step import swap


@pytest.fixture(scope="module")
def model():
    """One for all tests, as each leaves it as it was."""
    return trained()


class Fail(keras.callbacks.Callback):
    """Raises in one hook."""

    def __init__(self, hook, error=StoppedError):
        super().__init__()

        def fail(*_, **__):
            raise error

        setattr(self, hook, fail)


def failing_after(batches):
    """Data that end in an error."""
    for _ in range(batches):
        yield X, Y
    raise StoppedError


@pytest.mark.parametrize("order", [1, -1], ids=["before", "after"])
@pytest.mark.parametrize("hook", ["on_test_begin", "on_test_batch_begin", "on_test_batch_end", "on_test_end"])
def test_another_callback_that_fails_in_an_evaluation(hook, order, model):
    """The next evaluation, without the callback, has the loss of the training weights."""
    before, loss = bits(model), model.evaluate(X, Y, **QUIET)
    with pytest.raises(StoppedError):
        model.evaluate(X, Y, callbacks=[EvaluateAverage(), Fail(hook)][::order], **QUIET)
    assert before == bits(model)
    assert loss == model.evaluate(X, Y, **QUIET)


def test_data_that_fail():
    """In an evaluation, in a prediction and in the validation of `fit`; TensorFlow reports any error as its own."""
    model, average = trained(), EvaluateAverage()
    before = bits(model)
    for evaluate in (model.evaluate, model.predict):
        with pytest.raises(tf.errors.UnknownError, match="StoppedError"):
            evaluate(failing_after(2), steps=3, callbacks=[average], verbose=0)
        assert before == bits(model)
    with pytest.raises(tf.errors.UnknownError, match="StoppedError"):
        model.fit(**FIT, validation_data=failing_after(2), validation_steps=3, callbacks=[average])
    expected = [w.tobytes() for w in trained(epochs=2).get_weights()]
    assert expected == [w.tobytes() for w in model.get_weights()]


@pytest.mark.parametrize("error", [StoppedError, KeyboardInterrupt])
def test_a_model_that_fails(error, model, monkeypatch):
    """In the second of two batches, while the weights are the averaged ones."""
    before, call, seen = bits(model), model.layers[0].call, []

    def fail(x, **_):
        seen.append(shows_average(model))
        if len(seen) == 2:
            raise error
        return call(x)

    monkeypatch.setattr(model.layers[0], "call", fail)
    with pytest.raises(error):
        model.evaluate(X, Y, callbacks=[EvaluateAverage()], **QUIET)
    assert [True, True] == seen
    assert before == bits(model)


@pytest.mark.parametrize("order", [1, -1], ids=["before", "after"])
def test_a_checkpoint_that_cannot_be_written(order, tmp_path):
    """A folder has its name."""
    (tmp_path / "it.weights.h5").mkdir()
    save = keras.callbacks.ModelCheckpoint(tmp_path / "it.weights.h5", save_weights_only=True)
    model = trained()
    before = bits(model)
    with pytest.raises(OSError, match="directory"):
        model.fit(**FIT, callbacks=[EvaluateAverage(), save][::order])
    assert before != bits(model)
    assert not shows_average(model)


def test_evaluations_within_an_evaluation(model):
    """Another callback evaluates in each hook: with the callback it sees averages, as does the outer one."""
    average = EvaluateAverage()
    before, expected = bits(model), model.evaluate(X, Y, callbacks=[average], **QUIET)
    losses = []

    class Nested(keras.callbacks.Callback):
        busy = False

        def nested(self, *_, **__):
            if not self.busy:
                self.busy = True
                losses.append(model.evaluate(X, Y, callbacks=[average], **QUIET))
                losses.append(model.evaluate(X, Y, **QUIET))
                self.busy = False

        on_test_batch_begin = on_test_end = nested

    for callbacks in ([average, Nested()], [Nested(), average]):
        look = Look("on_test_batch_end")
        assert np.shape(model.evaluate(X, Y, callbacks=[*callbacks, look], **QUIET)) == ()
        assert all(look.seen["on_test_batch_end"])
    assert {expected} == set(losses)
    assert before == bits(model)


def test_a_nested_evaluation_in_the_weights_of_training():
    """At the end of an epoch; the same object validates and is asked again."""
    average, losses = EvaluateAverage(), []

    class AtEnd(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            again = self.model.evaluate(X, Y, callbacks=[average], **QUIET)
            losses.append((logs["val_loss"], again, self.model.evaluate(X, Y, **QUIET)))

    trained().fit(**FIT, epochs=2, validation_data=(X, Y), callbacks=[average, AtEnd()])
    for validated, again, plain in losses:
        assert validated == again
        assert validated != plain


def test_an_interruption_while_weights_are_put_back(monkeypatch):
    """They are put back all the same, and it goes on."""
    variable, write, calls = tf.Variable(1.0), swap.write, []

    def interrupted(values):
        calls.append(values)
        if len(calls) == 2:
            raise KeyboardInterrupt
        write(values)

    monkeypatch.setattr(swap, "write", interrupted)
    with pytest.raises(KeyboardInterrupt), swap.held([(variable, tf.constant(2.0))]):
        assert float(variable) == 2.0
    assert float(variable) == 1.0
