"""Loading the state of Keras's optimizers, and refusing that of another rule."""

import keras
import numpy as np
import pytest

import tfoptim
from tests.library.harness import values_of
from tests.library.products import every_class_where, parameters, turns
from tests.library.saving.models import (
    X,
    Y,
    assert_bitwise,
    compiled,
    network,
    saved_weights,
    scaled,
    state,
    trained,
)

# Keras's own files


KERAS = {
    "plain": {},
    "amsgrad": {"amsgrad": True},
    "averaged": {"use_ema": True},
    "accumulated": {"gradient_accumulation_steps": 2},
}


@pytest.mark.parametrize("arguments", KERAS.values(), ids=KERAS)
def test_weights_of_a_model_trained_with_keras_bring_their_state(arguments, tmp_path):
    """Positions are all that these files have; they fit the rule, and wait like any other state."""
    theirs = trained(network(3), keras.optimizers.Adam(**arguments))
    path = saved_weights(theirs, tmp_path)
    fresh, built = (compiled(network(3), tfoptim.Adam(**arguments)) for _ in range(2))
    built.optimizer.build(built.trainable_variables)
    for ours in (fresh, built):
        ours.load_weights(path)
        ours.optimizer.build(ours.trainable_variables)
        assert_bitwise(values_of(theirs.optimizer.variables), state(ours.optimizer))


@every_class_where(lambda case: case.in_keras)
def test_weights_trained_with_keras_bring_their_state_for_every_class_of_both(case, tmp_path):
    """The slots are in Keras's order, whatever the paper's letters are; what only Keras's keeps is left."""
    theirs = trained(network(3), case.make_keras())
    path = saved_weights(theirs, tmp_path)
    alike = getattr(tfoptim, case.name).as_in_keras
    fresh, built = (compiled(network(3), case.make(**alike)) for _ in range(2))
    built.optimizer.build(built.trainable_variables)
    for ours in (fresh, built):
        ours.load_weights(path)
        ours.optimizer.build(ours.trainable_variables)
        assert_bitwise(values_of(ours.optimizer.state_of_keras(theirs.optimizer)), state(ours.optimizer))


def test_averages_of_keras_are_left_where_ours_has_none(tmp_path):
    """Which arguments the file was written with is seen from its arrays."""
    theirs = trained(network(3), keras.optimizers.Adam(use_ema=True))
    ours = compiled(network(3), tfoptim.Adam())
    ours.load_weights(saved_weights(theirs, tmp_path))
    with pytest.warns(UserWarning, match="Taken for 4; not used: .*average"):
        ours.optimizer.build(ours.trainable_variables)
    assert_bitwise(values_of(theirs.optimizer.variables)[-8:], state(ours.optimizer)[-8:])


def test_loss_scaled_state_of_keras_is_taken_with_and_without_a_scale(tmp_path):
    """A model of mixed_float16 that was trained with Keras goes on in ours, in that policy or in float32."""
    theirs = trained(network(3), keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(), initial_scale=4.0))
    path = saved_weights(theirs, tmp_path)
    for optimizer in (scaled(), tfoptim.Adam()):
        ours = compiled(network(3), optimizer)
        ours.load_weights(path)
        ours.optimizer.build(ours.trainable_variables)
        inner = getattr(optimizer, "inner_optimizer", optimizer)
        assert_bitwise(values_of(theirs.optimizer.inner_optimizer.variables), state(inner))
        assert float(getattr(optimizer, "dynamic_scale", 4.0)) == 4.0


def test_state_of_keras_for_other_variables_is_left_with_a_warning(tmp_path):
    """Without names nobody knows whose it is."""
    theirs = trained(network(3), keras.optimizers.Adam())
    ours = compiled(network(3, frozen=[0]), tfoptim.Adam())
    ours.load_weights(saved_weights(theirs, tmp_path))
    with pytest.warns(UserWarning, match="nothing was taken"):
        ours.train_on_batch(X, Y)
    assert int(ours.optimizer.iterations) == 1


def test_a_file_with_too_few_arrays_is_refused():
    """A counter alone, for a rule that keeps a number of its own in addition to the rate."""
    with pytest.raises(ValueError, match=r"another optimizer\. The file has a state that does not fit"):
        tfoptim.Nadam().load_own_variables({"0": np.array(3)})


def test_state_of_keras_with_a_loss_scale_is_taken_where_variables_differ_in_their_slots(tmp_path):
    """Keras's Adafactor has placeholders that look like counters, but not inside of its loss scale."""
    inner = keras.optimizers.Adafactor()
    theirs = trained(network(3), keras.optimizers.LossScaleOptimizer(inner, initial_scale=4.0))
    ours = compiled(network(3), tfoptim.Adafactor())
    ours.load_weights(saved_weights(theirs, tmp_path))
    ours.optimizer.build(ours.trainable_variables)
    expected = [v.numpy() for v in (*inner._variables[:4], *inner._variables[5:8], inner._variables[9])]  # r, c or v
    assert_bitwise(expected, state(ours.optimizer))
    assert_bitwise(expected, state(tfoptim.from_keras(theirs.optimizer).inner_optimizer))


def test_state_of_keras_that_is_of_other_matrices_is_left_with_a_warning(tmp_path):
    """Where ours leaves a variable to Adam, and Keras's does not."""
    theirs = trained(network(3), keras.optimizers.Muon())
    ours = compiled(network(3), tfoptim.Muon())  # the last layer has one column, which is no matrix for ours
    ours.load_weights(saved_weights(theirs, tmp_path))
    with pytest.warns(UserWarning, match="nothing was taken"):
        ours.optimizer.build(ours.trainable_variables)
    assert int(ours.optimizer.iterations) == 0


# Another rule


RULES = {
    "Adam for SGD": (tfoptim.Adam, tfoptim.SGD),
    "SGD for Adam": (tfoptim.SGD, tfoptim.Adam),
    "Momentum for RMSprop, with slots of one name": (tfoptim.Momentum, tfoptim.RMSprop),
    "Adam for Adamax": (tfoptim.Adam, tfoptim.Adamax),
    "Nadam, which shares a number, for Adam": (tfoptim.Nadam, tfoptim.Adam),
    "an Adam with a name of its own for Momentum": (lambda: tfoptim.Adam(name="mine"), tfoptim.Momentum),
    "Keras's SGD for Adam": (keras.optimizers.SGD, tfoptim.Adam),
    "Keras's Adam for SGD": (keras.optimizers.Adam, tfoptim.SGD),
    "Adam for a scaled Momentum": (tfoptim.Adam, lambda: tfoptim.LossScaleOptimizer(tfoptim.Momentum())),
}


IN_TURN = turns(list(RULES), ["built", "not built"])


@pytest.mark.parametrize(
    ("rules", "when"),
    [parameters(name, when, fast=(name, when) in IN_TURN) for name in RULES for when in ("built", "not built")],
)
def test_state_of_another_rule_is_refused_before_anything_is_changed(rules, when, tmp_path):
    """The sentence names the ways to load the weights alone, and the first of them works."""
    theirs, ours = RULES[rules]
    path = saved_weights(trained(network(3), theirs()), tmp_path)
    model = trained(network(3), ours()) if when == "built" else compiled(network(3), ours())
    before = state(model.optimizer)
    with pytest.raises(ValueError, match=r"another optimizer.*unchanged.*skip_mismatch=True.*compile=False"):
        model.load_weights(path)
    assert_bitwise(before, state(model.optimizer))
    with pytest.warns(UserWarning, match="another optimizer"):
        model.load_weights(path, skip_mismatch=True)
    assert_bitwise(before, state(model.optimizer))
    model.train_on_batch(X, Y)


def test_the_same_rule_under_another_name_is_no_other_rule(tmp_path):
    """`AdamW` is Adam with a default, `SGD` with momentum is `Momentum`, and a subclass is what it subclasses."""

    class Mine(tfoptim.Adam):
        pass

    for theirs, ours in (
        (tfoptim.Adam(), tfoptim.AdamW()),
        (tfoptim.SGD(momentum=0.9), tfoptim.Momentum()),
        (tfoptim.Adam(), Mine()),
        (Mine(), tfoptim.Adam()),
    ):
        model, fresh = trained(network(3), theirs), compiled(network(3), ours)
        fresh.load_weights(saved_weights(model, tmp_path))
        fresh.optimizer.build(fresh.trainable_variables)
        assert_bitwise(state(theirs), state(ours))


def test_what_is_no_state_at_all_is_refused():
    """A store of other keys is named, and nothing is taken of it."""
    with pytest.raises(ValueError, match="not the state of an optimizer: it has an entry 'kernel'"):
        tfoptim.Adam().load_own_variables({"kernel": np.ones(2)})
