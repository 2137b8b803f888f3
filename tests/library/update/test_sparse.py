"""Gradients of embeddings, as rows with indices, train like the dense gradients they stand for."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.cases import CLASSES
from tests.library.harness import MODES, values_of
from tests.library.products import crossed, every_rule_where, representative

ROWS, COLUMNS = 6, 3
# Row 1 comes three times in the first step, row 0 is seen once, row 5 never.
INDICES = ([1, 1, 2, 1], [0, 1, 2, 2], [4, 3, 4, 1], [2, 2, 2, 2])
SURROUNDINGS = {
    "clipnorm, accumulation": {"clipnorm": 0.5, "gradient_accumulation_steps": 2},
    "global_clipnorm, scale": {"global_clipnorm": 0.5, "loss_scale_factor": 2.0},
    "clipvalue, decay": {"clipvalue": 0.3, "weight_decay": 0.01},
}
ROUNDING = 1e-12  # float64; sums of repeated rows may be taken in another order


def sparse_gradients():
    """Indices and values of each step, seeded."""
    generator = np.random.default_rng(5)
    return [(rows, generator.normal(size=(len(rows), COLUMNS))) for rows in INDICES]


def dense(rows, values):
    """The same gradient as a full matrix."""
    matrix = np.zeros((ROWS, COLUMNS))
    for row, value in zip(rows, values, strict=True):
        matrix[row] += value
    return matrix


def train_table(optimizer, mode, as_rows):
    """The embedding table and a second, dense variable after each step."""
    table = keras.Variable(np.random.default_rng(4).normal(size=(ROWS, COLUMNS)), dtype="float64")
    bias = keras.Variable(np.ones(COLUMNS), dtype="float64")
    optimizer.build([table, bias])

    def step(rows, values, matrix):
        gradient = tf.IndexedSlices(values, rows, matrix.shape) if as_rows else matrix
        optimizer.apply([gradient, tf.reduce_sum(matrix, axis=0)], [table, bias])

    step = tf.function(step) if mode == "graph" else step
    trajectory = []
    for rows, values in sparse_gradients():
        step(tf.constant(rows), tf.constant(values), tf.constant(dense(rows, values)))
        trajectory.append(values_of([table, bias]))
    return trajectory


def assert_same(expected, actual):
    """Two trajectories agree to rounding."""
    for wanted, got in zip(expected, actual, strict=True):
        for w, g in zip(wanted, got, strict=True):
            np.testing.assert_allclose(g, w, rtol=0, atol=ROUNDING)


@crossed("mode", MODES, representative=("graph",))
def test_sparse_rows_equal_dense_rows(case, mode):
    """Repeated rows are summed before anything else, so nothing differs from the dense gradient."""
    expected = train_table(case.make(), "graph", as_rows=False)
    assert_same(expected, train_table(case.make(), mode, as_rows=True))


@crossed("surroundings", SURROUNDINGS, in_turn=SURROUNDINGS, rows=CLASSES)
def test_sparse_rows_equal_dense_rows_with_base_arguments(case, surroundings):
    """Clipping sees the norm of summed rows; scaling, accumulation and decay work on rows too."""
    settings = SURROUNDINGS[surroundings]
    expected = train_table(case.make(**settings), "graph", as_rows=False)
    assert_same(expected, train_table(case.make(**settings), "graph", as_rows=True))


@pytest.mark.parametrize("arguments", [{}, {"lazy": True}, {"gradient_accumulation_steps": 2}], ids=str)
@pytest.mark.parametrize("rule", [tfoptim.SGD, tfoptim.Adam])
def test_rows_without_a_shape_have_that_of_the_variable(rule, arguments):
    """`tf.IndexedSlices(values, indices)` has none, and steps like rows with it."""
    moved = []
    for shape in (None, tf.constant([ROWS, COLUMNS])):
        optimizer, table = rule(**arguments), keras.Variable(np.ones((ROWS, COLUMNS), "float32"))
        for _ in range(2):
            optimizer.apply([tf.IndexedSlices(tf.ones([2, COLUMNS]), tf.constant([1, 1]), shape)], [table])
        moved.append(table.numpy())
    np.testing.assert_array_equal(*moved)
    assert moved[0][1, 0] < 1


@representative
def test_an_embedding_layer_trains_like_a_matrix_product(case):
    """What TensorFlow makes of `Embedding` is handled like a product with one-hot rows."""
    start = np.random.default_rng(6).normal(size=(ROWS, COLUMNS)).astype("float32")
    layer = keras.layers.Embedding(ROWS, COLUMNS, embeddings_initializer=keras.initializers.Constant(start))
    layer.build()
    matrix = keras.Variable(start, name=layer.embeddings.name)
    ours, theirs = case.make(), case.make()
    for rows in INDICES:
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(tf.constant(rows)) ** 2)
        gradients = tape.gradient(loss, [layer.embeddings.value])
        assert isinstance(gradients[0], tf.IndexedSlices)
        ours.apply(gradients, [layer.embeddings])
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum((tf.one_hot(rows, ROWS) @ matrix.value) ** 2)
        theirs.apply(tape.gradient(loss, [matrix.value]), [matrix])
    # float32: four steps, the sums of repeated rows in another order
    np.testing.assert_allclose(layer.embeddings.numpy(), matrix.numpy(), rtol=0, atol=5e-6)


@every_rule_where(lambda case: case.zero_gradient_noop)
def test_rows_without_gradient_are_not_touched(case):
    """Where a zero gradient is a no-op, rows that no example asked for stay bit-equal."""
    trajectory = train_table(case.make(), "graph", as_rows=True)
    untouched = np.random.default_rng(4).normal(size=(ROWS, COLUMNS))[5]
    np.testing.assert_array_equal(trajectory[-1][0][5], untouched)


@representative
def test_a_sparse_gradient_without_rows_is_a_zero_gradient(case):
    """A batch that asks for no row at all trains like a gradient of zeros."""
    tables = [keras.Variable(np.ones((ROWS, COLUMNS)), dtype="float64") for _ in range(2)]
    rows = tf.IndexedSlices(tf.zeros([0, COLUMNS], tf.float64), tf.zeros([0], tf.int64), tf.constant([ROWS, COLUMNS]))
    for table, empty in zip(tables, (rows, tf.zeros((ROWS, COLUMNS), tf.float64)), strict=True):
        optimizer = case.make()
        optimizer.apply([tf.ones((ROWS, COLUMNS), tf.float64)], [table])
        optimizer.apply([empty], [table])
    np.testing.assert_allclose(tables[0].numpy(), tables[1].numpy(), rtol=0, atol=ROUNDING)
