"""A subclass of a user's: its fields, its rule, its constructor, and what is called on it, as Keras would."""

import abc
from typing import Protocol

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.harness import values_of
from tests.library.subclasses import nothing, step, subclass
from tfoptim.declaration import ClosedFraction, Fraction

# Fields


@pytest.mark.parametrize(
    ("name", "value"), [("beta_1", 0.5), ("learning_rate", property(nothing)), ("clipnorm", 1.0), ("use_ema", True)]
)
def test_a_class_attribute_that_hides_an_argument_is_refused(name, value):
    """It would be what one reads, and training would use another."""
    with pytest.raises(TypeError, match=f"^Mine: {name} would hide the argument {name}.*super"):
        subclass(**{name: value})


def test_a_mixin_that_hides_an_argument_is_refused():
    """Its attribute comes first."""
    with pytest.raises(TypeError, match="epsilon of Settings would hide"):
        type("Mine", (type("Settings", (), {"epsilon": 1e-3}), tfoptim.Adam), {})


@pytest.mark.parametrize("name", ["numbers", "now", "given", "knows"])
def test_a_name_that_every_step_reads_is_refused(name):
    """As a method, as a field and as an attribute: the step would stumble over it."""
    sentence = f"^Mine: {name} is reserved by tfoptim"
    with pytest.raises(TypeError, match=sentence):
        subclass(**{name: nothing})
    with pytest.raises(TypeError, match=sentence):
        subclass(**{name: 0.5, "__annotations__": {name: Fraction}})
    with pytest.raises(TypeError, match=sentence):
        setattr(subclass()(), name, [])


def test_another_default_is_declared_as_a_field():
    """What the sentence says works, and is what the step uses."""

    class Slow(tfoptim.Momentum):
        """Momentum with other defaults."""

        momentum: ClosedFraction = 0.5

    assert (Slow().momentum, Slow().get_config()["momentum"], Slow(momentum=0.25).momentum) == (0.5, 0.5, 0.25)


# The rule


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("step", lambda self: None),
        ("step", lambda self, closure=None: None),
        ("direction", lambda self, g, w, s: None),
        ("direction", lambda h, g, w, s: None),
        ("once", lambda self, h: None),
        ("step", 3),
    ],
)
def test_a_rule_with_other_arguments_is_refused_when_the_class_is_made(name, method):
    """As in torch, where `step` takes the step."""
    with pytest.raises(TypeError, match=rf"^Mine: {name} must be a method {name}\(self, h, .*got {name}"):
        subclass(**{name: method})


@pytest.mark.parametrize(
    "method",
    [
        lambda self, h, g, w, s: 0 * g,
        lambda self, *args: 0 * args[1],
        staticmethod(lambda h, g, w, s: 0 * g),
        tf.autograph.experimental.do_not_convert(lambda self, h, g, w, s, extra=1: 0 * g),
    ],
)
def test_a_rule_may_take_its_arguments_in_any_way(method):
    """Whatever can be called with four is a rule, and it runs in place of the kernel."""
    np.testing.assert_array_equal([1.0, 2.0], step(subclass(direction=method)()))


def test_a_rule_put_on_a_class_is_used_by_later_optimizers(monkeypatch):
    """TensorFlow's kernel for Adam is not Adam's rule any more."""
    monkeypatch.setattr(tfoptim.Adam, "direction", lambda self, h, g, w, s: 0 * g)
    np.testing.assert_array_equal([1.0, 2.0], step(tfoptim.Adam()))


def test_a_step_called_as_in_torch_says_how_to_take_one():
    """`step` is the rule here."""
    for optimizer in (tfoptim.Adam(), tfoptim.CLMR(), subclass()()):
        with pytest.raises(TypeError, match=rf"^{type(optimizer).__name__}: step\(h, g, w, s\) is the rule.*apply\("):
            optimizer.step()
    with pytest.raises(NotImplementedError, match=r"Adam has no update_step.*apply\(.*direction"):
        tfoptim.Adam().update_step(None, None, None)


# What is called


class Halving:
    """Halves the gradients on their way."""

    def apply(self, grads, trainable_variables=None):
        """As users clip or centralize."""
        super().apply([0.5 * g for g in grads], trainable_variables)


def test_apply_may_change_the_gradients():
    """Alone and in `fit`, which calls `apply_gradients`."""
    mine = type("Mine", (Halving, tfoptim.GD), {})
    np.testing.assert_allclose(step(mine(1.0)), [-1.0, 1.995])
    weight = keras.Variable([1.0])
    mine(1.0).apply_gradients([(tf.constant([1.0]), weight)])
    assert weight.numpy() == [0.5]


def test_apply_of_the_inner_optimizer_is_called_under_loss_scaling():
    """With gradients from which the scale is divided out, and one verdict: as Keras does, to the bit."""
    gradients = [[4.0, 0.2], [4.0, np.nan], [4.0, 4.0], [4.0, 4.0], [1.0, 1.0]]
    trained = []
    for library in (tfoptim, keras.optimizers):
        inner = type("Mine", (Halving, library.SGD), {})(1.0)
        optimizer = library.LossScaleOptimizer(inner, initial_scale=4.0, dynamic_growth_steps=2)
        weight = keras.Variable([1.0, 2.0])
        for gradient in gradients:
            optimizer.apply([tf.constant(gradient)], [weight])
        counts = [optimizer.step_counter, optimizer.dynamic_scale, optimizer.iterations]
        trained.append([weight.numpy(), *values_of(counts)])
    for mine, theirs in zip(*trained, strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("size", [4, 3000, 2**16])
def test_assign_is_called_for_every_write_of_every_step(size):
    """No kernel goes past it, and no traced step: weights and both slots, at each of three steps."""
    written = []

    class Watching(tfoptim.Adam):
        """Notes what is written."""

        def assign(self, variable, value):
            """Writes, and counts."""
            written.append(int(tf.size(value)))
            super().assign(variable, value)

    optimizer, weight = Watching(), keras.Variable(np.ones(size, "float32"))
    for _ in range(3):
        optimizer.apply([tf.ones(size)], [weight])
    assert [size] * 9 == written
    plain = keras.Variable(np.ones(size, "float32"))
    reference = tfoptim.Adam()
    for _ in range(3):
        reference.apply([tf.ones(size)], [plain])
    np.testing.assert_allclose(weight.numpy(), plain.numpy(), rtol=1e-6)  # the kernel rounds differently


# Constructors


def test_a_constructor_that_does_not_call_the_base_is_told_so():
    """At once, and not at the first step."""

    class Silent(tfoptim.Adam):
        """Forgets the base."""

        def __init__(self, learning_rate=0.1):
            """Does nothing."""

    with pytest.raises(RuntimeError, match=r"^Silent: __init__ must call super\(\).__init__"):
        Silent()
    with pytest.raises(AttributeError, match=r"'Silent' object has no attribute 'built'. Silent: __init__ must call"):
        object.__new__(Silent).built  # noqa: B018  read for its error


def test_constructors_may_stand_in_line():
    """Each calls the next, keeps what it is given, and signature and configuration are its own."""

    class Outer(tfoptim.Adam):
        """Takes an argument of its own."""

        def __init__(self, extra=3, **arguments):
            super().__init__(**arguments)
            self.extra = extra

        def get_config(self):
            """With the own argument."""
            return {**super().get_config(), "extra": self.extra}

    class Inner(Outer):
        """Fixes another."""

        def __init__(self, **arguments):
            super().__init__(**{"beta_1": 0.5, **arguments})

    again = Inner.from_config(Inner(extra=5).get_config())
    assert (again.extra, again.beta_1) == (5, 0.5)


def test_abstract_classes_and_protocols_may_be_bases():
    """As they may with Keras's optimizer; and `isinstance` is not led astray."""

    class Named(Protocol):
        """Has a label."""

        def label(self) -> str:
            """The label."""

    abstract = type("Abstract", (abc.ABC,), {})
    mine = type("Mine", (tfoptim.Adam, abstract, Named), {"label": lambda self: "mine"})
    assert isinstance(mine(), tfoptim.Adam)
    assert not isinstance(3, tfoptim.Adam)
    assert issubclass(mine, tfoptim.Optimizer)


def test_a_property_that_fails_tells_its_own_error():
    """And not that there is no such property."""
    broken = subclass(slots=property(lambda self: self.nowhere))
    with pytest.raises(AttributeError, match="nowhere"):
        step(broken())


def test_a_users_rule_in_full_still_trains():
    """Field, slot, rule and constructor together."""

    class Averaged(tfoptim.Optimizer):
        """Follows the mean of gradients."""

        beta: Fraction = 0.5
        slots = {"m": 0.0}  # noqa: RUF012  as rules declare them

        def direction(self, h, g, w, s):
            """The mean."""
            s.m = h.beta * s.m + (1 - h.beta) * g
            return s.m

    np.testing.assert_allclose(step(Averaged(1.0)), [-1.0, 1.995])
