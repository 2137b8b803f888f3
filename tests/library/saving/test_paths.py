"""Patterns of a saved optimizer fit its variables again, under other paths and where layers have been frozen since."""

import copy

import keras
import numpy as np
import pytest

import tfoptim
from tfoptim.groups import Paths
from tfoptim.state import path_of

X, Y = np.random.default_rng(0).normal(size=(8, 3)), np.ones((8, 1))


def sequential():
    """Its loaded copy has no model's name in the paths of its variables."""
    layers = [keras.layers.Dense(4, name="hid"), keras.layers.Dense(1, name="out")]
    return keras.Sequential([keras.Input((3,)), *layers], name="whole")


def nested():
    """A backbone inside, whose name is lost, too."""
    body = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, name="hid")], name="embedding_backbone")
    return keras.Sequential([keras.Input((3,)), body, keras.layers.Dense(1, name="out")], name="whole")


def excluding(model, **arguments):
    """An optimizer with an excluded layer."""
    optimizer = tfoptim.AdamW(0.01, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(**arguments)
    return optimizer


PART = {
    "layer_decay": lambda model: tfoptim.AdamW(0.01, groups=tfoptim.layer_decay(model)),
    "groups": lambda model: tfoptim.AdamW(0.01, groups={"hid/": {"learning_rate": 0.1}}),
    "var_names": lambda model: excluding(model, var_names=["hid/bias"]),
    "var_list": lambda model: excluding(model, var_list=[model.trainable_variables[0]]),
    "routing": lambda model: tfoptim.Muon(0.01, exclude_layers=["hid/"]),
    "embeddings": lambda model: tfoptim.Muon(0.01),
    "parts": lambda model: tfoptim.MultiOptimizer(tfoptim.AdamW(0.01), {"hid/": tfoptim.SGD(0.1)}),
    "lookahead": lambda model: tfoptim.Lookahead(tfoptim.AdamW(0.01, groups={"hid/": {"learning_rate": 0.1}})),
}


def built(make, optimizer):
    """A model whose optimizer has state."""
    keras.utils.set_random_seed(0)
    model = make()
    model.compile(optimizer(model), "mse")
    model.optimizer.build(model.trainable_variables)
    return model


def treatment(optimizer):
    """How each variable is treated: by which part, group and slots."""
    parts = getattr(optimizer, "optimizers", [optimizer])
    return [
        (tuple(v.shape), i, *own)
        for i, part in enumerate(parts)
        for v, *own in zip(part._trainable_variables, part._runtime.groups, slots(part), strict=True)
    ]


def slots(optimizer):
    """Shapes of the slots of each variable."""
    return [{name: tuple(slot.shape) for name, slot in own.items()} for own in optimizer._runtime.slots]


@pytest.mark.parametrize("name", PART)
@pytest.mark.parametrize("make", [sequential, nested])
def test_a_loaded_optimizer_treats_its_variables_as_the_saved_one(make, name, tmp_path):
    """Each by the numbers and slots that it had."""
    model = built(make, PART[name])
    model.save(tmp_path / "whole.keras")
    loaded = keras.models.load_model(tmp_path / "whole.keras")
    assert treatment(loaded.optimizer) == treatment(model.optimizer)
    assert loaded.optimizer.get_config() == model.optimizer.get_config()


def test_a_pattern_of_a_name_that_is_lost(tmp_path):
    """The path says nothing any more; a second saving keeps what the first one meant, and training goes by it."""
    model = built(nested, lambda model: tfoptim.AdamW(0.01, groups={"backbone/": {"learning_rate": 0.0}}))
    for name in ("first.keras", "second.keras"):
        model.save(tmp_path / name)
        model = keras.models.load_model(tmp_path / name)
    before = model.get_weights()
    model.fit(X, Y, verbose=0)
    moved = [bool(np.any(old != new)) for old, new in zip(before, model.get_weights(), strict=True)]
    assert moved == [False, False, True, True]
    assert path_of(model.optimizer, model.trainable_variables[0]) == "embedding_backbone/hid/kernel"


@pytest.mark.filterwarnings("ignore:.*has state for other variables")
@pytest.mark.parametrize("name", [name for name in PART if name != "layer_decay"])
def test_a_layer_may_be_frozen_before_saving(name, tmp_path):
    """Its pattern fits none of the variables that are left, and loading goes on."""
    model = built(sequential, PART[name])
    model.get_layer("hid").trainable = False
    model.save(tmp_path / "whole.keras")
    for loaded in (keras.models.load_model(tmp_path / "whole.keras"), copy.deepcopy(model)):
        assert [shape for shape, *_ in treatment(loaded.optimizer)] == [(4, 1), (1,)]


def test_groups_of_an_untrained_model_are_loaded(tmp_path):
    """The optimizer has no state yet, and no paths."""
    model = sequential()
    model.compile(tfoptim.AdamW(0.01, groups=tfoptim.layer_decay(model)), "mse")
    model.save(tmp_path / "whole.keras")
    groups = keras.models.load_model(tmp_path / "whole.keras").optimizer._runtime.groups
    assert [pattern is not None for pattern, _ in groups] == [True] * 4


def test_saved_paths_are_for_the_variables_that_are_alike():
    """Of the same number by place; else the one that ends alike, and no other than the own one where several do."""
    kernel, bias = (keras.Variable([1.0], name=name) for name in ("kernel", "bias"))
    assert Paths.known(["a/kernel", "b/kernel"], [kernel, kernel]).of_variables == ["a/kernel", "b/kernel"]
    assert Paths.known(["a/kernel", "b/kernel", "c/bias"], [kernel, bias]) == Paths(
        ["kernel", "c/bias"], ("a/kernel", "b/kernel")
    )
    assert Paths.known(["other"], [kernel]) == Paths(["kernel"])


def test_the_config_of_another_model_excuses_no_pattern():
    """One that fits nothing there is refused, as of a new optimizer."""
    config = built(sequential, PART["groups"]).optimizer.get_config()
    with pytest.raises(ValueError, match="'hid/' fits no variable"):
        tfoptim.AdamW.from_config(config).build([keras.Variable([1.0], name="other")])


def test_endings_of_layers_are_as_long_as_they_must_be():
    """Layers of the same name in two models need the names of the models."""
    parts = [keras.Sequential([keras.Input((3,)), keras.layers.Dense(3, name="d")], name=name) for name in ("a", "b")]
    x = keras.Input((3,))
    model = keras.Model(x, parts[1](parts[0](x)))
    groups = tfoptim.layer_decay(model, 0.5)
    assert [own["learning_rate"] for own in groups.values()] == [0.5, 1.0]
    assert next(iter(groups)) == "(^|/)(a/d/kernel|a/d/bias)$"
    assert next(iter(tfoptim.layer_decay(sequential()))) == "(^|/)(hid/kernel|hid/bias)$"
