"""Training with the operation is training without it, but for rounding: in `fit`, on replicas, in exports."""

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library import devices
from tfoptim import native

ULP = np.finfo(np.float32).eps


def numbers(*shape, seed=0):
    """Float32 numbers of size 1."""
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def fitted(optimizer, **options):
    """The weights of a small network after twelve steps of `fit`."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, "tanh"), keras.layers.Dense(1)])
    model.compile(optimizer, "mse", **options)
    model.fit(numbers(48, 4), numbers(48, 1, seed=1), batch_size=4, epochs=1, shuffle=False, verbose=0)
    return [v.numpy() for v in model.trainable_variables]


def assert_near(actual, expected, steps):
    """Four units in the last place of the largest weight a step: two of it, and gradients where weights differ."""
    for found, wanted in zip(actual, expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=0, atol=4 * steps * ULP * max(1.0, np.abs(wanted).max()))


def test_fit_with_many_steps_an_execution_trains_as_without(on, monkeypatch):
    """The steps of one execution are a loop, in which each reads the weights of the one before."""
    make = lambda: tfoptim.Momentum(0.05, weight_decay=0.01, global_clipnorm=1.0, use_ema=True)  # noqa: E731
    traced = []
    monkeypatch.setattr(native, "library", lambda: traced.append("a step") or on)
    actual = fitted(make(), steps_per_execution=6)
    assert traced
    monkeypatch.undo()
    monkeypatch.setenv("TFOPTIM_NATIVE", "0")
    assert_near(actual, fitted(make(), steps_per_execution=6), 12)


class Bounded(keras.constraints.Constraint):
    """Keeps weights in [-0.5, 0.5]."""

    def __call__(self, w):
        """The nearest allowed weights."""
        return keras.ops.clip(w, -0.5, 0.5)


def test_averages_follow_weights_that_a_constraint_has_bounded(on, monkeypatch):
    """The average of a bounded variable moves after the constraint; that of a free one in the pass of the step."""

    def averages():
        variables = [keras.Variable(numbers(5, seed=i), name=name) for i, name in enumerate(("free", "bound"))]
        variables[1].constraint = Bounded()
        optimizer = tfoptim.Momentum(0.1, use_ema=True, ema_momentum=0.5)
        optimizer.build(variables)
        for t in range(3):
            optimizer.apply([tf.constant(numbers(5, seed=10 * t + i)) for i in range(2)], variables)
        return [v.numpy() for v in (*variables, *(a for a in optimizer._runtime.averages if a is not None))]

    actual = averages()
    assert np.abs(actual[3]).max() <= 0.5
    monkeypatch.setenv("TFOPTIM_NATIVE", "0")
    assert_near(actual, averages(), 3)


def test_each_variable_has_the_numbers_of_its_group_and_its_exclusions(on, monkeypatch):
    """A row of numbers for each, in one operation."""

    def trained():
        variables = [keras.Variable(numbers(5, seed=i), name=name) for i, name in enumerate("abc")]
        own = {"b": {"learning_rate": 0.5, "weight_decay": 0.0}}
        optimizer = tfoptim.Lamb(0.1, weight_decay=0.2, decay_in_ratio=True, groups=own)
        optimizer.exclude_from_layer_adaptation(var_names=["c"])
        optimizer.build(variables)
        for t in range(3):
            optimizer.apply([tf.constant(numbers(5, seed=10 * t + i)) for i in range(3)], variables)
        return [v.numpy() for v in variables]

    actual = trained()
    monkeypatch.setenv("TFOPTIM_NATIVE", "0")
    assert_near(actual, trained(), 3)


@pytest.mark.parametrize("way", ["identity", "read", "sparse read", "graph"])
def test_no_reader_sees_its_value_change(way, on):
    """Nor do arrays of NumPy, which are views of a value's memory."""
    v = keras.Variable(np.ones((2000, 2), "float32"))
    optimizer = tfoptim.Lion(0.5)
    optimizer.build([v])
    step = tf.function(lambda: optimizer.apply([tf.ones(v.shape)], [v]))
    raw = v.value
    read = {
        "identity": lambda: tf.identity(raw),
        "read": raw.read_value,
        "sparse read": lambda: raw.sparse_read(tf.range(2000)),
        "graph": tf.function(lambda: tf.identity(raw)),
    }[way]
    for t in range(3):
        before = read()
        view, copy = before.numpy(), raw.numpy()
        step()
        assert np.unique(before).tolist() == np.unique(view).tolist() == np.unique(copy).tolist() == [1 - 0.5 * t]
    assert np.unique(raw.numpy()).tolist() == [-0.5]


@pytest.mark.parametrize("make", [tfoptim.Momentum, tfoptim.Adam, tfoptim.Lamb], ids=lambda cls: cls.__name__)
def test_results_do_not_depend_on_the_number_of_threads(make, on):
    """Under XLA the driver has one thread, else as many as TensorFlow."""
    found = []
    for compiled in (False, True):
        v = keras.Variable(numbers(70_000))
        optimizer = make(0.1, weight_decay=0.01)
        optimizer.build([v])
        step = tf.function(lambda g: optimizer.apply([g], [v]), jit_compile=compiled, autograph=False)  # noqa: B023
        for t in range(2):
            step(tf.constant(numbers(70_000, seed=1 + t)))
        found.append([x.numpy() for x in (v, *optimizer._runtime.slots[0].values())])
    assert all(map(np.array_equal, *found))


LOAD = """
import sys
import tensorflow as tf
loaded = tf.saved_model.load(sys.argv[1])
print(loaded.train(tf.ones(3)).numpy().tolist(), "tfoptim" in sys.modules)
"""


@pytest.mark.slow
def test_an_exported_step_runs_in_a_process_that_knows_nothing_of_tfoptim(on, tmp_path):
    """Though the optimizer took a step by the operation before it was saved."""

    class Training(tf.Module):
        def __init__(self):
            super().__init__()
            self.optimizer, self.own = tfoptim.SGD(0.5, momentum=0.5), keras.Variable(np.ones(3, "float32"))
            self.optimizer.build([self.own])
            self.optimizer.apply([tf.ones(3)], [self.own])

        @tf.function(input_signature=[tf.TensorSpec([3])])
        def train(self, g):
            self.optimizer.apply([g], [self.own])
            return tf.identity(self.own.value)

    tf.saved_model.save(Training(), str(tmp_path / "export"))
    ran = subprocess.run(
        [sys.executable, "-c", LOAD, str(tmp_path / "export")], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert ran.stdout.splitlines()[-1] == "[-0.25, -0.25, -0.25] False"


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_replicas_train_as_one_device(dtype, on, two_replicas):
    """Each of two logical CPUs runs the operation on its copies; sums of replicas are those of one device."""
    found = []
    for strategy in (two_replicas, tf.distribute.get_strategy()):
        with strategy.scope():
            v, optimizer = keras.Variable(numbers(9), dtype=dtype), tfoptim.Adam(0.1, use_ema=True)
            optimizer.build([v])

        def work():
            optimizer.apply([tf.ones(9) / strategy.num_replicas_in_sync], [v])  # noqa: B023

        step = tf.function(lambda: strategy.run(work))  # noqa: B023
        for _ in range(3):
            step()
        found += [np.asarray(copy, "float32") for copy in strategy.experimental_local_results(v.value)]
    assert len(found) == len(devices.CPUS) + 1
    assert all(np.array_equal(found[0], copy) for copy in found)


def test_xla_refuses_rows_without_an_index(on):
    """Also where their numbers are known only when it compiles: memory beyond the indices would be read."""
    table, optimizer = keras.Variable(np.ones((4, 2), "float32")), tfoptim.SGD(0.1)
    optimizer.build([table])
    unknown = [tf.TensorSpec([None, 2]), tf.TensorSpec([None], tf.int32)]

    @tf.function(jit_compile=True, autograph=False, input_signature=unknown)
    def step(values, index):
        optimizer.apply([tf.IndexedSlices(values, index, tf.constant([4, 2]))], [table])

    with pytest.raises(tf.errors.InvalidArgumentError, match="there are 1 indices of 3 rows of a gradient"):
        step(tf.ones((3, 2)), tf.constant([1]))
    assert table.numpy().tolist() == np.ones((4, 2)).tolist()
