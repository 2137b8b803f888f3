"""Numbers set inside a `tf.function`, by a tensor or a number, act from that step on, each time the function runs."""

import copy

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.functions import assign, inside_the_step, setting
from tests.library.products import crossed

ON = {"use_ema": True, "weight_decay": 0.01, "clipvalue": 0.02, "loss_scale_factor": 2.0}
SIZES = (1.0, 0.7, 0.4, 0.1)


def numbers_of(case):
    """Every number of a rule and of what surrounds it that steps read, by name; 0 may mean that there is no slot."""
    numbers = case.make(**ON).numbers().items()
    return {n: v for n, v in numbers if isinstance(v, float) and v > 0 and n not in case.used_at_start}


SHARES = (1.0, 0.5, 0.75, 0.25)


def trained(case, by):
    """The average after four steps, before each of which `by` sets every number to a share of what it was."""
    weight, optimizer = keras.Variable([1.0, -2.0], dtype="float64"), case.make(**ON)
    optimizer.build([weight])
    numbers = numbers_of(case)
    apply = by(optimizer, weight)
    for size, share in zip(SIZES, SHARES, strict=True):
        now = {name: tf.constant(case.part(name, number, share), tf.float64) for name, number in numbers.items()}
        apply(now, tf.constant([0.3 * size, -0.7 * size], tf.float64))
    optimizer.finalize_variable_values([weight])
    return weight.numpy(), optimizer


def before_each_step(optimizer, weight):
    """Sets numbers eagerly, as callbacks do."""

    def apply(numbers, gradient):
        assign(optimizer, {name: float(number) for name, number in numbers.items()})
        optimizer.apply([gradient], [weight])

    return apply


def in_a_function_of_its_own(optimizer, weight):
    """Sets numbers in one compiled function and takes eager steps, which are traced apart; one was before."""
    start = [weight.numpy(), [v.numpy() for v in optimizer.variables]]
    optimizer.apply([tf.ones([2], tf.float64)], [weight])
    weight.assign(start[0])
    optimizer.set_weights(start[1])
    setter = tf.function(lambda numbers: assign(optimizer, numbers))

    def apply(numbers, gradient):
        setter(numbers)
        optimizer.apply([gradient], [weight])

    return apply


BY = {"inside the step": inside_the_step, "in a function of its own": in_a_function_of_its_own}


@crossed("by", BY, in_turn=BY)
def test_tensors_act_as_the_numbers_do(case, by):
    """Every number of every rule, others at each step: the same training as with eager numbers."""
    wanted, _ = trained(case, before_each_step)
    got, optimizer = trained(case, BY[by])
    # The rule runs in place of the kernel: the same numbers, in another order of operations.
    np.testing.assert_allclose(got, wanted, rtol=1e-13)
    last = {name: case.part(name, number, SHARES[-1]) for name, number in numbers_of(case).items()}
    config = optimizer.get_config()
    assert last == {name: config[name] for name in last} == {name: optimizer.given(name) for name in last}


class Decaying(keras.Sequential):
    """A model whose training step sets a number of its optimizer: 0.1, 0.05, 0.0333, ..."""

    field = "learning_rate"

    def train_step(self, data):
        """As users write it."""
        x, y = data
        setattr(self.optimizer, self.field, 0.1 / tf.cast(self.optimizer.iterations + 1, tf.float32))
        with tf.GradientTape() as tape:
            loss = self.compute_loss(x, y, self(x, training=True))
        self.optimizer.apply_gradients(
            zip(tape.gradient(loss, self.trainable_weights), self.trainable_weights, strict=True)
        )
        return {"loss": loss}


def fitted(optimizer, field="learning_rate", **arguments):
    """A model after eight steps of `fit`, from fixed weights."""
    keras.utils.set_random_seed(3)
    model = Decaying([keras.Input((3,)), keras.layers.Dense(1)])
    model.field = field
    model.compile(optimizer, "mse", **arguments)
    x = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
    model.fit(x, x[:, :1] - 1, batch_size=2, epochs=2, shuffle=False, verbose=0)
    return model


@pytest.mark.parametrize("arguments", [{"jit_compile": False}, {"jit_compile": True}, {"run_eagerly": True}], ids=str)
def test_a_rate_set_in_the_training_step_acts_as_in_keras(arguments):
    """Compiled, compiled by XLA and eager: weights and rate of Keras's own optimizer."""
    ours, theirs = fitted(tfoptim.SGD(0.5), **arguments), fitted(keras.optimizers.SGD(0.5), **arguments)
    for mine, wanted in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(mine, wanted, rtol=1e-6)  # float32
    rate = np.float32(0.1) / np.float32(8)
    assert rate == ours.optimizer.learning_rate.numpy()
    assert ours.optimizer.get_config()["learning_rate"] == float(rate)


@pytest.mark.parametrize("field", ["beta_1", "weight_decay", "clipnorm"])
def test_other_numbers_set_in_the_training_step_act(field):
    """What one reads afterwards is the number of the last step, in the attribute and in all that is saved."""
    optimizer = tfoptim.Adam(0.1, **({field: 0.5} if field != "beta_1" else {}))
    model = fitted(optimizer, field)
    assert not np.allclose(model.get_weights()[0], fitted(tfoptim.Adam(0.1)).get_weights()[0])
    last = float(np.float32(0.1) / np.float32(8))
    revived = tfoptim.get(keras.optimizers.serialize(optimizer))
    make, arguments = optimizer.__reduce__()
    assert [last] * 4 == [
        getattr(one, field) for one in (optimizer, copy.deepcopy(optimizer), make(*arguments), revived)
    ]
    assert f"{field}={last}" in repr(optimizer)


def test_a_number_set_inside_a_function_leaves_the_others_alone():
    """Set by a constant, it is set at each run; what a callback sets between the runs stays."""
    weight, optimizer = keras.Variable([0.0]), tfoptim.Momentum(1.0, momentum=0.25)
    optimizer.build([weight])

    @tf.function
    def step():
        optimizer.momentum = 0.5
        optimizer.apply([tf.constant([-1.0])], [weight])

    step()  # 1
    optimizer.learning_rate = 2.0
    optimizer.momentum = 0.0078125
    step()  # 1 + 0.5 * 1 + 2
    assert weight.numpy() == [3.5]
    assert (optimizer.momentum, optimizer.get_config()["learning_rate"]) == (0.5, 2.0)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
def test_a_tensor_of_any_dtype_is_a_number(dtype):
    """As are variables, and whole numbers where they are in the range."""
    optimizer, variable = tfoptim.Adam(), keras.Variable(0.25, dtype="float16")
    whole = tf.Variable(1)

    @tf.function
    def set_numbers(x):
        optimizer.beta_1 = tf.cast(x, dtype)
        optimizer.beta_2 = variable
        optimizer.learning_rate = whole
        return optimizer.beta_1 + 0.5 * x

    assert float(set_numbers(tf.constant(0.5))) == 0.75
    assert (optimizer.beta_1, optimizer.beta_2, optimizer.given("learning_rate")) == (0.5, 0.25, 1.0)
    variable.assign(0.125)
    set_numbers(tf.constant(0.75))
    assert (optimizer.beta_1, optimizer.beta_2) == (0.75, 0.125)


def test_loss_scaling_hands_a_tensor_on():
    """`LossScaleOptimizer.learning_rate` is the inner optimizer's."""
    optimizer = tfoptim.LossScaleOptimizer(tfoptim.GD(1.0))
    weight = keras.Variable([1.0])
    setting(optimizer, "learning_rate", weight)(tf.constant(0.5), tf.constant([2.0**15]))
    assert weight.numpy() == [0.5]


def test_a_momentum_set_by_a_tensor_steps_touched_rows_and_keeps_its_slot():
    """Whether there is a slot is declared: a tensor of 0, in an earlier function, leaves it there."""
    optimizer, table = tfoptim.Momentum(1.0, momentum=0.5), keras.Variable(np.zeros((3, 1), "float32"))
    setter = tf.function(lambda number: setattr(optimizer, "momentum", number))
    setter(tf.constant(0.0))
    rows = tf.IndexedSlices(tf.constant([[-1.0]]), tf.constant([1]), tf.constant([3, 1]))

    @tf.function
    def step(number):
        optimizer.momentum = number
        optimizer.apply([rows], [table])

    for number in (0.0, 0.5, 0.25):  # moves of 1, 1.5 and 1.375
        step(tf.constant(number))
    np.testing.assert_array_equal([[0.0], [3.875], [0.0]], table.numpy())


def test_a_number_that_a_function_sets_may_be_set_eagerly_again():
    """To another number, or to a schedule, which then is what one reads."""
    optimizer = tfoptim.Momentum(0.1, momentum=0.5)
    tf.function(lambda number: setattr(optimizer, "momentum", number))(tf.constant(0.25))
    optimizer.momentum = 0.75
    assert optimizer.momentum == optimizer.given("momentum") == 0.75
    schedule = tfoptim.schedules.Cyclic(0.8, 0.9, 4)
    optimizer.momentum = schedule
    assert optimizer.momentum is optimizer.given("momentum") is schedule
    assert tf.function(lambda: optimizer.momentum is schedule)()
