"""Eager loops whose missing gradients change from step to step: few functions, and the numbers of one function each."""

import gc
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.harness import values_of
from tests.library.products import crossed, representatives
from tests.library.step.test_cached_step import functions
from tfoptim.step import cached_step

SETTINGS = {
    "clipped, averaged, judged": {
        "global_clipnorm": 1.0,
        "use_ema": True,
        "ema_momentum": 0.5,
        "ema_overwrite_frequency": 3,
        "nonfinite": "skip",
        "loss_scale_factor": 4.0,
    },
    "accumulated, decayed": {"gradient_accumulation_steps": 2, "weight_decay": 0.01, "clipnorm": 0.5},
}
pytestmark = pytest.mark.filterwarnings("ignore:Gradients do not exist")


def patterns(steps, seed=0, variables=5):
    """Which variables have a gradient, step by step; at least one has."""
    generator = np.random.default_rng(seed)
    rows = generator.random((steps, variables)) < 0.5
    rows[np.arange(steps), generator.integers(variables, size=steps)] = True
    return rows


def gradient(v, seed, sparse=False):
    """A random gradient of a variable; a sparse one touches a row twice."""
    generator = np.random.default_rng(seed)
    if not sparse:
        return tf.constant(generator.normal(size=v.shape), v.dtype)
    values = tf.constant(generator.normal(size=(3, *v.shape[1:])), v.dtype)
    return tf.IndexedSlices(values, tf.constant([1, 3, 1]), tf.constant(v.shape))


def trained(make, rows, shuffle=False, tables=(0,), constraint=None):
    """The optimizer, and all weights and state, after steps with these patterns."""
    variables = [keras.Variable(np.ones((4, 2), "float32"), name=f"v{i}") for i in range(rows.shape[1])]
    variables[1].constraint = constraint
    optimizer, generator = make(), np.random.default_rng(7)
    optimizer.build(variables)
    for step, row in enumerate(rows):
        pairs = [
            (gradient(v, 100 * step + i, sparse=i in tables) if there else None, v)
            for i, (there, v) in enumerate(zip(row, variables, strict=True))
        ]
        if shuffle:
            generator.shuffle(pairs)
        optimizer.apply_gradients(pairs)
    return optimizer, [v.astype("float64") for v in values_of([*variables, *optimizer.variables])]


BY_SLOTS = tuple({len(case.slots): case for case in representatives()}.values())


@crossed("setting", SETTINGS, in_turn=SETTINGS, rows=BY_SLOTS)
def test_shared_function_gives_the_numbers_of_a_function_each(case, setting, monkeypatch):
    """Weights and all state, with a sparse and four dense variables; TensorFlow rewrites some roots in one of them."""
    rows = patterns(4)
    monkeypatch.setattr(cached_step, "PATTERNS", 1)
    _, shared = trained(lambda: case.make(**SETTINGS[setting]), rows)
    monkeypatch.setattr(cached_step, "PATTERNS", 10**6)
    _, single = trained(lambda: case.make(**SETTINGS[setting]), rows)
    for expected, found in zip(single, shared, strict=True):
        exact = len(case.slots) < 3
        np.testing.assert_allclose(found, expected, rtol=0, atol=0 if exact else 4e-7 * np.abs(expected).max())


@pytest.mark.parametrize("make", [tfoptim.Adam, tfoptim.AdaGrad, lambda: tfoptim.SGD(clipnorm=1.0, use_ema=True)])
def test_functions_do_not_grow_with_the_patterns(make):
    """Thirty steps, hardly two alike: some patterns have a function, one has the rest, and none is traced again."""
    optimizer, _ = trained(make, patterns(30, variables=12), tables=())
    assert len(functions(optimizer)) == cached_step.PATTERNS + 1
    assert sum(f.experimental_get_tracing_count() for f in functions(optimizer)) == cached_step.PATTERNS + 1


def test_variables_left_out_count_as_missing():
    """Blocks of variables in turn: a call that names some of them is one more pattern, and gives no warning."""
    variables = [keras.Variable(np.ones(3, "float32")) for _ in range(6)]
    optimizer = tfoptim.SGD(1.0)
    optimizer.build(variables)
    for first in range(6):
        for last in range(first + 1, 7):
            block = variables[first:last]
            optimizer.apply([tf.ones(3)] * len(block), block)
    assert len(functions(optimizer)) == cached_step.PATTERNS + 2  # one of them for all variables
    assert [v[0] for v in values_of(variables)] == [1.0 - 6, 1 - 10, 1 - 12, 1 - 12, 1 - 10, 1 - 6]


def test_order_of_the_variables_makes_no_difference():
    """Pairs in any order are one step, one function and the same bits."""
    rows = np.ones((6, 5), bool)
    optimizer, shuffled = trained(lambda: tfoptim.Adam(global_clipnorm=1.0), rows, shuffle=True, tables=())
    _, ordered = trained(lambda: tfoptim.Adam(global_clipnorm=1.0), rows, tables=())
    assert len(functions(optimizer)) == 1
    assert all(map(np.array_equal, shuffled, ordered))


def test_functions_are_bounded_whatever_is_replaced_between_steps():
    """A new schedule is new code; the functions of old ones make room."""
    variable = keras.Variable(1.0)
    optimizer = tfoptim.SGD(tfoptim.schedules.WarmupCosine(1.0, 10))
    optimizer.build([variable])
    for steps in range(10, 10 + cached_step.FUNCTIONS + 3):
        optimizer.learning_rate = tfoptim.schedules.WarmupCosine(1.0, steps)
        optimizer.apply([tf.constant(0.1)], [variable])
    assert len(functions(optimizer)) == cached_step.FUNCTIONS


def test_constraints_hold_in_the_shared_function():
    """A variable that is updated meets its constraint."""
    rows = patterns(12)
    optimizer, _ = trained(lambda: tfoptim.SGD(1.0), rows, constraint=keras.constraints.NonNeg(), tables=())
    assert optimizer._trainable_variables[1].numpy().min() == 0.0
    assert len(functions(optimizer)) == cached_step.PATTERNS + 1


def test_scaled_loss_is_judged_in_the_shared_function():
    """A gradient that is not finite skips the step of all variables, and halves the scale."""
    variables = [keras.Variable(np.ones(2, "float32")) for _ in range(4)]
    optimizer = tfoptim.LossScaleOptimizer(tfoptim.SGD(1.0), initial_scale=8.0)
    optimizer.build(variables)
    for row in patterns(10, variables=4):
        optimizer.apply([tf.ones(2) if there else None for there in row], variables)
    before = [v.tobytes() for v in values_of(variables)]
    optimizer.apply([tf.constant([1.0, np.inf]), tf.ones(2), None, None], variables)
    assert before == [v.tobytes() for v in values_of(variables)]
    assert float(optimizer.dynamic_scale) == 4.0
    assert len(functions(optimizer.inner_optimizer)) <= cached_step.PATTERNS + 1


@pytest.mark.filterwarnings("default:Gradients do not exist")
def test_shared_function_names_each_variable_once(recwarn):
    """A loop with thousands of patterns does not fill the screen."""
    trained(tfoptim.SGD, patterns(40, variables=8), tables=())
    said = [str(w.message) for w in recwarn if "Gradients do not exist" in str(w.message)]
    assert len(said) <= cached_step.PATTERNS + 8


def test_shared_function_refuses_what_every_step_refuses():
    """No gradient at all, and one that would be broadcast."""
    optimizer, _ = trained(tfoptim.SGD, patterns(12), tables=())
    variables = optimizer._trainable_variables
    with pytest.raises(ValueError, match="No gradients provided"):
        optimizer.apply([None] * 5, variables)
    with pytest.raises(ValueError, match=r"v2.*shape \(4, 2\), got \(1, 2\)"):
        optimizer.apply([None, None, tf.ones([1, 2]), None, None], variables)
    with pytest.raises(ValueError, match="given twice"):
        optimizer.apply([tf.ones([4, 2])] * 2, [variables[0]] * 2)


def test_gradients_of_another_kind_are_taken_by_the_shared_function():
    """A variable that was dense so far may be sparse in the next step."""
    rows = patterns(12)
    optimizer, _ = trained(tfoptim.SGD, rows, tables=())
    table = optimizer._trainable_variables[2]
    before = table.numpy().copy()
    slices = tf.IndexedSlices(tf.ones([1, 2]), tf.constant([3], tf.int64))
    for _ in range(2):
        optimizer.apply([slices], [table])
    optimizer.apply([tf.ones([4, 2])] * 2, optimizer._trainable_variables[:2])
    np.testing.assert_allclose(table.numpy() - before, [[0, 0]] * 3 + [[-0.02, -0.02]], atol=1e-6)


def test_functions_do_not_keep_a_deleted_optimizer_alive():
    """What they hold goes with it."""
    optimizer, _ = trained(tfoptim.SGD, patterns(8))
    gone = weakref.ref(optimizer)
    del optimizer
    gc.collect()
    assert gone() is None
