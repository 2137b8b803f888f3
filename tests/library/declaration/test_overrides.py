"""What Keras would call on a subclass is called, or refused when the class is made; nothing is ignored in silence."""

from unittest import mock

import keras
import pytest

import tfoptim
from tests.library.subclasses import nothing, step, subclass
from tfoptim import registry
from tfoptim.declaration import overrides

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


WITH_STEPS = {"SGD", "SGDW", "Momentum", "CLR", "CLMR", "RMSprop", "Ftrl", "LARS", "StableAdamW", "AdaBound", "MADGRAD"}
WITH_STEPS |= {"COCOB", "Rprop", "Prodigy", "ProximalAdagrad", "ConditionalGradient"}


@pytest.mark.parametrize("name", sorted(cls.__name__ for cls in registry.classes().values()))
def test_a_direction_is_taken_where_the_rule_has_one_and_refused_elsewhere(name):
    """It would never be called; a step that goes along it may be defined with it."""
    cls, body = getattr(tfoptim, name), {"direction": lambda self, h, g, w, s: 2 * g}
    if name not in WITH_STEPS:
        subclass(cls, **body)
        return
    with pytest.raises(TypeError, match=r"direction would never be called; the rule of \w+ has the form step\(h, g"):
        subclass(cls, **body)
    along = {"step": lambda self, h, g, w, s: w - h.learning_rate * self.direction(h, g, w, s)}
    moved = subclass(cls, **body, **along)
    if name in ("SGD", "Momentum"):
        assert step(moved(0.5), start=(1.0,), gradient=(1.0,)).tolist() == [0.0]


@pytest.mark.parametrize(
    ("base", "name", "words"),
    [
        (tfoptim.MultiOptimizer, "step", "define step in the class of a part"),
        (tfoptim.MultiOptimizer, "direction", "define direction in the class of a part"),
        (tfoptim.LossScaleOptimizer, "direction", "define direction in the class of the inner optimizer"),
        (tfoptim.Lookahead, "direction", r"Lookahead has the form step\(h, g, w, s\): define that"),
        (tfoptim.LARS, "decay_of", r"from h\.weight_decay: define direction or step"),
    ],
)
def test_parts_of_a_rule_that_a_class_never_calls_are_refused(base, name, words):
    """In the class, and put on it afterwards."""
    method = (lambda self, h, s: 0.0) if name == "decay_of" else (lambda self, h, g, w, s: g)
    with pytest.raises(TypeError, match=f"{name} would never be called; .*{words}"):
        subclass(base, **{name: method})
    with pytest.raises(TypeError, match=f"{name} would never be called; .*{words}"):
        setattr(subclass(base), name, method)
