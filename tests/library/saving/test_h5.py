"""Whole models in Keras's older format, `.h5`: its loader builds the optimizer without variables."""

import keras
import numpy as np
import pytest

import tfoptim
from tests.library.saving.models import X, Y, network


@pytest.mark.parametrize(
    "make",
    [
        lambda: tfoptim.AdamW(groups={"bias": {"weight_decay": None}}),
        lambda: tfoptim.Muon(exclude_layers=["dense"]),
        lambda: tfoptim.MultiOptimizer(tfoptim.Adam(), {"bias": tfoptim.SGD()}, use_ema=True),
        lambda: tfoptim.LossScaleOptimizer(tfoptim.Lookahead(tfoptim.Adam())),
    ],
    ids=["groups", "layers", "parts", "wrappers"],
)
def test_a_model_loads_with_its_optimizer_and_trains(make, tmp_path):
    """Patterns that fit no variable are refused when there are variables, not before."""
    model = network(3)
    model.compile(make(), keras.losses.MeanSquaredError(), run_eagerly=True)
    model.train_on_batch(X, Y)
    model.save(tmp_path / "it.h5")
    loaded = keras.models.load_model(tmp_path / "it.h5")
    assert loaded.optimizer.get_config() == model.optimizer.get_config()
    assert not loaded.optimizer.built
    loaded.compile(loaded.optimizer, loaded.loss, run_eagerly=True)
    assert np.isfinite(loaded.train_on_batch(X, Y))
    assert loaded.optimizer.built


def test_excluded_variables_are_looked_for_when_there_are_any():
    """The exclusion is in the configuration; a wrong one is refused by the first step."""
    optimizer = tfoptim.AdamW()
    optimizer.exclude_from_weight_decay(var_names=["nothing_like_this"])
    optimizer.build([])
    assert not optimizer.built
    with pytest.raises(ValueError, match="'nothing_like_this' fits no variable"):
        optimizer.build([keras.Variable([1.0], name="kernel")])


def test_a_model_that_offers_its_loss_loads(tmp_path):
    """The format has the bare name of the class of a model."""
    model = tfoptim.training.trainable(network(3))
    model.compile(tfoptim.SAM(tfoptim.SGD(0.1)), keras.losses.MeanSquaredError(), run_eagerly=True)
    model.train_on_batch(X, Y)
    model.save(tmp_path / "it.h5")
    loaded = keras.models.load_model(tmp_path / "it.h5")
    assert type(loaded) is tfoptim.training.Trainable
    np.testing.assert_array_equal(loaded.predict_on_batch(X), model.predict_on_batch(X))
    assert loaded.optimizer.get_config() == model.optimizer.get_config()
