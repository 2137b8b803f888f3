"""Hyperparameters are alive: schedules on any field, numbers assigned later, one trace for all."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.cases import CASES
from tests.library.harness import MODES, assert_follows, random_gradients, start_weights, train, values_of
from tests.library.products import every_rule, representative, representative_where

# Everything that has a number, switched on; small enough clipping to act on every gradient below.
ON = {"use_ema": True, "weight_decay": 0.01, "clipvalue": 0.02, "loss_scale_factor": 2.0}


def numbers_of(case):
    """Every number of a rule and of what surrounds it, by name; 0 means switched off, which is not live."""
    return {n: v for n, v in case.make(**ON).numbers().items() if isinstance(v, float) and v > 0}


class Constant(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule that always gives one float64 number."""

    def __init__(self, value):
        self.value = value

    def __call__(self, step):
        """The number, whatever the step."""
        return tf.constant(self.value, tf.float64)

    def get_config(self):
        """The number."""
        return {"value": self.value}


class StepTimes(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule in float64: `base + step * slope`."""

    def __init__(self, base, slope):
        self.base, self.slope = base, slope

    def __call__(self, step):
        """The number at this step."""
        return self.base + self.slope * tf.cast(step, tf.float64)

    def get_config(self):
        """Base and slope."""
        return {"base": self.base, "slope": self.slope}


@representative
def test_constant_schedules_on_all_fields_equal_the_numbers(case):
    """Every number of every rule may be a schedule; constant ones change nothing but the executor, which rounds."""
    fields = type(case.make()).fields
    schedules = {n: Constant(number) for n, number in numbers_of(case).items() if fields[n].domain.schedulable}
    start, gradients = start_weights(), random_gradients(3)
    expected, actual = (
        train(case.make(**{**ON, **given}), start, gradients, mode="graph", dtype="float64")
        for given in ({}, schedules)
    )
    # With scheduled betas the rule runs in place of the kernel: the same numbers, in another order of operations.
    assert_follows(expected, actual, start, 1e-13)


@pytest.mark.parametrize("mode", MODES)
def test_schedule_of_momentum_is_read_at_each_step(mode):
    """Momentum 0.5, 0.6, 0.7, ... follows the plain loop with that momentum at each step."""
    start, gradients = start_weights(), random_gradients(4)
    loop = next(case.reference for case in CASES if case.id == "momentum")
    columns = [[step[i] for step in gradients] for i in range(len(start))]
    expected = [loop(w, g, 0.1, momentum=lambda step: 0.5 + 0.1 * step) for w, g in zip(start, columns, strict=True)]
    optimizer = tfoptim.Momentum(0.1, momentum=StepTimes(0.5, 0.1))
    actual = train(optimizer, start, gradients, mode=mode, dtype="float64")[:-1]
    assert_follows(list(zip(*expected, strict=True)), actual, start, 1e-12)


class Traced:
    """A compiled step of one optimizer that can be run again from the start, with a number changed halfway."""

    def __init__(self, case):
        self.weight = keras.Variable([1.0, -2.0], dtype="float64")
        self.optimizer = case.make(**ON)
        self.optimizer.build([self.weight])
        self.variables = [self.weight, *self.optimizer.variables]
        self.start = values_of(self.variables)
        self.traces = 0
        self.step = tf.function(self.apply)

    def apply(self, gradient):
        """One step; runs as Python only while it is traced."""
        self.traces += 1
        self.optimizer.apply([gradient], [self.weight])

    def run(self, name=None, number=None):
        """The average after two steps, then the change, then two smaller and two larger steps."""
        for variable, value in zip(self.variables, self.start, strict=True):
            variable.assign(value)
        for size in (1.0, 0.1, 3.0):
            if name is not None and size == 0.1:
                setattr(self.optimizer, name, number)
            self.step(tf.constant([0.3 * size, -0.7 * size], tf.float64))
            self.step(tf.constant([-0.2 * size, -0.1 * size], tf.float64))
        self.optimizer.finalize_variable_values([self.weight])
        return self.weight.numpy()


@every_rule
def test_assigned_numbers_are_live_in_the_traced_step(case):
    """`optimizer.beta_1 = 0.5` counts from the next step on, without a new trace; what only starts raises."""
    traced = Traced(case)
    unchanged = traced.run()
    dead = []
    for name, number in numbers_of(case).items():
        if name in case.used_at_start:
            with pytest.raises(ValueError, match=f"{name} is read when the optimizer is built"):
                setattr(traced.optimizer, name, case.part(name, number, 0.5))
        elif np.array_equal(unchanged, traced.run(name, case.part(name, number, 0.5))):
            dead.append(name)
        setattr(traced.optimizer, name, number)
    assert [] == [name for name in dead if name not in case.unused]
    np.testing.assert_array_equal(traced.run(), unchanged)
    assert traced.traces == 1


def test_loss_scale_is_the_same_for_the_loss_and_for_the_gradients():
    """Loss and gradient are scaled in one traced step: a change counts for both."""
    weight = keras.Variable(1.0)
    optimizer = tfoptim.GD(1.0, loss_scale_factor=2.0)
    optimizer.build([weight])

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = optimizer.scale_loss(3.0 * weight.value)
        optimizer.apply(tape.gradient(loss, [weight.value]), [weight])
        return loss

    assert float(step()) == 2.0 * 3.0 * 1.0
    optimizer.loss_scale_factor = 4.0
    assert float(step()) == optimizer.loss_scale_factor * 3.0 * -2.0
    assert float(weight.numpy()) == 1.0 - 3.0 - 3.0


@pytest.mark.parametrize("loss", [3.0, 3, tf.constant(3.0)], ids=["float", "int", "tensor"])
def test_loss_of_any_kind_is_scaled(loss):
    """Keras's own tests scale plain numbers; without a factor the loss is returned as it is."""
    assert float(tfoptim.SGD(loss_scale_factor=2.0).scale_loss(loss)) == 6.0
    assert tfoptim.SGD().scale_loss(loss) is loss


@representative_where(lambda case: case.has_rate and "learning_rate" not in case.used_at_start)
def test_one_trace_serves_a_hundred_steps_with_changing_rates(case):
    """Changing the learning rate never compiles the step again."""
    weight = keras.Variable([1.0, -2.0])
    optimizer = case.make()
    optimizer.build([weight])
    traces = []

    @tf.function
    def step(gradient):
        traces.append(1)
        optimizer.apply([gradient], [weight])

    for i in range(100):
        optimizer.learning_rate = 0.1 / (i + 1)
        step(tf.constant([0.3, -0.7]))
    assert len(traces) == 1


class Watch(keras.callbacks.Callback):
    """Sets a field after the first epoch."""

    def __init__(self, name, value):
        super().__init__()
        self.name, self.value = name, value

    def on_epoch_end(self, epoch, logs=None):
        """Once, between the two epochs."""
        if epoch == 0:
            setattr(self.model.optimizer, self.name, self.value)


def fitted(optimizer, *callbacks, epochs=2):
    """The one weight of a linear model after `fit` with a constant gradient of 1."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.layers[0].kernel.assign([[0.0]])
    model.compile(optimizer, loss=lambda y, p: p, jit_compile=False)
    x = np.ones((2, 1), "float32")
    model.fit(x, x, batch_size=1, epochs=epochs, verbose=0, callbacks=list(callbacks))
    return float(model.layers[0].kernel.numpy()[0, 0])


def test_number_assigned_inside_fit_is_live():
    """Momentum 0.5, then 1 after two of four steps: moves of 1, 0.5 + 1, 1.5 + 1, 2.5 + 1."""
    optimizer = tfoptim.Momentum(1.0, momentum=0.5)
    assert fitted(optimizer, Watch("momentum", 1.0)) == pytest.approx(-8.5, rel=1e-6)


def test_learning_rate_callbacks_of_keras_work():
    """LearningRateScheduler reads and sets the rate between epochs: 2 * 1 + 2 * 0.5."""
    halve = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5**epoch)
    assert fitted(tfoptim.GD(1.0), halve) == pytest.approx(-3.0, rel=1e-6)


def test_plateau_callback_of_keras_works():
    """ReduceLROnPlateau cuts the rate of ours as it does Keras's."""
    plateau = keras.callbacks.ReduceLROnPlateau("loss", factor=0.1, patience=0, min_delta=1e9)
    optimizer = tfoptim.Adam(0.1)
    fitted(optimizer, plateau)
    assert float(optimizer.learning_rate.numpy()) == pytest.approx(0.01, rel=1e-6)


def test_schedule_can_replace_a_number_and_is_then_not_overwritten():
    """A rate becomes a schedule; a number over a schedule is refused with a way out."""
    optimizer = tfoptim.SGD(0.1)
    optimizer.learning_rate = Constant(0.25)
    assert float(optimizer.learning_rate) == 0.25
    with pytest.raises(TypeError, match="LearningRateSchedule"):
        optimizer.learning_rate = 0.5


def test_what_a_built_optimizer_cannot_follow_is_refused():
    """Switching a feature on needs new state; the message says that and the old value stays."""
    weight = keras.Variable([1.0])
    optimizer = tfoptim.SGD(0.1)
    optimizer.build([weight])
    for name, value in (("use_ema", True), ("clipnorm", 1.0), ("momentum", 0.9)):
        with pytest.raises(ValueError, match=f"SGD: {name} cannot change"):
            setattr(optimizer, name, value)
    assert (False, None, 0.0) == (optimizer.use_ema, optimizer.clipnorm, optimizer.momentum)
