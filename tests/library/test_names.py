"""Public names: Keras's spellings, what completion and help show, and the answer to a name that does not exist."""

import importlib
import inspect
import pkgutil
import pydoc
import re
import sys

import keras
import pytest
import tensorflow as tf

import tfoptim
from tests.library.cases import CLASSES
from tests.library.products import every_class
from tfoptim.declaration import presentation

MODULES = ("tfoptim", "tfoptim.schedules", "tfoptim.callbacks", "tfoptim.solvers")


def public(module):
    """What a module's completion shows."""
    return {name for name in dir(module) if not name.startswith("_")}


# Keras's spellings


def test_every_class_of_keras_that_we_have_is_there_under_its_exact_name():
    """A drop-in is used by changing the name of the module alone."""
    shared = [name for name in dir(keras.optimizers) if name[0].isupper() and name.lower() in tfoptim.available()]
    assert set(shared) >= {"SGD", "Adam", "Adagrad", "RMSprop"}
    assert [] == [name for name in shared if getattr(tfoptim, name).__name__.lower() != name.lower()]


@pytest.mark.parametrize("cls", [tfoptim.Adam, tfoptim.Muon, tfoptim.GD])
def test_constructor_says_whose_it_is(cls):
    """In tracebacks and profiles."""
    owner = next(base for base in cls.__mro__ if "__init__" in vars(base))
    assert owner.__init__.__module__ == owner.__module__
    assert owner.__init__.__qualname__ == f"{owner.__qualname__}.__init__"


def test_adagrad_is_adagrad_in_both_spellings():
    """One class, listed once, saved and loaded under one name."""
    assert tfoptim.Adagrad is tfoptim.AdaGrad
    assert tfoptim.available().count("adagrad") == 1
    serialized = keras.optimizers.serialize(tfoptim.Adagrad(0.25))
    assert serialized["registered_name"] == "tfoptim>AdaGrad"
    assert isinstance(keras.optimizers.deserialize(serialized), tfoptim.Adagrad)
    assert isinstance(tfoptim.get("Adagrad"), tfoptim.AdaGrad)


# Names that do not exist


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Sophia", r"no optimizer 'Sophia'\..*Available"),
        ("RectifiedAdam", r"no optimizer 'RectifiedAdam'\. It is tfoptim\.RAdam\. Available"),
        ("NewtonCG", r"no optimizer 'NewtonCG'\. It is tfoptim\.solvers\.NewtonCG\."),
        ("LazyAdam", r"no optimizer 'LazyAdam'\. It is tfoptim\.Adam\(lazy=True\)\. Available"),
        ("AdamWScheduleFree", r"no optimizer 'AdamWScheduleFree'\. It is tfoptim\.ScheduleFreeAdamW\. Available"),
        ("SGDScheduleFree", r"no optimizer 'SGDScheduleFree'\. It is tfoptim\.ScheduleFreeSGD\. Available"),
        ("Adm", r"no optimizer 'Adm'. Did you mean 'Adam'\?"),
        ("adamw", r"no attribute 'adamw'. Did you mean 'AdamW'\?"),
        ("serialize", r"no attribute 'serialize'. Keras has it: keras.optimizers.serialize"),
        ("Zzz", r"no optimizer 'Zzz'. Available: adabelief"),
    ],
)
def test_a_missing_name_is_answered_with_the_nearest_and_all_there_are(name, words):
    """As an attribute, and in `from tfoptim import`, which would drop an attribute's message."""
    with pytest.raises(AttributeError, match=words):
        getattr(tfoptim, name)
    with pytest.raises(ImportError, match=words):
        exec(f"from tfoptim import {name}", {})  # noqa: S102  the statement is what is tested
    assert not hasattr(tfoptim, name)


def test_an_optimizer_that_keras_has_alone_is_named(monkeypatch):
    """Whatever later versions of Keras will have."""
    monkeypatch.setattr(keras.optimizers, "Later", type("Later", (), {}), raising=False)
    with pytest.raises(
        AttributeError, match=r"no optimizer 'Later'. Keras has it: keras.optimizers.Later. Available: adabelief, .*sgd"
    ):
        tfoptim.Later  # noqa: B018  read for its error


def test_missing_schedules_and_callbacks_are_answered_too():
    """Those of Keras work with every optimizer."""
    with pytest.raises(
        AttributeError, match=r"no schedule 'CosineDecay'. Keras has it: keras.optimizers.schedules.Cos"
    ):
        tfoptim.schedules.CosineDecay  # noqa: B018  read for its error
    with pytest.raises(AttributeError, match=r"no solver 'BFSG'\. Did you mean 'BFGS'\?"):
        tfoptim.solvers.BFSG  # noqa: B018
    with pytest.raises(AttributeError, match=r"no callback 'Resum'. Did you mean 'Resume'\?"):
        tfoptim.callbacks.Resum  # noqa: B018
    with pytest.raises(ImportError, match=r"no callback 'EarlyStopping'. Keras has it: keras.callbacks.EarlyStopping"):
        from tfoptim.callbacks import EarlyStopping  # noqa: F401


def test_modules_are_imported_as_ever():
    """Public names alone are shown; the rest is still there for those who ask."""
    from tfoptim import ops  # noqa: F401  that this works is the test

    for module in pkgutil.walk_packages(tfoptim.__path__, "tfoptim."):
        importlib.import_module(module.name)
    assert not hasattr(tfoptim, "__wrapped__")


# What is shown


@pytest.mark.parametrize("name", MODULES)
def test_completion_shows_public_names_alone(name):
    """What `__all__` says, and no module that is imported for its own use."""
    module = importlib.import_module(name)
    assert public(module) == {name for name in module.__all__ if not name.startswith("_")}
    shown = {name for name in public(module) if inspect.ismodule(getattr(module, name))}
    assert shown == ({"callbacks", "schedules", "solvers", "training"} if name == "tfoptim" else set())


def test_every_optimizer_is_public():
    """A class of a rule that is not in `__all__` would be hidden from `*` and completion."""
    assert {case.name for case in CLASSES} <= set(tfoptim.__all__)
    names = {}
    exec("from tfoptim import *", names)  # noqa: S102  the statement is what is tested
    assert set(tfoptim.__all__) <= names.keys()


@every_class
def test_help_shows_the_arguments_and_no_internals(case):
    """Signature, box, own and common arguments at one indent, and what users call; nothing of Keras's plumbing."""
    text = pydoc.plain(pydoc.render_doc(getattr(tfoptim, case.name)))
    first = next(iter(inspect.signature(getattr(tfoptim, case.name)).parameters))
    assert re.search(rf"{case.name}\((\n \|      )?{first}=", text)  # from Python 3.13 on, a line for each argument
    assert f" |      {first}: " in text
    assert " |  Arguments of every optimizer:\n |      weight_decay: decoupled" in text
    assert "**arguments" not in text
    assert [] == [
        name for name in ("add_variable", "update_step", "save_own_variables", "numbers", "_") if f" |  {name}(" in text
    ]
    assert [] == [name for name in ("apply", "build", "get_config", "scale_loss") if f" |  {name}(" not in text]
    # Those with most arguments, and with a context for averages, have 290; Python 3.13 breaks signatures into lines.
    assert len(text.splitlines()) < 300 + 60 * (sys.version_info >= (3, 13))


@pytest.mark.parametrize(
    ("name", "words"), [("Prodigy", "d\n"), ("ScheduleFreeAdamW", "averaged("), ("Muon", "routing(")]
)
def test_help_shows_what_a_rule_has_for_its_users(name, words):
    """Beyond what every optimizer has."""
    first, second = (pydoc.plain(pydoc.render_doc(cls)) for cls in (getattr(tfoptim, name), tfoptim.Adam))
    assert f" |  {words}" in first
    assert f" |  {words}" not in second


def test_help_shows_what_a_user_has_defined():
    """Whatever it overrides."""
    mine = type("Mine", (tfoptim.Adam,), {"save_own_variables": lambda self, store: None, "own": lambda self: None})
    text = pydoc.plain(pydoc.render_doc(mine))
    assert " |  save_own_variables" in text
    assert " |  own" in text


def test_every_common_argument_is_explained_in_the_base_and_in_each_rule():
    """One text: editors show it for `tfoptim.Optimizer`, `help` for every class."""
    common = [name for name in tfoptim.Optimizer.fields if name != "learning_rate"]
    for cls in (tfoptim.Optimizer, tfoptim.Adam, tfoptim.GD):
        text = inspect.getdoc(cls)
        assert [] == [name for name in (*common, "name") if text.count(f"\n    {name}: ") != 1]


def test_documentation_that_python_has_dropped_stays_away():
    """With `-OO` there are no docstrings."""
    assert presentation.with_common_arguments("", tfoptim.Adam.__mro__) == ""


# Representation


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (tfoptim.Adam, "Adam()"),
        (lambda: tfoptim.Adam(0.01, beta_1=0.8, clipnorm=1), "Adam(learning_rate=0.01, beta_1=0.8, clipnorm=1.0)"),
        (lambda: tfoptim.AdaGrad(name="mine"), "AdaGrad(name='mine')"),
        (lambda: tfoptim.SGD(keras.optimizers.schedules.CosineDecay(0.1, 9)), "SGD(learning_rate=CosineDecay(...))"),
        (
            lambda: tfoptim.GD(tfoptim.schedules.WarmupCosine(1.0, 9, warmup=2)),
            "GD(learning_rate=WarmupCosine(peak=1.0, steps=9, warmup=2, final=0.0))",
        ),
        (lambda: tfoptim.LossScaleOptimizer(tfoptim.RMSprop()), "LossScaleOptimizer(inner_optimizer=RMSprop())"),
        (
            lambda: tfoptim.LossScaleOptimizer(tfoptim.GD(0.5), 8.0),
            "LossScaleOptimizer(inner_optimizer=GD(learning_rate=0.5), initial_scale=8.0)",
        ),
        (lambda: object.__new__(tfoptim.Adam), "<Adam, not made yet>"),
    ],
)
def test_the_representation_is_the_call_that_makes_it(make, text):
    """Class, and arguments that are not the defaults; before it is built and after, inside a function and outside."""
    optimizer = make()
    assert repr(optimizer) == text
    if "_lock" in vars(optimizer):
        optimizer.apply([tf.ones(2)], [keras.Variable([1.0, 2.0])])
        assert repr(optimizer) == text
        traced = []
        tf.function(lambda: traced.append(repr(optimizer)))()
        assert traced == [text]


def test_the_representation_tells_numbers_that_were_set_since():
    """Those of now."""
    optimizer = tfoptim.Adam()
    optimizer.beta_1, optimizer.learning_rate = 0.5, 0.25
    assert repr(optimizer) == "Adam(learning_rate=0.25, beta_1=0.5)"


# Backend


@pytest.mark.parametrize("backend", ["jax", "torch", "numpy", "openvino"])
def test_another_backend_of_keras_is_refused_with_the_way_out(backend, monkeypatch):
    """In one sentence; the other backends need not be installed here."""
    monkeypatch.setattr(keras.backend, "backend", lambda: backend)
    with pytest.raises(
        ImportError, match=rf"^tfoptim needs .*runs on '{backend}' here: set .*KERAS_BACKEND=tensorflow"
    ):
        presentation.check_backend()


def test_another_backend_of_keras_is_refused_at_import(monkeypatch):
    """Before anything is made that would fail later."""
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(ImportError, match="tfoptim needs Keras on TensorFlow"):
        importlib.reload(tfoptim)
