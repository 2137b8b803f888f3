"""Gradient accumulation with variables that have a gradient in some calls only."""

import copy
import pickle  # noqa: TID251  of an optimizer, as users copy it

import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.harness import values_of, variables_of

ONES = np.ones(2)
MISSING = pytest.mark.filterwarnings("ignore:Gradients do not exist:UserWarning")


def two_variables(optimizer):
    """A built optimizer's two variables of two ones each."""
    variables = variables_of([ONES, ONES])
    optimizer.build(variables)
    return variables


def test_accumulated_gradient_is_not_lost_by_a_call_without_gradient():
    """A variable that had a gradient in the first call of a cycle keeps it; the mean is over 2."""
    optimizer = tfoptim.GD(1.0, gradient_accumulation_steps=2)
    variables = two_variables(optimizer)
    optimizer.apply([tf.ones(2), tf.ones(2)], variables)
    with pytest.warns(UserWarning, match="weight_1"):
        optimizer.apply([tf.ones(2), None], variables)
    assert [[0.0, 0.0], [0.5, 0.5]] == [v.tolist() for v in values_of(variables)]


def test_variable_that_never_has_a_gradient_is_left_alone_while_accumulating():
    """No gradient in any call is not a gradient of zero: nothing decays."""
    optimizer = tfoptim.GD(1.0, weight_decay=0.5, gradient_accumulation_steps=2)
    variables = two_variables(optimizer)
    with pytest.warns(UserWarning, match="weight_1"):
        optimizer.apply([tf.ones(2), None], variables)
    optimizer.apply([tf.ones(2), None], variables)
    assert [[-0.5, -0.5], [1.0, 1.0]] == [v.tolist() for v in values_of(variables)]


@MISSING
def test_a_variable_without_gradient_in_a_whole_cycle_does_not_move():
    """Though it had one in the cycle before, and the rule has momentum and decay."""
    optimizer = tfoptim.Adam(0.1, weight_decay=0.1, gradient_accumulation_steps=2)
    variables = two_variables(optimizer)
    for _ in range(2):
        optimizer.apply([tf.ones(2), tf.ones(2)], variables)
    before = variables[1].numpy().tobytes()
    for _ in range(2):
        optimizer.apply([tf.ones(2), None], variables)
    assert variables[1].numpy().tobytes() == before


def test_a_variable_that_a_call_does_not_name_keeps_what_it_has_collected():
    """Blocks of variables in turn: the step at the end of the cycle takes the sums of all."""
    optimizer = tfoptim.GD(1.0, gradient_accumulation_steps=2)
    first, second = two_variables(optimizer)
    optimizer.apply([tf.ones(2)], [first])
    optimizer.apply([tf.ones(2)], [second])
    assert [v.tolist() for v in values_of([first, second])] == [[0.5, 0.5], [0.5, 0.5]]


@MISSING
@pytest.mark.parametrize(
    "copied",
    [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))],  # noqa: S301
    ids=["copy", "pickle"],
)
def test_a_copy_in_the_middle_of_a_cycle_has_what_was_collected(copied):
    """Also of variables that have no gradient afterwards."""
    optimizer = tfoptim.GD(1.0, gradient_accumulation_steps=2)
    variables = two_variables(optimizer)
    optimizer.apply([tf.ones(2), tf.ones(2)], variables)
    other = copied(optimizer)
    other.build(variables)
    other.apply([None, tf.ones(2)], variables)
    assert [v.tolist() for v in values_of(variables)] == [[0.5, 0.5], [0.0, 0.0]]


@MISSING
@pytest.mark.parametrize("early", [False, True])
def test_the_order_of_tracing_does_not_matter(early):
    """A function that was traced before any gradient came keeps it, too."""
    optimizer = tfoptim.GD(1.0, gradient_accumulation_steps=2)
    variables = two_variables(optimizer)
    both = tf.function(lambda: optimizer.apply([tf.ones(2), tf.ones(2)], variables))
    one = tf.function(lambda: optimizer.apply([None, tf.ones(2)], variables))
    for function in (one, both) if early else (both, one):
        function.get_concrete_function()
    both()
    one()
    assert [v.tolist() for v in values_of(variables)] == [[0.5, 0.5], [0.0, 0.0]]


@MISSING
@pytest.mark.parametrize("make", [tfoptim.Adam, tfoptim.Adafactor, tfoptim.DoG])
def test_many_patterns_in_an_eager_loop_move_as_without_a_cache(make):
    """The shared function takes as input who has a gradient; `run_functions_eagerly` takes each call by itself."""
    ends = []
    for eagerly in (False, True):
        optimizer, draws = make(0.1, gradient_accumulation_steps=2), np.random.default_rng(0)
        variables = variables_of([ONES] * 4)
        optimizer.build(variables)
        tf.config.run_functions_eagerly(eagerly)
        try:
            for _ in range(20):
                mask = draws.random(4) < 0.4
                mask[draws.integers(4)] = True
                optimizer.apply([tf.ones(2) if has else None for has in mask], variables)
        finally:
            tf.config.run_functions_eagerly(False)
        ends.append(values_of(variables))
    # Compiled and eager kernels may differ in the last place of each of ten steps.
    np.testing.assert_allclose(ends[0], ends[1], rtol=1e-5)


def test_collected_gradients_of_replicas_count_for_variables_without_one(two_replicas):
    """The sum over both, as of any other variable."""
    with two_replicas.scope():
        optimizer = tfoptim.GD(1.0, gradient_accumulation_steps=2)
        variables = two_variables(optimizer)

    @tf.function
    def step(first):
        gradients = [tf.ones(2) if first else None, tf.ones(2)]
        two_replicas.run(lambda: optimizer.apply(gradients, variables))

    step(True)
    with pytest.warns(UserWarning, match="Gradients do not exist"):
        step(False)
    assert [v.numpy().tolist() for v in variables] == [[0.0, 0.0], [-1.0, -1.0]]
