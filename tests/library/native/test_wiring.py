"""What the operation is given: handles as inputs, one call for many variables, numbers in double precision.

A recorder stands for the operation, so that these run without a compiler.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.native import doubles
from tfoptim.update.kernels import formulas

pytestmark = pytest.mark.filterwarnings("ignore:Gradients do not exist")


def test_one_call_takes_all_variables_and_their_slots_slot_by_slot(recorder):
    """All m, then all v."""
    optimizer, variables = doubles.built(tfoptim.Adam(), (3, 4), (5,))
    doubles.stepped(optimizer, variables)
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
    optimizer, variables = doubles.built(tfoptim.Adam(0.2, groups=groups), (2,), (3,))
    rows = []
    recorder.tfoptim_step = lambda numbers, groups, **_: rows.append(
        (numbers.graph, numbers.shape, numbers.dtype, groups)
    )
    doubles.stepped(optimizer, variables)
    [(_, shape, dtype, places)] = rows
    assert tuple(shape) == (2, 7)
    assert dtype == tf.float64
    assert places == [0, 1]


def test_variables_of_two_precisions_are_two_calls(recorder):
    """An operation has one dtype of weights; slots have float32."""
    variables = [keras.Variable(np.ones(3), dtype=dtype) for dtype in ("float32", "bfloat16", "float32")]
    optimizer = tfoptim.Lion()
    optimizer.build(variables)
    doubles.stepped(optimizer, variables)
    assert [(len(a["weights"]), a["W"]) for _, a in recorder.calls] == [(2, tf.float32), (1, tf.bfloat16)]


def test_sparse_gradients_are_a_call_of_rows(recorder):
    """Their indices become int64."""
    optimizer, variables = doubles.built(tfoptim.AdaGrad(use_ema=True), (6, 2))
    sparse = tf.IndexedSlices(tf.ones([2, 2]), tf.constant([1, 4]), tf.constant([6, 2]))
    doubles.stepped(optimizer, variables, [sparse])
    [(name, arguments)] = recorder.calls
    assert name == "rows"
    assert arguments["indices"][0].dtype == tf.int64


@pytest.mark.parametrize("argument", ["clipnorm", "global_clipnorm"])
def test_clipping_measures_all_gradients_in_one_call_and_passes_factors(recorder, argument):
    """No pass over memory multiplies the gradients."""
    optimizer, variables = doubles.built(tfoptim.GD(**{argument: 0.1}), (3,), (2, 2))
    doubles.stepped(optimizer, variables)
    assert [name for name, _ in recorder.calls] == ["sums", "step"]
    assert tuple(recorder.calls[1][1]["factors"].shape) == (2,)


def test_averages_move_in_the_same_pass_but_not_before_a_constraint(recorder):
    """A constraint comes between the rule and the average."""
    optimizer = tfoptim.GD(use_ema=True)
    variables = [keras.Variable(np.ones(3), name=name) for name in ("free", "bound")]
    variables[1].constraint = keras.constraints.NonNeg()
    optimizer.build(variables)
    doubles.stepped(optimizer, variables)
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
        doubles.stepped(*doubles.built(optimizer, (2,)))
    assert [arguments["rule"] for _, arguments in recorder.calls] == list(forms)
    assert set(forms) == {formula.name for formula in formulas.FORMULAS}


def test_a_variable_whose_gradient_is_there_at_times_is_a_call_in_a_condition(recorder):
    """More patterns than get a function of their own share one."""
    optimizer, variables = doubles.built(tfoptim.GD(use_ema=True), (2,), (3,), (4,), (5,), (6,))
    for missing in range(5):
        gradients = [None if i == missing else tf.ones(v.shape) for i, v in enumerate(variables)]
        optimizer.apply(gradients, variables)
    assert {len(arguments["weights"]) for _, arguments in recorder.calls} >= {4, 1}
