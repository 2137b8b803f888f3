"""A value that was read stays as it was, steps and reads keep their order, and bad input changes nothing."""

import threading

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.native import doubles

DOUBLE = tf.float64


def arguments(weights, slots=(), gradients=None, **changed):
    """Those of a step of momentum, or, without slots, of gradient descent."""
    gradients = [tf.ones(w.shape) for w in weights] if gradients is None else gradients
    numbers = [[0.0, 0.0, 0.5, 0.9]] if slots else [[0.0, 0.0, 0.5]]
    return {
        "weights": [w.handle for w in weights],
        "slots": [s.handle for s in slots],
        "averages": [],
        "gradients": gradients,
        "numbers": tf.constant(numbers, DOUBLE),
        "factors": tf.zeros([0], DOUBLE),
        "rule": "momentum" if slots else "gd",
        "W": weights[0].dtype,
        "groups": [0] * len(weights),
        **changed,
    }


def test_a_value_read_before_a_step_stays_as_it_was(on):
    """The variable gets a buffer of its own."""
    [w, v] = doubles.variables((100,), (100,))
    before = w.read_value(), v.read_value(), w.value()
    on.tfoptim_step(**arguments([w], [v]))
    assert [x.numpy()[0] for x in before] == [1.0, 0.0 + 1.0, 1.0]
    assert w.numpy()[0] == np.float32(1.0 + (0.9 * 1.0 - 0.5))


def test_a_value_read_before_a_step_of_rows_stays_as_it_was(on):
    """Afterwards readers copy, and a step copies nothing."""
    [w] = doubles.variables((5, 2))
    before = w.value()
    one = arguments([w], gradients=[tf.ones([2, 2])], indices=[tf.constant([1, 1], tf.int64)])
    del one["averages"]
    for _ in range(2):
        on.tfoptim_rows(**one)
    assert before.numpy().tolist() == np.ones((5, 2)).tolist()
    assert w.numpy()[:, 0].tolist() == [1.0, -1.0, 1.0, 1.0, 1.0]


def test_reads_in_a_graph_are_in_the_order_of_the_program(on):
    """The operation has the variables as inputs, so that automatic control dependencies see it."""
    [w] = doubles.variables((50_000,))

    @tf.function
    def program():
        seen = []
        for _ in range(3):
            seen.append(w[-1])
            on.tfoptim_step(**arguments([w]))
        return [*seen, w[0]]

    assert [float(x) for x in program()] == [1.0, 0.5, 0.0, -0.5]


def test_reads_in_a_loop_wait_for_the_step_before(on):
    """As in compiled training: a body that reads, then moves."""
    [w] = doubles.variables((50_000,))

    @tf.function
    def program():
        total = tf.constant(0.0)
        for _ in tf.range(10):
            total += tf.reduce_mean(w)
            on.tfoptim_step(**arguments([w]))
        return total

    assert float(program()) == sum(1 - 0.5 * i for i in range(10))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"gradients": [tf.ones([3])]}, r"must have shape \[3\], got \[2\]"),
        ({"W": tf.float16}, "must have dtype half, got float"),
        ({"factors": tf.ones([2], DOUBLE)}, "factors must have shape"),
        ({"numbers": tf.ones([1, 3], DOUBLE)}, "takes rows of 4 numbers"),
        ({"numbers": tf.ones([4], DOUBLE)}, "takes rows of 4 numbers"),
        ({"groups": [1]}, "got group 1"),
        ({"groups": [0, 0]}, "groups must have 1 numbers"),
        ({"rule": "magic"}, "there is no rule magic"),
        ({"rule": "adam"}, "has 2 slots a variable"),
        ({"gradients": [tf.ones([2], DOUBLE)]}, "cannot be updated in double"),
    ],
    ids=str,
)
def test_bad_input_is_one_sentence_and_changes_nothing(change, sentence, on):
    """All is checked before anything is written."""
    [w, v] = doubles.variables((2,), (2,))
    with pytest.raises(
        (tf.errors.InvalidArgumentError, tf.errors.FailedPreconditionError), match=f"tfoptim: .*{sentence}"
    ):
        on.tfoptim_step(**arguments([w], [v], **change))
    assert (w.numpy().tolist(), v.numpy().tolist()) == ([1.0, 1.0], [1.0, 1.0])


@pytest.mark.parametrize(
    "change",
    [
        {"numbers": tf.ones([1, 3], DOUBLE)},
        {"numbers": tf.ones([4], DOUBLE)},
        {"groups": [1]},
        {"groups": [0, 0]},
        {"factors": tf.ones([2], DOUBLE)},
        {"gradients": [tf.ones([3])]},
        {"rule": "magic"},
    ],
    ids=str,
)
def test_xla_refuses_inputs_that_do_not_fit(change, on):
    """When it compiles, in one sentence."""
    [w, v] = doubles.variables((2,), (2,))

    @tf.function(jit_compile=True)
    def step():
        on.tfoptim_step(**arguments([w], [v], **change))

    with pytest.raises(tf.errors.InvalidArgumentError, match="tfoptim: "):
        step()


def test_a_slot_of_another_shape_is_refused(on):
    """Its memory would be overrun."""
    [w, v] = doubles.variables((4,), (3,))
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"must have shape \[4\], got \[3\]"):
        on.tfoptim_step(**arguments([w], [v]))


def test_a_variable_given_twice_is_refused(on):
    """It would be locked twice."""
    [w] = doubles.variables((4,))
    with pytest.raises(tf.errors.InvalidArgumentError, match="is given twice"):
        on.tfoptim_step(**arguments([w, w]))


def test_a_row_out_of_range_is_refused_and_nothing_moves(on):
    """No memory outside of the table is written."""
    [w] = doubles.variables((4, 2))
    for row in (-1, 4):
        one = arguments([w], gradients=[tf.ones([2, 2])], indices=[tf.constant([0, row], tf.int64)])
        del one["averages"]
        with pytest.raises(tf.errors.InvalidArgumentError, match=f"has 4 rows, got a gradient of row {row}"):
            on.tfoptim_rows(**one)
    assert w.numpy().tolist() == np.ones((4, 2)).tolist()


def test_steps_in_many_threads_neither_lock_up_nor_lose_one(on):
    """Variables are locked in the order of their addresses."""
    variables = doubles.variables(*[(1000,)] * 6)

    def work(seed):
        order = np.random.default_rng(seed).permutation(6)
        for _ in range(20):
            on.tfoptim_step(**arguments([variables[i] for i in order]))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert {float(v.numpy()[-1]) for v in variables} == {1 - 0.5 * 80}


def built(optimizer, *shapes):
    """The optimizer on variables of ones."""
    variables = [keras.Variable(np.ones(shape, "float32")) for shape in shapes]
    optimizer.build(variables)
    return variables


def operations(function, *inputs):
    """The types of operations of a traced function."""
    graph = function.get_concrete_function(*inputs).graph.as_graph_def()
    return {node.op for part in (graph.node, *(f.node_def for f in graph.library.function)) for node in part}


def test_a_step_is_one_operation_for_all_variables(on):
    """Whatever their number."""
    optimizer = tfoptim.Adam()
    variables = built(optimizer, (3,), (4, 5), ())
    step = tf.function(lambda: optimizer.apply([tf.ones(v.shape) for v in variables], variables))
    step()
    graph = step.get_concrete_function().graph.as_graph_def()
    assert sum(node.op == "TfoptimStep" for node in graph.node) == 1


def test_replicas_on_cpus_move_alike(on, two_replicas):
    """Each device runs the operation on its copies."""
    strategy = two_replicas
    with strategy.scope():
        optimizer, v = tfoptim.Adam(0.1), keras.Variable(np.ones(8, "float32"))
        optimizer.build([v])

    @tf.function
    def step():
        strategy.run(lambda: optimizer.apply([tf.ones(8)], [v]))

    step()
    step()
    copies = [copy.numpy() for copy in strategy.experimental_local_results(v.value)]
    assert "TfoptimStep" in operations(step)
    np.testing.assert_array_equal(copies[0], copies[1])
    np.testing.assert_allclose(copies[0], 0.8, rtol=1e-6)


def test_an_exported_step_has_tensorflows_operations_alone(on, tmp_path):
    """The file loads where the operation is not."""

    class Training(tf.Module):
        def __init__(self):
            super().__init__()
            self.optimizer = tfoptim.Adam(0.1, global_clipnorm=1.0)
            self.own = built(self.optimizer, (3,))

        @tf.function(input_signature=[tf.TensorSpec([3])])
        def train(self, g):
            self.optimizer.apply([g], self.own)
            return tf.identity(self.own[0].value)

    training = Training()
    training.optimizer.apply([tf.ones(3)], training.own)
    tf.saved_model.save(training, str(tmp_path / "export"))
    assert not {name for name in operations(training.train) if name.startswith("Tfoptim")}
    loaded = tf.saved_model.load(str(tmp_path / "export"))
    assert np.all(loaded.train(tf.ones(3)).numpy() < 1)


def test_the_switch_is_asked_at_each_trace(on, monkeypatch):
    """TFOPTIM_NATIVE=0."""
    monkeypatch.setenv("TFOPTIM_NATIVE", "0")
    optimizer = tfoptim.Adam()
    variables = built(optimizer, (3,))
    step = tf.function(lambda: optimizer.apply([tf.ones(3)], variables))
    assert not {name for name in operations(step) if name.startswith("Tfoptim")}
