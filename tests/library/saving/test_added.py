"""Variables that a user's class adds: saved, and found again, wherever Keras would find them."""

import copy
import pickle  # noqa: TID251  of a model, as users copy it

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.saving.models import X, Y


@keras.saving.register_keras_serializable(package="tests.added")
class Counting(tfoptim.Adam):
    """Keeps a variable of its own from the start, one from `build` on, and one for each weight."""

    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.own = keras.Variable(7.0, trainable=False)

    def build(self, variables):
        """Adds variables once."""
        if not self.built:
            super().build(variables)
            self.extra = self.add_variable((), name="extra")
            self.each = [self.add_variable_from_reference(v, "each") for v in variables]


def model_with(optimizer):
    """A compiled model, which is built and its optimizer not."""
    model = keras.Sequential([keras.Input((X.shape[1],)), keras.layers.Dense(Y.shape[1])])
    model.compile(optimizer, "mse")
    return model


def trained():
    """A model whose optimizer has its own variables changed."""
    model = model_with(Counting(0.1))
    model.fit(X, Y, verbose=0)
    model.optimizer.own.assign(5.0)
    model.optimizer.extra.assign(3.0)
    model.optimizer.each[0].assign(tf.fill(model.optimizer.each[0].shape, 2.0))
    return model


def by_file(model, folder):
    """Loaded as a whole."""
    model.save(folder / "model.keras")
    return keras.models.load_model(folder / "model.keras")


def by_weights(model, folder):
    """Loaded before the optimizer is built, whose names for variables are other ones."""
    model.save_weights(folder / "model.weights.h5")
    other = model_with(Counting(0.1))
    other.load_weights(folder / "model.weights.h5")
    other.optimizer.learning_rate = 0.0
    other.fit(X, Y, verbose=0)
    return other


WAYS = {
    "file": by_file,
    "weights": by_weights,
    "copy": lambda model, _: copy.deepcopy(model),
    "pickle": lambda model, _: pickle.loads(pickle.dumps(model)),  # noqa: S301
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_variables_of_a_users_class_are_found_again(way, tmp_path):
    """Without a warning, which would be an error here."""
    optimizer = way(trained(), tmp_path).optimizer
    found = [float(optimizer.own), float(optimizer.extra), optimizer.each[0].numpy().ravel()[0]]
    assert found == [5.0, 3.0, 2.0]


def test_a_variable_of_another_shape_keeps_its_value(tmp_path):
    """It is another one."""
    trained().save_weights(tmp_path / "model.weights.h5")

    class Wider(Counting):
        def build(self, variables):
            if not self.built:
                tfoptim.Adam.build(self, variables)
                self.extra = self.add_variable((9,), name="extra")

    other = model_with(Wider(0.1))
    other.load_weights(tmp_path / "model.weights.h5")
    other.fit(X, Y, verbose=0)
    assert other.optimizer.extra.numpy().tolist() == [0.0] * 9


def test_what_a_file_lacks_or_has_in_addition_is_named(tmp_path):
    """Both ways, between a user's class and the one that it derives from."""
    trained().save_weights(tmp_path / "model.weights.h5")
    plain = model_with(tfoptim.Adam(0.1))
    plain.fit(X, Y, verbose=0)
    with pytest.warns(UserWarning, match=r"Taken for 2; not used: .*_each.*extra\."):
        plain.load_weights(tmp_path / "model.weights.h5")
    plain.save_weights(tmp_path / "plain.weights.h5")
    other = trained()
    with pytest.warns(UserWarning, match=r"Taken for 2; not in the file: extra, .*_each"):
        other.load_weights(tmp_path / "plain.weights.h5")
    assert float(other.optimizer.extra) == 3.0
    assert np.all(other.optimizer.each[0].numpy() == 2.0)
