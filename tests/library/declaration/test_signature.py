"""Constructors are declared, yet look as if written by hand: names, order, defaults."""

import inspect

import keras
import pytest

import tfoptim
from tests.library.cases import CLASSES
from tests.library.products import every_class, every_class_where

BASE = (
    "weight_decay=None, clipnorm=None, clipvalue=None, global_clipnorm=None, use_ema=False, "
    "ema_momentum=0.99, ema_overwrite_frequency=None, loss_scale_factor=None, "
    "gradient_accumulation_steps=None, name=None"
)


def arguments(constructor):
    """The arguments that can be given, as written: `name=default` in order, without **kwargs."""
    parameters = inspect.signature(constructor).parameters.values()
    return [f"{p.name}={p.default!r}" for p in parameters if p.kind is not inspect.Parameter.VAR_KEYWORD]


@pytest.mark.parametrize("case", [c for c in CLASSES if not c.signature], ids=str)
def test_signature_equals_that_of_keras(case):
    """A class that Keras has takes the same arguments in the same order, with equal defaults."""
    theirs = arguments(getattr(keras.optimizers, case.keras_name))
    # Older Keras spells the default name out; None means the same.
    expected = ["name=None" if argument.startswith("name=") else argument for argument in theirs]
    assert expected == arguments(getattr(tfoptim, case.name))[: len(expected)]


@pytest.mark.parametrize("case", [c for c in CLASSES if c.signature], ids=str)
def test_signature_of_a_class_that_keras_lacks_ends_in_the_base_arguments(case):
    """A class of ours takes its rule's arguments, then Keras's base arguments."""
    rule = case.signature.split(", ")
    names = [argument.split("=")[0] for argument in rule]
    expected = rule + [argument for argument in BASE.split(", ") if argument.split("=")[0] not in names]
    assert expected == arguments(getattr(tfoptim, case.name))[: len(expected)]


@every_class
def test_later_arguments_are_given_by_name(case):
    """What we add after Keras's own arguments never takes a position that Keras may want."""
    parameters = list(inspect.signature(getattr(tfoptim, case.name)).parameters.values())
    names = [p.name for p in parameters]
    ours = parameters[names.index("name") + 1 :]
    allowed = {inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD}
    assert {p.kind for p in ours} <= allowed


@every_class_where(lambda case: case.has_rate)
def test_arguments_by_position_reach_the_same_fields_as_in_keras(case):
    """The first positional argument is the learning rate, the next the rule's first own."""
    cls = getattr(tfoptim, case.name)
    names = [a.split("=")[0] for a in arguments(cls)][:2]
    given = [0.25, 0.75 if cls.fields[names[1]].domain.high > 0 else -0.75]
    config = cls(*given).get_config()
    assert given == [config[name] for name in names]


@every_class_where(lambda case: case.has_rate)
def test_unknown_argument_gets_the_nearest_name(case):
    """A slip of the pen is answered with the argument that was meant."""
    with pytest.raises(ValueError, match=r"(?s)learning_rat.*learning_rate"):
        getattr(tfoptim, case.name)(learning_rat=0.1)


@pytest.mark.parametrize(
    ("slip", "meant"),
    [("momentom", "momentum"), ("lr", "learning_rate"), ("nestrov", "nesterov")],
)
def test_unknown_argument_of_sgd_gets_the_nearest_name(slip, meant):
    """The hint fits the argument, and the common short form `lr` is understood too."""
    with pytest.raises(ValueError, match=f"SGD.*{slip}.*{meant}"):
        tfoptim.SGD(**{slip: 0.1})


def test_decay_of_old_keras_points_to_schedules():
    """`decay=` was a schedule in Keras 2; being ignored would change the training silently."""
    with pytest.raises(ValueError, match="schedules"):
        tfoptim.SGD(decay=0.1)


@every_class_where(lambda case: case.has_rate)
def test_every_field_can_be_read_back_as_it_was_given(case):
    """What the constructor took is what the attribute and the configuration say."""
    optimizer = case.make(learning_rate=0.3, clipnorm=2.0, weight_decay=0.1)
    assert (optimizer.clipnorm, optimizer.weight_decay) == (2.0, 0.1)
    assert optimizer.get_config()["learning_rate"] == 0.3
    assert pytest.approx(float(optimizer.learning_rate), rel=1e-7) == 0.3
