"""AdaHessian follows its loop where the diagonal of the Hessian is exact, and estimates it without bias elsewhere."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library import quadratic
from tests.library.devices import on_each
from tests.library.harness import MODES, values_of, variables_of
from tests.library.reference.adahessian import adahessian
from tests.library.training.models import X, Y, functional
from tfoptim.step.curvature import signs

STEPS = 12
ROUNDING = 1e-12  # float64, relative to weights of about 1
SHAPES = {"number": (), "vector": (3,), "matrix": (4, 3), "kernel": (3, 3, 2, 4)}
OPTIONS = {
    "defaults": {},
    "half the power": {"hessian_power": 0.5, "epsilon": 0.01},
    "decay": {"weight_decay": 0.1, "learning_rate": 0.02},
    "short memory": {"beta_1": 0.5, "beta_2": 0.6},
}
DENSE = np.array([[3.0, -1.0], [-1.0, 2.0]])


def problem(shape):
    """Weights, and the curvatures of half the weighted squares."""
    generator = np.random.default_rng(0)
    return generator.normal(size=shape), generator.uniform(0.5, 4.0, shape)


def trained(optimizer, start, curvature, mode="graph", steps=STEPS):
    """Weights after each step."""
    (w,) = variables_of([start], "float64")
    optimizer.build([w])

    def step():
        loss = lambda: tf.reduce_sum(curvature * tf.square(w.value)) / 2  # noqa: E731  one line
        optimizer.apply(optimizer.gradients(loss, [w]), [w])

    run = step if mode == "eager" else tf.function(step, jit_compile=mode == "xla")
    trajectory = []
    for _ in range(steps):
        run()
        trajectory.append(w.numpy())
    return trajectory


@pytest.mark.parametrize(
    ("shape", "options"),
    [*((shape, "defaults") for shape in SHAPES), *(("matrix", o) for o in OPTIONS if o != "defaults")],
)
def test_on_a_diagonal_hessian_it_follows_the_loop(shape, options):
    """Any signs give the exact diagonal, which is averaged over height and width in the kernel of a convolution."""
    start, curvature = problem(SHAPES[shape])
    diagonal = np.broadcast_to(curvature.mean((0, 1)), curvature.shape) if shape == "kernel" else curvature
    expected = adahessian(start, [lambda w: curvature * w] * STEPS, [diagonal] * STEPS, **OPTIONS[options])
    actual = trained(tfoptim.AdaHessian(**OPTIONS[options]), start, curvature)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("mode", ["eager", "xla"])
def test_every_mode_follows_the_loop(mode):
    """Nested tapes compile."""
    start, curvature = problem((4, 3))
    expected = adahessian(start, [lambda w: curvature * w] * 3, [curvature] * 3)
    np.testing.assert_allclose(
        trained(tfoptim.AdaHessian(), start, curvature, mode, 3), expected, rtol=0, atol=ROUNDING
    )


def test_signs_are_signs_without_preference_of_their_own_for_each_variable_and_call():
    """Their mean is 0 to three deviations; equal seeds give equal signs, in a graph too."""
    v = keras.Variable(np.zeros((100, 100)))
    drawn = [signs(v, seed).numpy() for seed in ([0, 0], [0, 1], [1, 0])]
    for z in drawn:
        assert {-1.0, 1.0} == {*z.ravel()}
        assert abs(z.mean()) < 3 / 100
    assert max(abs((a * b).mean()) for a, b in zip(drawn, drawn[1:] + drawn[:1], strict=True)) < 3 / 100
    np.testing.assert_array_equal(tf.function(lambda: signs(v, [0, 1]))().numpy(), drawn[1])


def estimates(optimizer, calls, mode="graph"):
    """What is kept after each call on a quadratic with a full Hessian."""
    (w,) = variables_of([np.array([1.0, -2.0])], "float64")
    optimizer.build([w])

    def step():
        loss = lambda: tf.reduce_sum(w.value * tf.linalg.matvec(DENSE, w.value)) / 2  # noqa: E731  one line
        optimizer.apply(optimizer.gradients(loss, [w]), [w])

    run, found = step if mode == "eager" else tf.function(step), []
    for _ in range(calls):
        run()
        found.append(optimizer._runtime.slots[0]["hessian"].numpy())
    return np.array(found)


@pytest.mark.parametrize("mode", MODES)
def test_the_mean_of_the_estimates_is_the_diagonal_of_a_full_hessian(mode):
    """Each of them is the diagonal plus or minus the rest of its row."""
    found = estimates(tfoptim.AdaHessian(0.0), 300 if mode == "graph" else 20, mode)
    assert {2.0, 4.0} == {*found[:, 0]}
    assert {1.0, 3.0} == {*found[:, 1]}
    np.testing.assert_allclose(found.mean(0), np.diag(DENSE), rtol=0, atol=3 / np.sqrt(len(found)))


def test_between_two_estimates_the_last_is_kept():
    """Every third step has a new one, the first of them too; another seed has others."""
    every, third = (estimates(tfoptim.AdaHessian(0.0, update_period=period), 30) for period in (1, 3))
    np.testing.assert_array_equal(third, np.repeat(every[::3], 3, axis=0))
    assert not np.array_equal(every, estimates(tfoptim.AdaHessian(0.0, seed=1), 30))


def test_a_period_counts_steps_and_not_calls_of_an_accumulation_cycle():
    """All calls of a step that is due estimate; the last counts."""
    every = estimates(tfoptim.AdaHessian(0.0), 12)
    found = estimates(tfoptim.AdaHessian(0.0, update_period=2, gradient_accumulation_steps=2), 12)
    np.testing.assert_array_equal(found[1::4], every[1::4])
    np.testing.assert_array_equal(found[1::4], found[3::4])


def test_a_resumed_training_has_the_signs_that_it_would_have_had():
    """From a saved state, to the bit."""
    whole, first, second = (tfoptim.AdaHessian(0.0) for _ in range(3))
    expected, store = estimates(whole, 8), {}
    estimates(first, 5)
    first.save_own_variables(store)
    second.load_own_variables(store)
    np.testing.assert_array_equal(estimates(second, 3), expected[5:])


def test_it_trains_in_fit_and_is_refused_without_the_loss():
    """The loss of a linear model falls as Newton's would: far in a few steps."""
    model = functional()
    model.compile(tfoptim.AdaHessian(0.3), "mse", run_eagerly=True)
    before = model.evaluate(X, Y, verbose=0)
    for _ in range(20):
        model.train_on_batch(X, Y)
    assert model.evaluate(X, Y, verbose=0) < before / 10
    with pytest.raises(RuntimeError, match="AdaHessian needs the loss"):
        tfoptim.AdaHessian().apply([tf.ones(2)], variables_of([np.ones(2)]))


def test_replicas_have_the_same_signs(two_replicas):
    """Half of the loss on each: the sum of their products is that of one device."""
    expected = quadratic.train(tfoptim.AdaHessian(0.5), 4)[-1]
    with two_replicas.scope():
        variables, optimizer = variables_of(quadratic.START, "float64"), tfoptim.AdaHessian(0.5)
        optimizer.build(variables)
    loss = quadratic.loss_of(variables)

    @tf.function
    def step():
        two_replicas.run(lambda: optimizer.apply(optimizer.gradients(lambda: loss() / 2, variables), variables))

    for _ in range(4):
        step()
    for wanted, variable in zip(expected, variables, strict=True):
        for w in on_each(two_replicas, variable):
            np.testing.assert_allclose(w, wanted, rtol=0, atol=ROUNDING)


def test_a_weight_without_gradient_has_no_curvature_and_stays():
    """A variable that the loss does not read; epsilon keeps the other steps finite."""
    used, unused = variables_of([np.array([1.0]), np.array([2.0])])
    optimizer = tfoptim.AdaHessian(0.1)
    gradients = optimizer.gradients(lambda: tf.reduce_sum(used.value**2), [used, unused])
    assert gradients[1] is None
    with pytest.warns(UserWarning, match="Gradients do not exist"):
        optimizer.apply(gradients, [used, unused])
    assert values_of([unused])[0] == 2.0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"hessian_power": -0.5}, "0 <= x <= 1, got -0.5"),
        ({"hessian_power": 1.5}, "0 <= x <= 1, got 1.5"),
        ({"update_period": 0}, "an integer >= 1, got 0"),
        ({"seed": -1}, "an integer >= 0, got -1"),
        ({"beta_2": 1.0}, "0 <= x < 1, got 1.0"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, words):
    """In one sentence."""
    with pytest.raises(ValueError, match=words):
        tfoptim.AdaHessian(**arguments)


def test_config_and_signature():
    """The arguments of the specification, and back from a config."""
    config = tfoptim.AdaHessian(0.2, hessian_power=0.5, update_period=3, seed=7).get_config()
    again = tfoptim.AdaHessian.from_config(config)
    assert config == again.get_config()
    assert repr(again) == "AdaHessian(learning_rate=0.2, hessian_power=0.5, update_period=3, seed=7)"
