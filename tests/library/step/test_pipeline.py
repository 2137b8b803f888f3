"""The stages around a rule: what is skipped, what is refused, what happens to gradients that are not finite."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.harness import values_of, variables_of
from tests.library.products import representative_class, representative_where

ONES = np.ones(2)


def two_variables(optimizer):
    """A built optimizer's two variables of two ones each."""
    variables = variables_of([ONES, ONES])
    optimizer.build(variables)
    return variables


@representative_class
def test_variable_without_gradient_keeps_weights_and_slots(case):
    """None means: not part of this step; Keras's warning says which."""
    optimizer = case.make()
    first, second = two_variables(optimizer)
    optimizer.apply([tf.ones(2), tf.ones(2)], [first, second])
    untouched = second.numpy().tobytes()
    slots = [v for v in optimizer.variables if "weight_1" in v.path]
    before = [v.numpy().tobytes() for v in slots]
    moved = first.numpy()
    with pytest.warns(UserWarning, match="Gradients do not exist for variables.*weight_1"):
        optimizer.apply([tf.ones(2), None], [first, second])
    assert untouched == second.numpy().tobytes()
    assert before == [v.numpy().tobytes() for v in slots]
    assert np.all(moved != first.numpy())


def test_no_gradient_at_all_raises():
    """Nothing to do is a mistake in the model."""
    optimizer = tfoptim.SGD()
    variables = two_variables(optimizer)
    with pytest.raises(ValueError, match="No gradients provided for any variable"):
        optimizer.apply([None, None], variables)


def test_empty_call_is_a_no_op():
    """No variables, no gradients: nothing happens, nothing is counted."""
    optimizer = tfoptim.SGD()
    optimizer.apply([], [])
    assert int(optimizer.iterations.numpy()) == 0


@pytest.mark.parametrize(
    ("gradients", "which", "error", "words"),
    [
        ([ONES], (0, 1), ValueError, "1 gradients for 2 variables"),
        ([np.ones(1), ONES], (0, 1), ValueError, r"weight_0.*\(2,\).*\(1,\)"),
        ([np.ones(3), ONES], (0, 1), ValueError, r"weight_0.*\(2,\).*\(3,\)"),
        ([ONES, ONES], (0, 0), ValueError, "weight_0 is given twice"),
        ([np.ones(2, "int32"), ONES], (0, 1), TypeError, "weight_0.*float.*int32"),
    ],
    ids=["count", "would broadcast", "too long", "twice", "integer"],
)
def test_gradients_that_do_not_fit_are_refused(gradients, which, error, words):
    """Nothing is broadcast, dropped or applied twice; the message names the variable."""
    optimizer = tfoptim.SGD(1.0)
    variables = two_variables(optimizer)
    tensors = [tf.constant(g, "int32" if g.dtype == "int32" else "float32") for g in gradients]
    with pytest.raises(error, match=words):
        optimizer.apply(tensors, [variables[i] for i in which])
    assert [[1.0, 1.0]] * 2 == [v.tolist() for v in values_of(variables)]


def test_sparse_gradient_with_rows_of_another_length_is_refused():
    """The shape of a row is checked as well."""
    table = keras.Variable(np.ones((3, 2)))
    rows = tf.IndexedSlices(tf.ones([1, 3]), tf.constant([1]), tf.constant([3, 3]))
    with pytest.raises(ValueError, match="per row"):
        tfoptim.SGD().apply([rows], [table])


def test_a_sparse_gradient_needs_an_index_for_each_row():
    """Compiled code would read past the end of the shorter one."""
    table = keras.Variable(np.ones((4, 2)))
    rows = tf.IndexedSlices(tf.ones([3, 2]), tf.constant([1]), tf.constant([4, 2]))
    with pytest.raises(ValueError, match=r"one index for each of its rows, got indices of shape \(1,\) and 3"):
        tfoptim.SGD().apply([rows], [table])


def test_a_variable_whose_shape_is_not_known_is_trained_where_a_rule_has_no_slots():
    """Other rules cannot make slots of its shape, and say so."""
    for shape in (tf.TensorShape([None]), tf.TensorShape(None)):
        weights = tf.Variable([1.0, 2.0], shape=shape)
        tfoptim.SGD(0.5).apply([tf.ones(2)], [weights])
        assert weights.numpy().tolist() == [0.5, 1.5]
    with pytest.raises(ValueError, match=r"^Adam: .* must have a known number of axes"):
        tfoptim.Adam().build([weights])


def test_variables_that_the_optimizer_does_not_know_are_refused():
    """After building, `apply` and `build` take the same variables only."""
    optimizer = tfoptim.Adam()
    variables = two_variables(optimizer)
    (stranger,) = variables_of([ONES])
    for call in (lambda: optimizer.apply([tf.ones(2)], [stranger]), lambda: optimizer.build([stranger])):
        with pytest.raises(ValueError, match="weight_0"):
            call()
    optimizer.build(variables)


def test_gradients_without_variables_need_a_built_optimizer():
    """`apply(gradients)` uses the variables of `build`; without them it says what to call."""
    optimizer = tfoptim.SGD(1.0)
    with pytest.raises(ValueError, match="build"):
        optimizer.apply([tf.ones(2)])
    variables = two_variables(optimizer)
    optimizer.apply([tf.ones(2), tf.zeros(2)])
    assert [[0.0, 0.0], [1.0, 1.0]] == [v.tolist() for v in values_of(variables)]


def test_apply_gradients_takes_pairs_as_in_keras():
    """The older entry point does the same step."""
    optimizer = tfoptim.SGD(1.0)
    variables = two_variables(optimizer)
    optimizer.apply_gradients([(tf.ones(2), v) for v in variables])
    assert [[0.0, 0.0]] * 2 == [v.tolist() for v in values_of(variables)]


def test_plain_tensorflow_variables_train_beside_keras_variables():
    """A `tf.Variable` is as good as a `keras.Variable`."""
    mixed = [keras.Variable(1.0, name="a"), tf.Variable(1.0, name="b")]
    optimizer = tfoptim.Adam(0.1)
    for _ in range(2):
        optimizer.apply([tf.constant(0.5), tf.constant(0.5)], mixed)
    assert mixed[0].numpy() == mixed[1].numpy() != 1.0


@representative_where(lambda case: case.still_at_gradient_zero and not case.own_decay)
def test_excluded_variables_do_not_decay(case):
    """`exclude_from_weight_decay` by variable and by name, as in Keras."""
    for exclusion in ("var_list", "var_names"):
        optimizer = case.make(weight_decay=0.01)
        variables = variables_of([ONES, ONES])
        chosen = {"var_list": [variables[1]], "var_names": ["weight_1"]}[exclusion]
        optimizer.exclude_from_weight_decay(**{exclusion: chosen})
        optimizer.apply([tf.zeros(2), tf.zeros(2)], variables)
        decayed, excluded = values_of(variables)
        np.testing.assert_allclose(decayed, 1 - 0.01 * case.learning_rate, rtol=1e-6)
        np.testing.assert_array_equal(excluded, ONES)


def test_float8_scales_are_overwritten_and_not_stepped():
    """The "gradient" of a variable marked so is its new value."""
    scale, weight = variables_of([ONES, ONES])
    scale.overwrite_with_gradient = True
    optimizer = tfoptim.Adam(0.1)
    optimizer.apply([tf.constant([3.0, 4.0]), tf.ones(2)], [scale, weight])
    assert scale.numpy().tolist() == [3.0, 4.0]
    assert np.all(weight.numpy() < 1.0)


def test_a_constraint_holds_again_after_the_average_is_adopted():
    """An average of unit vectors is no unit vector, so the constraint acts on it once more."""
    (weight,) = variables_of([np.eye(2)[0]], constraint=keras.constraints.UnitNorm(axis=0))
    optimizer = tfoptim.GD(1.0, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=2)
    for _ in range(2):
        optimizer.apply([tf.constant([0.0, 1.0])], [weight])
    assert np.linalg.norm(weight.numpy()) == pytest.approx(1.0, rel=1e-6)


def test_training_gives_no_warning():
    """A step with all gradients present is silent, so that warnings mean something."""
    optimizer = tfoptim.Adam(0.1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        optimizer.apply([tf.ones(2), tf.ones(2)], two_variables(optimizer))
    assert int(optimizer.iterations.numpy()) == 1


def test_whole_numbers_that_are_to_be_trained_are_refused():
    """The optimizer says so when it is built, with path and dtype."""
    with pytest.raises(TypeError, match="must be a float variable to be trained, got dtype int32"):
        tfoptim.SGD().build([keras.Variable([1, 2], dtype="int32")])


def test_a_step_of_float8_scales_alone_is_counted():
    """Where only scaling factors have gradients, they are assigned and nothing else happens."""
    (scale,) = variables_of([ONES])
    scale.overwrite_with_gradient = True
    optimizer = tfoptim.Adam(use_ema=True)
    optimizer.apply([tf.constant([3.0, 4.0])], [scale])
    optimizer.finalize_variable_values([scale])
    assert [3.0, 4.0] == scale.numpy().tolist()
    assert int(optimizer.iterations.numpy()) == 1
