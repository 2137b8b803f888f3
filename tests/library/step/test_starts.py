"""Slots that start from the weights start where training does, however late the weights come."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.devices import on_each
from tests.library.harness import values_of
from tests.library.products import every_class_where
from tests.library.saving.models import X, Y, assert_bitwise, compiled, network
from tfoptim.declaration import Slot
from tfoptim.ops import mean

AROUND = {
    "lookahead": lambda: tfoptim.Lookahead(tfoptim.SGD(1e-3), sync_period=2),
    "multi": lambda: tfoptim.MultiOptimizer(tfoptim.Adam(1e-3), {"kernel": tfoptim.DoG()}),
    "loss scale": lambda: tfoptim.LossScaleOptimizer(tfoptim.ScheduleFreeSGD(1e-3)),
    "accumulated": lambda: tfoptim.Lookahead(tfoptim.SGD(1e-3, gradient_accumulation_steps=2), sync_period=1),
}
OTHERS = [np.full(shape, 0.5, "float32") for shape in ((4, 3), (3,), (3, 1), (1,))]


def weights_after(model, steps=2):
    """The weights of a model after some steps."""
    for _ in range(steps):
        model.train_on_batch(X, Y)
    return model.get_weights()


def assert_starts_late(make, folder):
    """Weights assigned after `compile`, a file of that model, and weights assigned after `build` train alike."""
    model = compiled(network(3), make())
    model.set_weights(OTHERS)
    model.save(folder / "model.keras")
    loaded = keras.models.load_model(folder / "model.keras")
    assert loaded.optimizer.built
    early = compiled(network(3), make())
    early.optimizer.build(early.trainable_variables)
    early.set_weights(OTHERS)
    expected = weights_after(model)
    for other in (loaded, early):
        assert_bitwise(expected, weights_after(other))


def starts_from_weights(case):
    """Whether a rule declares a slot by a function; those of matrices, whose slots follow from others, do by shape."""
    slots = vars(getattr(tfoptim, case.name)).get("slots")
    return isinstance(slots, dict) and any(map(callable, slots.values()))


@every_class_where(starts_from_weights)
def test_weights_that_come_after_build_are_the_start(case, tmp_path):
    """`load_model` builds the optimizer of a compiled model before it has the weights of the file."""
    assert_starts_late(case.make, tmp_path)


def lazily_built(make, *, given):
    """The weights of a model after two steps of `fit`; its input is given beforehand, or found there."""
    keras.utils.set_random_seed(1)
    layers = [keras.layers.Dense(3), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input((4,)), *layers] if given else layers)
    model.compile(make(), "mse")
    model.fit(X, Y, epochs=2, shuffle=False, verbose=0)
    return model.get_weights()


@pytest.mark.parametrize(
    "make",
    [
        tfoptim.ScheduleFreeSGD,
        lambda: tfoptim.Lookahead(tfoptim.Adam(0.01), sync_period=2),
        lambda: tfoptim.Adam(0.01, use_ema=True),
    ],
    ids=["schedule_free", "lookahead", "average"],
)
def test_a_model_that_is_built_within_fit_trains_like_any_other(make):
    """Its variables have no value when the optimizer is built."""
    for expected, got in zip(*(lazily_built(make, given=given) for given in (True, False)), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-6)


@pytest.mark.parametrize("around", AROUND)
def test_wrapped_rules_start_from_them_too(around, tmp_path):
    """Whoever takes the step."""
    assert_starts_late(AROUND[around], tmp_path)


def test_later_steps_leave_the_slots_alone():
    """The start is that of the first update, and of no other."""
    w, optimizer = keras.Variable(1.0), tfoptim.Lookahead(tfoptim.SGD(1.0), sync_period=3)
    optimizer.build([w])
    w.assign(10.0)
    for expected in (9.0, 8.0, 8.5):  # from 10, three steps of 1, half of the way
        optimizer.apply([1.0], [w])
        assert float(w) == expected


def test_skipped_and_accumulating_calls_are_no_updates():
    """Weights that come before the first update count, whatever was called before."""
    for arguments, gradients in (({"nonfinite": "skip"}, [np.nan]), ({"gradient_accumulation_steps": 2}, [1.0])):
        w, optimizer = keras.Variable(1.0), tfoptim.Lookahead(tfoptim.SGD(0.0, **arguments), sync_period=1)
        optimizer.build([w])
        for g in gradients:
            optimizer.apply([g], [w])
        w.assign(10.0)
        optimizer.apply([1.0], [w])
        assert float(w) == 10.0


@pytest.mark.parametrize("jit_compile", [False, True])
def test_a_traced_step_starts_from_the_weights_of_its_call(jit_compile):
    """Not from those that it was traced with; also as XLA compiles it."""
    w, optimizer = keras.Variable([1.0, 2.0]), tfoptim.Lookahead(tfoptim.SGD(0.0), sync_period=1)
    optimizer.build([w])
    step = tf.function(lambda: optimizer.apply([tf.ones(2)], [w]), autograph=False, jit_compile=jit_compile)
    step.get_concrete_function()
    w.assign([10.0, 20.0])
    step()
    np.testing.assert_array_equal(w, [10.0, 20.0])


def test_every_replica_starts_from_its_weights(two_replicas):
    """Slots on both devices, also of a variable that has no gradient in the first step."""
    strategy = two_replicas
    with strategy.scope():
        variables = [keras.Variable([1.0, 2.0]), keras.Variable(3.0)]
        optimizer = tfoptim.Lookahead(tfoptim.SGD(0.0), sync_period=1)
        optimizer.build(variables)
    for v in variables:
        v.assign(v + 10)
    zero = tf.zeros([2])

    @tf.function(autograph=False)
    def step():
        strategy.run(lambda: optimizer.apply([zero], variables[:1]))

    step()
    for slot, v in zip(optimizer._runtime.slots, variables, strict=True):
        for copy, weights in zip(on_each(strategy, slot["slow"]), on_each(strategy, v), strict=True):
            np.testing.assert_array_equal(copy, weights)


def test_a_counter_that_is_set_back_starts_no_state_again():
    """COCOB's rule has no step in it: setting the counter to 0 changes nothing."""
    ends = []
    for restarts in (False, True):
        w, optimizer = keras.Variable([1.0, 2.0]), tfoptim.COCOB()
        for step in range(6):
            if restarts and step == 4:
                optimizer.iterations.assign(0)
            optimizer.apply([tf.constant([1.0, -1.0])], [w])
        ends.append(w.numpy())
    np.testing.assert_array_equal(*ends)


def test_an_average_starts_at_the_weights_whatever_the_counter():
    """A schedule goes on from step 1000: the average of weights that stay is the weights, not a share of them."""
    w, optimizer = keras.Variable(5.0), tfoptim.SGD(0.0, use_ema=True)
    optimizer.build([w])
    optimizer.iterations.assign(1000)
    optimizer.apply([1.0], [w])
    with optimizer.averaged([w]):
        assert float(w) == 5.0


def test_evaluation_before_the_first_step_has_the_weights():
    """Schedule-Free's average is that of nothing then; nor does the end of a `fit` without steps change anything."""
    w, optimizer = keras.Variable(1.0), tfoptim.ScheduleFreeSGD(0.1)
    optimizer.build([w])
    w.assign(10.0)
    with optimizer.averaged([w]):
        assert float(w) == 10.0
    optimizer.finalize_variable_values([w])
    assert float(w) == 10.0
    optimizer.apply([1.0], [w])
    assert float(w) == pytest.approx(9.9)


@pytest.mark.parametrize("function", [mean, np.mean])
def test_a_slot_of_another_shape_starts_from_the_weights(function):
    """By the function of the rule, which may be one of NumPy."""

    class Scaled(tfoptim.Optimizer):
        slots = {"scale": Slot(function, shape=())}  # noqa: RUF012

        def direction(self, h, g, w, s):
            return s.scale * g

    w, optimizer = keras.Variable([1.0, 3.0]), Scaled(1.0)
    optimizer.build([w])
    w.assign([4.0, 8.0])
    optimizer.apply([tf.ones(2)], [w])
    np.testing.assert_array_equal(w, [-2.0, 2.0])
    assert values_of(optimizer.variables)[-1] == 6.0
