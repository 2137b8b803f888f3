"""What the operation is given: handles as inputs, one call for many variables, numbers in double precision.

A recorder stands for the operation, so that these run without a compiler.
"""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.native import doubles
from tfoptim import native
from tfoptim.scalar import Scalar
from tfoptim.update import context
from tfoptim.update.kernels import formulas
from tfoptim.update.kernels import native as provider

pytestmark = pytest.mark.filterwarnings("ignore:Gradients do not exist")


@pytest.fixture
def recorder(monkeypatch):
    """The operation's stand-in."""
    found = doubles.Recorder()
    monkeypatch.setattr(native, "library", lambda: found)
    return found


def built(optimizer, *shapes, dtype="float32"):
    """The optimizer with variables of ones; and these."""
    variables = [keras.Variable(np.ones(shape), dtype=dtype, name=f"w{i}") for i, shape in enumerate(shapes)]
    optimizer.build(variables)
    return optimizer, variables


def stepped(optimizer, variables, gradients=None):
    """Takes a step by gradients of ones, in a graph that is run once."""
    gradients = [tf.ones(v.shape) for v in variables] if gradients is None else gradients
    optimizer.apply(gradients, variables)


def test_one_call_takes_all_variables_and_their_slots_slot_by_slot(recorder):
    """All m, then all v."""
    optimizer, variables = built(tfoptim.Adam(), (3, 4), (5,))
    stepped(optimizer, variables)
    [(name, arguments)] = recorder.calls
    assert name == "step"
    assert [len(arguments[part]) for part in ("weights", "slots", "gradients", "averages")] == [2, 4, 2, 0]
    assert arguments["rule"] == "adam"
    assert arguments["groups"] == [0, 0]
    assert all(handle.dtype == tf.resource for handle in (*arguments["weights"], *arguments["slots"]))
    assert [tuple(slot.shape) for slot in arguments["slots"]] == [(), (), (), ()]


def test_numbers_are_in_double_precision_and_a_row_for_each_group(recorder):
    """Decay and share of the average come first."""
    groups = {"w1": {"learning_rate": 0.5, "weight_decay": 0.1}}
    optimizer, variables = built(tfoptim.Adam(0.2, groups=groups), (2,), (3,))
    rows = []
    recorder.tfoptim_step = lambda numbers, groups, **_: rows.append(
        (numbers.graph, numbers.shape, numbers.dtype, groups)
    )
    stepped(optimizer, variables)
    [(_, shape, dtype, places)] = rows
    assert tuple(shape) == (2, 7)
    assert dtype == tf.float64
    assert places == [0, 1]


def test_variables_of_two_precisions_are_two_calls(recorder):
    """An operation has one dtype of weights; slots have float32."""
    variables = [keras.Variable(np.ones(3), dtype=dtype) for dtype in ("float32", "bfloat16", "float32")]
    optimizer = tfoptim.Lion()
    optimizer.build(variables)
    stepped(optimizer, variables)
    assert [(len(a["weights"]), a["W"]) for _, a in recorder.calls] == [(2, tf.float32), (1, tf.bfloat16)]


def test_sparse_gradients_are_a_call_of_rows(recorder):
    """Their indices become int64."""
    optimizer, variables = built(tfoptim.AdaGrad(use_ema=True), (6, 2))
    sparse = tf.IndexedSlices(tf.ones([2, 2]), tf.constant([1, 4]), tf.constant([6, 2]))
    stepped(optimizer, variables, [sparse])
    [(name, arguments)] = recorder.calls
    assert name == "rows"
    assert arguments["indices"][0].dtype == tf.int64


@pytest.mark.parametrize("argument", ["clipnorm", "global_clipnorm"])
def test_clipping_measures_all_gradients_in_one_call_and_passes_factors(recorder, argument):
    """No pass over memory multiplies the gradients."""
    optimizer, variables = built(tfoptim.GD(**{argument: 0.1}), (3,), (2, 2))
    stepped(optimizer, variables)
    assert [name for name, _ in recorder.calls] == ["sums", "step"]
    assert tuple(recorder.calls[1][1]["factors"].shape) == (2,)


def test_averages_move_in_the_same_pass_but_not_before_a_constraint(recorder):
    """A constraint comes between the rule and the average."""
    optimizer = tfoptim.GD(use_ema=True)
    variables = [keras.Variable(np.ones(3), name=name) for name in ("free", "bound")]
    variables[1].constraint = keras.constraints.NonNeg()
    optimizer.build(variables)
    stepped(optimizer, variables)
    assert sorted(len(arguments["averages"]) for _, arguments in recorder.calls) == [0, 1]


def test_each_form_of_a_rule_has_a_functor(recorder):
    """The slots and flags of an optimizer say which."""
    forms = {
        "gd": tfoptim.SGD(),
        "momentum": tfoptim.Momentum(),
        "nesterov": tfoptim.SGD(momentum=0.5, nesterov=True),
        "adagrad": tfoptim.AdaGrad(),
        "rmsprop": tfoptim.RMSprop(),
        "rmsprop_centered": tfoptim.RMSprop(centered=True),
        "rmsprop_momentum": tfoptim.RMSprop(momentum=0.5),
        "rmsprop_centered_momentum": tfoptim.RMSprop(momentum=0.5, centered=True),
        "adadelta": tfoptim.Adadelta(),
        "adam": tfoptim.AdamW(),
        "amsgrad": tfoptim.Adam(amsgrad=True),
        "adamax": tfoptim.Adamax(),
        "nadam": tfoptim.Nadam(),
        "nadamw": tfoptim.NAdamW(),
        "lion": tfoptim.Lion(),
        "radam": tfoptim.RAdam(),
        "radam_amsgrad": tfoptim.RAdam(amsgrad=True),
        "ademamix": tfoptim.AdEMAMix(),
        "yogi": tfoptim.Yogi(),
        "adabelief": tfoptim.AdaBelief(),
        "adabelief_amsgrad": tfoptim.AdaBelief(amsgrad=True),
        "lamb": tfoptim.Lamb(decay_in_ratio=True, weight_decay=0.1),
    }
    for optimizer in forms.values():
        stepped(*built(optimizer, (2,)))
    assert [arguments["rule"] for _, arguments in recorder.calls] == list(forms)
    assert set(forms) == {formula.name for formula in formulas.FORMULAS}


@pytest.mark.parametrize(
    "optimizer",
    [tfoptim.Adam(cautious=True), tfoptim.Adan(), tfoptim.LaProp()],
    ids=["cautious", "another rule", "a third rule"],
)
def test_what_it_does_not_cover_goes_the_way_it_goes_without(recorder, optimizer):
    """The rule itself runs."""
    stepped(*built(optimizer, (2,)))
    assert [] == recorder.calls


def test_a_subclass_with_a_formula_of_its_own_runs_that(recorder):
    """As with TensorFlow's kernels."""

    class Own(tfoptim.Adam):
        def direction(self, h, g, w, s):
            return g

    stepped(*built(Own(), (2,)))
    assert [] == recorder.calls


def test_an_export_has_tensorflows_own_operations(recorder):
    """So that it can be loaded where the operation is not."""
    optimizer, variables = built(tfoptim.Adam(clipnorm=1.0), (2,))

    class Training(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([2])])
        def train(self, g):
            optimizer.apply([g], variables)

    training = Training()
    training.train.get_concrete_function()
    assert [] == recorder.calls


def test_a_method_of_a_module_has_tensorflows_own_operations(recorder):
    """Whatever its arguments: all that was traced of it is saved. A function that a module calls is not."""
    optimizer, variables = built(tfoptim.Adam(clipnorm=1.0), (2,))

    class Training(tf.Module):
        @tf.function
        def train(self, g):
            optimizer.apply([g], variables)

        def loop(self, g):
            optimizer.apply([g], variables)

    training = Training()
    training.train(tf.ones(2))
    assert [] == recorder.calls
    training.loop(tf.ones(2))
    assert [name for name, _ in recorder.calls] == ["sums", "step"]


def test_an_eager_step_is_exported_nowhere():
    """Outside of any function nothing is traced."""
    assert not context.traced_for_export()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_is_saved_of_a_layer_has_tensorflows_own_operations(recorder, dtype, tmp_path):
    """Traced by `save`, or before it for a signature: a layer is no `tf.Module`."""
    optimizer, variables = built(tfoptim.Adam(clipnorm=1.0), (2,), dtype=dtype)

    class Training(keras.layers.Layer):
        @tf.function(input_signature=[tf.TensorSpec([2], dtype)])
        def train(self, g):
            optimizer.apply([g], variables)
            return g

    training = Training()
    training.own, training.optimizer = variables, optimizer
    signature = training.train.get_concrete_function()
    tf.saved_model.save(training, tmp_path / "a", signatures=signature)
    tf.saved_model.save(training, tmp_path / "b")
    assert [] == recorder.calls


def test_a_subclass_of_lamb_with_a_factor_of_its_own_runs_that(recorder):
    """`adaptation` is a method that users may replace."""

    class Capped(tfoptim.Lamb):
        def adaptation(self, h, factor, known):
            return 0.1

    stepped(*built(Capped(), (2,)))
    assert [] == recorder.calls


def test_a_number_that_is_no_scalar_is_left_to_the_rule(recorder):
    """A subclass may put a tensor in the place of a number."""

    class Warm(tfoptim.Lion):
        def once(self, h, s):
            h.learning_rate = h.learning_rate * tf.minimum(1.0, tf.cast(self.iterations + 1, tf.float32) / 10.0)

    optimizer, [v] = built(Warm(0.5), (2,))
    stepped(optimizer, [v])
    assert [] == recorder.calls
    # a tenth of the rate, along the sign
    np.testing.assert_allclose(v.numpy(), [0.95, 0.95], rtol=1e-6)


@pytest.mark.parametrize(
    ("place", "served"),
    [
        ("", False),
        ("/job:localhost/replica:0/task:0/device:CPU:1", True),
        ("/job:worker/replica:0/task:0/device:CPU:0", False),
        ("/job:ps/replica:0/task:0/device:CPU:0", False),
        ("/job:localhost/replica:0/task:0/device:GPU:0", False),
    ],
)
def test_only_variables_on_a_cpu_of_this_process_are_served(place, served, monkeypatch):
    """The operation has no kernel for a GPU, and another process may not have it."""

    class Variable:
        device = place

    monkeypatch.setattr(native, "available", lambda: True)
    h = SimpleNamespace(t=Scalar(tf.constant(1.0, tf.float64)))
    assert provider.is_served(Variable(), h) is served


def test_a_variable_whose_gradient_is_there_at_times_is_a_call_in_a_condition(recorder):
    """More patterns than get a function of their own share one."""
    optimizer, variables = built(tfoptim.GD(use_ema=True), (2,), (3,), (4,), (5,), (6,))
    for missing in range(5):
        gradients = [None if i == missing else tf.ones(v.shape) for i, v in enumerate(variables)]
        optimizer.apply(gradients, variables)
    assert {len(arguments["weights"]) for _, arguments in recorder.calls} >= {4, 1}
