"""Methods that take lists of variables say what to give where something else comes."""

import copy
import operator

import keras
import pytest
import tensorflow as tf

import tfoptim


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: keras.Variable([1.0]), "got Variable: put it into a list"),
        (lambda: tf.Variable([1.0]), "got ResourceVariable: put it into a list"),
        (lambda: keras.Sequential([keras.Input((2,))]), "got Sequential: give its trainable_variables"),
        (lambda: 3, "got int"),
        (lambda: [3], "got int"),
    ],
    ids=["variable", "tf.Variable", "model", "number", "list of numbers"],
)
@pytest.mark.parametrize(
    "optimizer",
    [
        tfoptim.Adam(),
        tfoptim.LossScaleOptimizer(tfoptim.Adam()),
        tfoptim.MultiOptimizer(tfoptim.Adam(), {"bias": tfoptim.SGD()}),
    ],
    ids=["alone", "scaled", "joined"],
)
def test_build_takes_a_list_of_variables(optimizer, make, words):
    """Anything else is answered with what to give."""
    with pytest.raises(TypeError, match=f"^{optimizer.name}: build takes a list of variables, {words}.$"):
        optimizer.build(make())


@pytest.mark.parametrize("method", ["exclude_from_weight_decay", "exclude_from_layer_adaptation"])
def test_exclusions_take_lists(method):
    """A string would be read letter by letter."""
    exclude, variable = getattr(tfoptim.Lamb(), method), keras.Variable([1.0])
    for wrong, shown in ((3, "int"), ([3], "int"), (variable, "Variable"), ("bias", "'bias'")):
        with pytest.raises(
            TypeError, match=f"^{method}: var_list must be a list of variables or their paths, got {shown}"
        ):
            exclude(var_list=wrong)
        with pytest.raises(TypeError, match=f"^{method}: var_names must be a list of strings, got {shown}"):
            exclude(var_names=wrong)
    exclude(var_list=[variable, "a/b"], var_names=("bias",))


@pytest.mark.parametrize(
    "change",
    [
        lambda one: one.groups.update(bias={"trainable": False}),
        lambda one: one.groups["kernel"].pop("learning_rate"),
        lambda one: one.exclude_layers.append("bias"),
        lambda one: operator.setitem(one.axes, "kernel", 2),
    ],
)
def test_a_change_inside_an_argument_is_refused(change):
    """Nothing would follow it; what is read can be copied, compared and given again."""
    given = {"exclude_layers": ["head"], "axes": {"kernel": 1}, "groups": {"kernel": {"learning_rate": 0.1}}}
    optimizer = tfoptim.Muon(**given)
    with pytest.raises(TypeError, match="assign the whole argument again, as in "):
        change(optimizer)
    read = {name: getattr(optimizer, name) for name in given}
    copied = copy.deepcopy(read)
    assert read == copied == given
    optimizer.groups = {**optimizer.groups, "bias": {"trainable": False}}
    assert optimizer.groups["bias"] == {"trainable": False}
    copied["groups"]["kernel"]["learning_rate"] = 0.2
    assert optimizer.groups["kernel"] == {"learning_rate": 0.1}
