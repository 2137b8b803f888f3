"""What cannot be resumed is refused in one sentence, before training and without changing anything."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.interrupted import batches, compiled, everything, train
from tests.library.resume.programs import FAST
from tfoptim.resume import checkpoints


def test_callbacks_listed_after_resume_are_refused(tmp_path):
    """They would forget what they were given back, because Keras's callbacks begin by resetting themselves."""

    def attempt(stop, order):
        waiting = keras.callbacks.EarlyStopping("loss", patience=9, min_delta=100.0, mode="min")
        resume = tfoptim.callbacks.Resume(tmp_path, callbacks=[waiting])
        callbacks = [waiting, resume][::order]
        data = resume.data(batches)
        compiled(everything(), **FAST).fit(
            data, epochs=stop, initial_epoch=resume.epoch, callbacks=callbacks, shuffle=False, verbose=0
        )

    attempt(2, 1)
    with pytest.raises(ValueError, match="list them before"):
        attempt(3, -1)


def test_an_infinite_epoch_is_refused(tmp_path):
    """An epoch without end would never come to the next."""
    with pytest.raises(ValueError, match=r"infinite dataset: use \.take"):
        tfoptim.callbacks.Resume(tmp_path).data(lambda epoch: batches(epoch).repeat())


@pytest.mark.parametrize("known", [True, False])
def test_data_that_has_become_shorter_is_refused(known, left):
    """Two batches of the second epoch are done, and now it has only one, whether Keras knows it before or not."""
    data = lambda epoch: batches(epoch).take(1).filter(lambda *_: True)  # noqa: E731  one line
    data = (lambda epoch: batches(epoch).take(1)) if known else data
    with pytest.raises(ValueError, match="2 batches of epoch 1 are complete, but the data has fewer"):
        train(left, data=data, **FAST)


def test_fit_must_begin_where_training_stopped(left):
    """Without `initial_epoch`, the first epochs would be trained twice."""
    resume = tfoptim.callbacks.Resume(left)
    with pytest.raises(ValueError, match=r"epoch 0, but 1 are complete: pass initial_epoch=resume\.epoch"):
        compiled(everything()).fit(resume.data(batches), callbacks=[resume], epochs=2, shuffle=False, verbose=0)


# Refusals


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        ("ema_momentum is 0.5 here and 0.9", {"make": lambda: everything(ema_momentum=0.5)}),
        ("class_name is 'Nadam' here and 'Adam'", {"make": lambda: tfoptim.Nadam(0.05)}),
        (r"model variable 0 is .*\(3, 9\).* here and .*\(3, 8\)", {"units": 9}),
        ("callbacks is .*EarlyStopping.* here and", {"callbacks": [keras.callbacks.EarlyStopping("loss")]}),
    ],
    ids=["setting", "class", "shape", "callbacks"],
)
def test_checkpoint_of_another_training_is_refused_and_changes_nothing(words, arguments, left):
    """The message lists what differs, and the model keeps its weights."""
    resume = tfoptim.callbacks.Resume(left, callbacks=arguments.pop("callbacks", ()))
    model = compiled(arguments.pop("make", everything)(), **arguments)
    before = [v.numpy() for v in model.variables]
    with pytest.raises(ValueError, match=rf"nothing was changed.*{words}"):
        model.fit(resume.data(batches), epochs=2, initial_epoch=1, callbacks=[resume], shuffle=False, verbose=0)
    for expected, variable in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(variable.numpy(), expected)


def test_other_metrics_in_an_unfinished_epoch_are_refused(left):
    """The epoch's loss would be the mean of some batches, and its accuracy that of others."""
    with pytest.raises(ValueError, match=r"metrics is .* here and .* in the checkpoint"):
        train(left, metrics=[], **FAST)


def test_other_versions_are_named(left, monkeypatch):
    """Equality is promised for the same TensorFlow and Keras; with others, training goes on with a warning."""
    monkeypatch.setattr(keras, "__version__", "0.0.1")
    with pytest.warns(UserWarning, match=r"saved with .*resumed with .*'0\.0\.1'"):
        train(left, 7, **FAST)


def test_model_without_variables_or_optimizer_is_refused(tmp_path):
    """There is nothing to save or restore yet, and the message says what to do."""
    resume = tfoptim.callbacks.Resume(tmp_path)
    model = keras.Sequential([keras.layers.Dense(3)])
    model.compile(everything(), "mse")
    with pytest.raises(ValueError, match=r"no variables yet: add a keras\.Input"):
        model.fit(resume.data(batches), callbacks=[resume], shuffle=False, verbose=0)
    with pytest.raises(ValueError, match="no optimizer"):
        compiled(None).fit(resume.data(batches), callbacks=[resume], shuffle=False, verbose=0)
    assert [] == list(tmp_path.iterdir())


def test_several_workers_are_refused(tmp_path, monkeypatch):
    """Their checkpoints would have to agree with each other."""
    monkeypatch.setattr(tf.distribute, "MultiWorkerMirroredStrategy", type(tf.distribute.get_strategy()))
    with pytest.raises(ValueError, match="several workers"):
        train(tmp_path)


@pytest.mark.parametrize("bad", ["a_file", "a_file/inside", "with_{epoch}"])
def test_folder_that_cannot_be_used_is_refused_before_training(bad, tmp_path):
    """The message has the path."""
    (tmp_path / "a_file").write_text("mine")
    with pytest.raises(ValueError, match=rf"{bad}: .*(cannot write|placeholders)"):
        tfoptim.callbacks.Resume(tmp_path / bad)
    assert "mine" == (tmp_path / "a_file").read_text()


def test_folder_without_permission_is_refused_before_training(tmp_path, monkeypatch):
    """That a folder exists does not mean that it can be written to."""

    def refuse(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(checkpoints.tempfile, "TemporaryFile", refuse)
    with pytest.raises(ValueError, match=rf"{tmp_path}: .*Permission denied"):
        tfoptim.callbacks.Resume(tmp_path)


@pytest.mark.parametrize(("bad", "error"), [(0, ValueError), (1.5, TypeError), (True, TypeError)])
def test_every_steps_must_be_a_whole_number(bad, error, tmp_path):
    """The message names the argument."""
    with pytest.raises(error, match="Resume: every_steps must be an integer >= 1 or None"):
        tfoptim.callbacks.Resume(tmp_path, every_steps=bad)


# Files
