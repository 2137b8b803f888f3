"""Optimizers are found by name: ours by `tfoptim.get`, saved ones by `tfoptim>Name`."""

import inspect
import operator
import re
from pathlib import Path

import keras
import pytest

import tfoptim
from tests.library.cases import CASES
from tests.library.products import every_class
from tfoptim import registry
from tfoptim.declaration.other_names import ALIASES, HINTS

NEED_LOSS = {cls.__name__ for cls in registry.classes().values() if cls.needs_loss}


def test_every_available_optimizer_is_in_the_table_of_cases():
    """A class without a row here would be a class without tests; those that need the loss have tests of their own."""
    classes = {type(tfoptim.get(name)).__name__ for name in tfoptim.available()}
    assert classes - NEED_LOSS == {case.name for case in CASES}


def test_every_public_optimizer_is_available():
    """The registry is derived from the classes, so that none can be forgotten."""
    public = {
        value.__name__
        for value in vars(tfoptim).values()
        if inspect.isclass(value) and issubclass(value, tfoptim.Optimizer)
    }
    assert {case.name for case in CASES} == public - {"Optimizer", *registry.WRAPPERS} - NEED_LOSS


def test_a_rule_fits_on_a_screen():
    """Its file, so that it can be read next to its paper."""
    files = {inspect.getsourcefile(cls) for cls in registry.classes().values()}
    lengths = {Path(file).name: len(Path(file).read_text().splitlines()) for file in files}
    assert {name: length for name, length in lengths.items() if length > 60} == {}


def test_available_names_are_sorted_and_unique():
    """The list is the same in every process, whatever was imported first."""
    names = list(tfoptim.available())
    assert sorted(set(names)) == names


@every_class
@pytest.mark.parametrize("spell", [str, str.lower, str.upper], ids=["exact", "lower", "upper"])
def test_get_finds_a_class_by_name_in_any_case(case, spell):
    """`adam`, `Adam` and `ADAM` are the same optimizer."""
    assert getattr(tfoptim, case.name) is type(tfoptim.get(spell(case.name)))


def test_get_answers_the_name_of_a_solver_with_the_lines_to_write():
    """It is no optimizer of a model."""
    with pytest.raises(ValueError, match=r"(?s)LBFGS needs the loss, .*tfoptim.minimize\(tfoptim.full_loss"):
        tfoptim.get("lbfgs")


def test_get_passes_arguments_on():
    """Arguments after the name are the constructor's."""
    optimizer = tfoptim.get("adam", learning_rate=0.1, beta_1=0.5)
    assert (optimizer.get_config()["learning_rate"], optimizer.beta_1) == (0.1, 0.5)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("RectifiedAdam", "RAdam()"),
        ("LAMB", "Lamb()"),
        ("lazyadam", "Adam(lazy=True)"),
        ({"class_name": "LazyAdam", "config": {}}, "Adam(lazy=True)"),
        ({"class_name": "RectifiedAdam", "config": {"beta_1": 0.5}}, "RAdam(beta_1=0.5)"),
    ],
)
def test_get_knows_the_names_of_tensorflow_addons(name, expected):
    """Those of rules that are here under another name, or are an argument here."""
    assert expected == repr(tfoptim.get(name))


def test_arguments_win_over_those_that_a_name_stands_for():
    """A name is a start."""
    assert repr(tfoptim.get("lazyadam", lazy=False, beta_1=0.5)) == "Adam(beta_1=0.5)"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("SWA", r"Every optimizer averages its weights.*ema_momentum=tfoptim\.schedules\.SWA\(start, period\)\."),
        ("MovingAverage", r"Every optimizer averages its weights"),
        ("ASGD", r"schedules\.SWA\(start, 1\)\."),
        ("SparseAdam", r"It is tfoptim\.Adam\(lazy=True\)\."),
        ("SharpnessAwareMinimization", r"tfoptim\.SAM"),
    ],
)
def test_get_answers_names_of_other_libraries_with_what_has_it_here(name, words):
    """TensorFlow Addons', Keras's, PyTorch's."""
    with pytest.raises(ValueError, match=f"no optimizer '{name}'. .*{words}"):
        tfoptim.get(name)


def test_what_stands_for_a_name_elsewhere_is_here():
    """Else the hint would lead nowhere."""
    for cls, arguments in ALIASES.values():
        assert arguments.keys() <= getattr(tfoptim, cls).fields.keys()
    for name in re.findall(r"tfoptim\.([\w.]*\w)", " ".join(HINTS.values())):
        assert operator.attrgetter(name)(tfoptim)


def test_get_makes_a_new_optimizer_each_time():
    """State is never shared by accident."""
    assert tfoptim.get("adam") is not tfoptim.get("adam")


@pytest.mark.parametrize(("slip", "meant"), [("adm", "adam"), ("rmsprob", "rmsprop"), ("Momentun", "momentum")])
def test_get_answers_an_unknown_name_with_the_nearest(slip, meant):
    """A wrong name is a ValueError that says what was probably meant."""
    with pytest.raises(ValueError, match=f"(?is){slip}.*{meant}"):
        tfoptim.get(slip)


def test_get_answers_a_hopeless_name_with_all_names():
    """Without anything near, the message lists what there is."""
    with pytest.raises(ValueError, match=r"(?s)zzzzzz.*adam.*sgd"):
        tfoptim.get("zzzzzz")


@every_class
def test_classes_are_registered_under_the_package_name(case):
    """Keras finds the class of a saved model as `tfoptim>Name`, without custom objects."""
    registered = f"tfoptim>{case.name}"
    cls = getattr(tfoptim, case.name)
    assert registered == keras.saving.get_registered_name(cls)
    assert cls is keras.saving.get_registered_object(registered)


@every_class
def test_keras_gets_our_class_by_its_registered_name(case):
    """`model.compile(optimizer="tfoptim>Adam")` works."""
    assert getattr(tfoptim, case.name) is type(keras.optimizers.get(f"tfoptim>{case.name}"))


def test_keras_keeps_its_own_short_names():
    """Importing tfoptim does not change what `"adam"` means to Keras."""
    assert keras.optimizers.Adam is type(keras.optimizers.get("adam"))


def test_get_takes_a_serialized_optimizer_and_an_optimizer():
    """What `keras.optimizers.get` takes works here too; an optimizer is returned as it is."""
    optimizer = tfoptim.Adam(beta_1=0.5)
    again = tfoptim.get(keras.optimizers.serialize(optimizer))
    assert (tfoptim.Adam, 0.5) == (type(again), again.beta_1)
    assert tfoptim.get(optimizer) is optimizer
    assert isinstance(tfoptim.get("tfoptim>Adam"), tfoptim.Adam)


def test_get_refuses_arguments_for_what_is_made_already():
    """They could only be ignored."""
    with pytest.raises(TypeError, match=r"learning_rate.*only be given with an optimizer's name"):
        tfoptim.get(tfoptim.Adam(), learning_rate=0.1)


def test_get_refuses_what_is_no_optimizer():
    """The message says what it takes."""
    with pytest.raises(TypeError, match="by name, config or instance, got int"):
        tfoptim.get(3)


PLAIN = [
    {"class_name": "Adam", "config": {"beta_1": 0.5}},
    {"class_name": "ADAM", "config": {"beta_1": 0.5}},
    {"class_name": "tfoptim>Adam", "config": {"beta_1": 0.5}},
    {"class_name": "Adam", "config": {"beta_1": 0.5}, "module": "tfoptim"},
    {"class_name": "Adam", "config": {"beta_1": 0.5}, "module": None, "registered_name": "Adam"},
    {"class_name": "Adam", "config": {"beta_1": 0.5}, "registered_name": "tfoptim>Adam"},
]


@pytest.mark.parametrize("config", PLAIN, ids=str)
def test_get_takes_a_plain_name_with_its_config(config):
    """As `keras.optimizers.get` does, and as configuration files have it; the dictionary stays as it is."""
    before = repr(config)
    optimizer = tfoptim.get(config)
    assert (tfoptim.Adam, 0.5, before) == (type(optimizer), optimizer.beta_1, repr(config))


def test_get_takes_a_wrapper_in_any_case():
    """Keras's `get` writes lower case into the config that it is given."""
    config = keras.optimizers.serialize(tfoptim.Lookahead(tfoptim.SGD()))
    assert isinstance(tfoptim.get({**config, "class_name": "lookahead"}), tfoptim.Lookahead)


def test_get_revives_a_schedule_in_a_plain_config():
    """Arguments may be serialized objects."""
    rate = keras.saving.serialize_keras_object(keras.optimizers.schedules.CosineDecay(0.25, 10))
    assert float(tfoptim.get({"class_name": "sgd", "config": {"learning_rate": rate}}).learning_rate) == 0.25


@pytest.mark.parametrize("make", [keras.optimizers.Adam, keras.optimizers.Lion, keras.optimizers.Adagrad])
def test_get_gives_keras_what_is_of_keras(make):
    """A dictionary that names Keras's module is that class, also where we have one of the name."""
    assert make is type(tfoptim.get(keras.optimizers.serialize(make())))
    assert make is type(tfoptim.get({**keras.optimizers.serialize(make()), "registered_name": None}))


def test_get_gives_users_what_is_theirs():
    """By the name it is registered under, in full or in plain."""

    @keras.saving.register_keras_serializable("mine")
    class Own(tfoptim.Adam):
        """A user's."""

    assert Own is type(tfoptim.get(keras.optimizers.serialize(Own())))
    with keras.saving.custom_object_scope({"Plain": Own}):
        assert Own is type(tfoptim.get({"class_name": "Plain", "config": {}}))
    scaled = tfoptim.get(keras.optimizers.serialize(tfoptim.LossScaleOptimizer(Own())))
    assert (tfoptim.LossScaleOptimizer, Own) == (type(scaled), type(scaled.inner_optimizer))


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"class_name": "adamx", "config": {}}, "no optimizer 'adamx'. Did you mean 'adamax'"),
        (
            {"class_name": "Optimizer", "config": {}},  # of what Keras has alone, this is in every version
            r"no optimizer 'Optimizer'. Keras has it: keras.optimizers.Optimizer",
        ),
        ({"class_name": "Adam", "config": {"lr": 0.1}}, "Adam has no argument 'lr'. Did you mean 'learning_rate'"),
        ({"class_name": "Adam", "learning_rate": 0.1}, "class_name and config, got also learning_rate"),
        ({"name": "adam"}, "class_name and config, got name"),
        ({}, "class_name and config, got none"),
        (keras.saving.serialize_keras_object(keras.layers.Dense(1)), "config is needed, got that of Dense"),
    ],
)
def test_get_refuses_a_config_in_a_sentence(config, words):
    """It says what is wrong with it."""
    with pytest.raises((ValueError, TypeError), match=words):
        tfoptim.get(config)


def test_get_says_what_it_was_given():
    """A class, or the optimizer of another library."""
    with pytest.raises(TypeError, match=r"got the class Adam of tfoptim\.rules\.adam"):
        tfoptim.get(tfoptim.Adam)
    with pytest.raises(TypeError, match=r"got Adam of tf_keras\.optimizers"):
        tfoptim.get(type("Adam", (), {"__module__": "tf_keras.optimizers"})())
