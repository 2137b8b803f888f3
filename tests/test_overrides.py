"""What Keras would call on a subclass is called, or refused when the class is made; nothing is ignored in silence."""

import abc
from typing import Protocol
from unittest import mock

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.harness import values_of
from tfoptim import overrides
from tfoptim.domains import ClosedFraction, Fraction

RULE = "direction"
# Every method and property of Keras's optimizer, public and private, and what becomes of it in a subclass of ours.
DECIDED = {
    "add_optimizer_variables": "slots",
    "add_variable": None,
    "add_variable_from_reference": "slots",
    "apply": None,
    "apply_gradients": None,
    "assign": None,
    "assign_add": "assign",
    "assign_sub": "assign",
    "build": None,
    "exclude_from_weight_decay": None,
    "finalize_variable_values": None,
    "from_config": None,
    "get_config": None,
    "iterations": "h.t",
    "learning_rate": "super",
    "load_own_variables": None,
    "save_own_variables": None,
    "scale_loss": None,
    "set_weights": None,
    "stateless_apply": None,
    "update_step": RULE,
    "variables": None,
    "_all_reduce_sum_gradients": "apply",
    "_apply_weight_decay": "exclude_from_weight_decay",
    "_backend_apply_gradients": "apply",
    "_backend_increment_gradient_accumulators": "gradient_accumulation_steps",
    "_backend_reset_gradient_accumulators": "gradient_accumulation_steps",
    "_backend_update_step": RULE,
    "_check_super_called": None,
    "_check_variables_are_known": "apply",
    "_clip_by_norm": "clipnorm",
    "_clip_gradients": "global_clipnorm",
    "_distributed_tf_update_step": RULE,
    "_filter_empty_gradients": "apply",
    "_get_current_learning_rate": "LearningRateSchedule",
    "_get_variable_index": None,
    "_obj_type": None,
    "_overwrite_model_variables_with_average_value": "use_ema",
    "_overwrite_variable_with_gradient": "overwrite_with_gradient",
    "_overwrite_variables_directly_with_gradients": None,
    "_track_variable": None,
    "_unpickle_model": None,
    "_untrack_variable": None,
    "_update_model_variables_moving_average": "ema_momentum",
    "_use_weight_decay": "exclude_from_weight_decay",
    "_var_key": None,
}
REFUSED = {name: instead for name, instead in DECIDED.items() if instead}
OF_OLD_KERAS = {
    "get_gradients": "GradientTape",
    "get_updates": RULE,
    "minimize": "GradientTape",
    "compute_gradients": "GradientTape",
    "_create_slots": "slots",
    "_resource_apply_dense": RULE,
    "_resource_apply_sparse": RULE,
    "_prepare_local": "once",
}


def nothing(self, *args, **kwargs):
    """Stands in for what a user would write."""


def subclass(base=tfoptim.Adam, **body):
    """A class of a user's, derived from an optimizer."""
    return type("Mine", (base,), body)


def step(optimizer, start=(1.0, 2.0), gradient=(4.0, 0.01)):
    """The weights after one eager step."""
    weight = keras.Variable(start)
    optimizer.apply([tf.constant(gradient)], [weight])
    return weight.numpy()


# Decided, name by name


def test_every_hook_of_keras_is_decided():
    """The canary: a hook that a release of Keras adds is refused until it stands in this table."""
    chain = [cls for cls in keras.optimizers.Optimizer.__mro__ if cls.__module__.startswith("keras.")]
    hooks = {name for cls in chain for name in vars(cls) if not name.startswith(("__", "_api_export"))}
    assert hooks == DECIDED.keys()


@pytest.mark.parametrize("name", REFUSED | OF_OLD_KERAS)
def test_an_override_that_no_step_would_call_is_refused_when_the_class_is_made(name):
    """The sentence names the class, the method and what to define in its place."""
    instead = (REFUSED | OF_OLD_KERAS)[name]
    with pytest.raises(TypeError, match=rf"^Mine: {name} would .*{instead}"):
        subclass(**{name: nothing})


@pytest.mark.parametrize("name", [name for name, instead in DECIDED.items() if not instead])
def test_an_override_that_is_called_is_accepted(name):
    """Making the class raises nothing."""
    assert getattr(subclass(**{name: nothing}), name) is nothing


def test_a_hook_that_keras_adds_is_refused_unseen(monkeypatch):
    """What nobody has decided cannot be ignored."""
    monkeypatch.setattr(keras.optimizers.Optimizer, "_backend_fuse_gradients", nothing, raising=False)
    overrides.uncalled.cache_clear()
    try:
        with pytest.raises(TypeError, match=r"Mine: _backend_fuse_gradients would never be called.*direction"):
            subclass(_backend_fuse_gradients=nothing)
    finally:
        monkeypatch.undo()
        overrides.uncalled.cache_clear()


def test_several_overrides_are_named_in_one_sentence():
    """Whoever ports a class sees at once all that must change."""
    with pytest.raises(TypeError, match=r"_clip_gradients, update_step would never.*clipnorm.*direction"):
        subclass(update_step=nothing, _clip_gradients=nothing)


# From anywhere


class Mixin:
    """Brings Keras's documented method."""

    def update_step(self, gradient, variable, learning_rate):
        """Leaves the weights as they are."""


def test_a_mixin_is_refused_where_it_would_take_precedence():
    """The method may come from elsewhere; behind ours, Keras would not call it either."""
    with pytest.raises(TypeError, match=r"^Mine: update_step of Mixin would never be called"):
        type("Mine", (Mixin, tfoptim.Adam), {})
    assert type("Mine", (tfoptim.Adam, Mixin), {})().get_config()["beta_1"] == 0.9


def test_an_optimizer_of_keras_before_ours_is_refused():
    """Its rule would be hidden by our step."""
    with pytest.raises(TypeError, match="update_step of Adam would never be called"):
        type("Mine", (keras.optimizers.Adam, tfoptim.Adam), {})


def test_a_subclass_of_a_users_subclass_is_looked_at_too():
    """However long the line."""
    middle = subclass()
    with pytest.raises(TypeError, match=r"^Mine: _apply_weight_decay would"):
        subclass(middle, _apply_weight_decay=nothing)


@pytest.mark.parametrize("name", ["update_step", "_clip_gradients", "assign_sub"])
def test_a_method_put_on_afterwards_is_refused(name):
    """On a class of a user's, on one of ours, and on an optimizer."""
    mine = subclass()
    for thing in (mine, mine(), tfoptim.Adam, tfoptim.Adam(), tfoptim.LossScaleOptimizer(tfoptim.Adam())):
        with pytest.raises(TypeError, match=f"{name} would never be called"):
            setattr(thing, name, nothing)
        assert getattr(thing, name) is not nothing


def test_a_rule_put_on_an_optimizer_is_refused():
    """Steps that are traced already would go on with the old one."""
    with pytest.raises(TypeError, match="Adam: direction cannot be replaced on an optimizer; define it in a subclass"):
        tfoptim.Adam().direction = nothing


def test_mocks_may_watch_what_is_never_called():
    """Keras's own tests do so; what waits for a call fails by itself."""
    optimizer = tfoptim.SGD()
    with mock.patch.object(optimizer, "_apply_weight_decay", autospec=True) as watched:
        step(optimizer)
    with mock.patch.object(tfoptim.SGD, "update_step"):
        step(tfoptim.SGD())
    assert not watched.called


@pytest.mark.parametrize("name", ["check_finite", "_stateful_handle_finite_grads", "_common_apply", "update_step"])
def test_loss_scaling_refuses_what_its_step_does_not_call(name):
    """The same for subclasses of `LossScaleOptimizer`."""
    with pytest.raises(TypeError, match=rf"^Mine: {name} would never be called.*apply\(grads"):
        subclass(tfoptim.LossScaleOptimizer, **{name: nothing})


def test_loss_scaling_accepts_what_is_called():
    """Keras's callbacks read the rate, and `fit` scales the loss."""
    scaled = subclass(tfoptim.LossScaleOptimizer, scale_loss=lambda self, loss: 3 * loss)
    assert scaled(tfoptim.Adam()).scale_loss(2) == 6


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
    sentence = f"^Mine: {name} is a name that tfoptim needs for itself"
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
