"""The loop: conditions, precision, exceptions, and what is refused."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.solvers.functions import quadratic, rosenbrock, search, variable
from tfoptim import callbacks, solvers

TWENTY = np.tile([-1.2, 1.0], 10)


def test_float32_ends_with_the_reason_precision():
    """Not with an error: its digits are used up, and the loss is as low as they allow."""
    result, x = search(rosenbrock, TWENTY, dtype="float32", tolerance=1e-10)
    assert result.reason.startswith("precision: no step decreases the loss below ")
    assert result.loss < 1e-6
    np.testing.assert_allclose(x, 1.0, atol=1e-2)


def test_default_conditions_are_relative_to_the_first_gradient():
    """1e-6 of its largest element."""
    x = variable(TWENTY)
    result = tfoptim.minimize(lambda: rosenbrock(x.value), [x])
    first = float(np.max(np.abs(tf.convert_to_tensor(gradient_at(TWENTY)))))
    assert result.reason.startswith("gradient: the largest element")
    assert result.gradient <= 1e-6 * first
    assert result.history[-2].gradient > 1e-6 * first


def gradient_at(x):
    """The gradient of Rosenbrock's function."""
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = rosenbrock(x)
    return tape.gradient(loss, x)


CONDITIONS = {
    "target": (lambda: callbacks.TargetReached("loss", 1.0), lambda result: result.loss <= 1.0),
    "budget": (lambda: callbacks.Budget(steps=3), lambda result: result.iterations == 3),
    "budget of gradients": (lambda: callbacks.Budget(gradients=9), lambda result: 9 <= result.evaluations < 20),
    "decrease": (lambda: callbacks.RelativeDecreaseBelow(0.5, checks=1), lambda result: result.iterations >= 1),
}


@pytest.mark.parametrize("kind", CONDITIONS)
def test_conditions_of_training_stop_a_search(kind):
    """Each with its reason, and the cost; the condition keeps it."""
    make, holds = CONDITIONS[kind]
    x, stop = variable(TWENTY), make()
    result = tfoptim.minimize(lambda: rosenbrock(x.value), [x], stop=stop)
    assert result.reason == stop.reason
    assert result.reason.startswith(f"{kind.partition(' ')[0]}: ")
    assert f"after {result.iterations} step" in result.reason
    assert holds(result)
    assert len(result.history) == result.iterations
    assert [now.iteration for now in result.history] == list(range(1, result.iterations + 1))


def test_a_region_without_value_is_stepped_back_from():
    """The first step leads where the logarithm is NaN."""
    result, x = search(lambda x: x[0] - tf.math.log(x[0]), [0.05], search=solvers.Wolfe(curvature=0.1))
    assert result.reason.startswith("gradient: ")
    np.testing.assert_allclose(x, [1.0], atol=1e-6)


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_the_best_point_stays_after_an_exception(error):
    """Ctrl-C too: the variables have the lowest loss so far, not that of a trial."""
    x, seen = variable(TWENTY), []

    def interrupt(now):
        seen.append(now.loss)
        if now.iteration == 5:
            raise error

    with pytest.raises(error):
        tfoptim.minimize(lambda: rosenbrock(x.value), [x], callbacks=[interrupt])
    assert float(rosenbrock(x.value)) == pytest.approx(min(seen), rel=1e-14)  # compiled or not


def test_callbacks_see_the_point_of_their_iteration():
    """Not that of a trial: they may measure what they like there."""
    x = variable(TWENTY)
    seen = []
    result = tfoptim.minimize(lambda: rosenbrock(x.value), [x], callbacks=[lambda _: seen.append(rosenbrock(x.value))])
    np.testing.assert_allclose(seen, [now.loss for now in result.history], rtol=1e-14)  # compiled or not


def test_several_variables_are_one_vector():
    """Of two dtypes and shapes, in any order; what has no gradient keeps still."""
    function, a, b = quadratic(6, 10.0)
    first, second, idle = (
        keras.Variable(np.ones((2, 2)), dtype="float64"),
        tf.Variable(np.ones(2, "float32")),
        variable([7.0]),
    )

    def loss():
        return function(tf.concat([tf.reshape(first.value, [-1]), tf.cast(second, tf.float64)], 0))

    result = tfoptim.minimize(loss, [idle, first, second])
    solution = np.linalg.solve(a, b)
    assert result.iterations > 3
    np.testing.assert_allclose(first.numpy().ravel(), solution[:4], atol=1e-5)
    np.testing.assert_allclose(second.numpy(), solution[4:], atol=1e-5)
    assert idle.numpy() == [7.0]


def test_progress_has_loss_gradient_and_the_rate_of_evaluations(capsys, monkeypatch):
    """A line a second."""
    monkeypatch.setattr("time.monotonic", iter(np.arange(0, 1000, 0.6)).__next__)
    x = variable(TWENTY)
    tfoptim.minimize(lambda: rosenbrock(x.value), [x], stop=callbacks.Budget(steps=4), verbose=True)
    first, *_ = lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert first.startswith("iteration 2: loss ")
    assert ", gradient " in first
    assert first.endswith(" a second)")


def bounded():
    """A variable with a constraint."""
    v = variable([1.0])
    v.constraint = keras.constraints.NonNeg()
    return v


def half():
    """A search over half precision."""
    tfoptim.minimize(lambda: 0.0, [variable([1.0], "bfloat16")])


def twice():
    """A search over one variable given twice."""
    v = variable([1.0])
    tfoptim.minimize(lambda: 0.0, [v, v])


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: tfoptim.minimize(lambda: 0.0, []), ValueError, "minimize: variables must not be empty"),
        (half, TypeError, r"minimize: .* must be float32 or float64, got bfloat16"),
        (
            lambda: tfoptim.minimize(lambda: 0.0, [bounded()]),
            ValueError,
            "has a constraint, which the method would leave",
        ),
        (twice, ValueError, "minimize: a variable is given twice"),
        (
            lambda: tfoptim.minimize(lambda: 0.0, variable([1.0])),
            TypeError,
            "minimize takes a list of variables, got Variable: put it into a list",
        ),
        (lambda: tfoptim.minimize(lambda: 0.0, 3), TypeError, r"takes a list of variables, got int\.$"),
        (lambda: tfoptim.minimize(lambda: 0.0, [3]), TypeError, r"takes a list of variables, got int\.$"),
        (
            lambda: tfoptim.minimize(3.0, [variable([1.0])]),
            TypeError,
            "loss must be a function without arguments, got fl",
        ),
        (lambda: of(lambda x: None), ValueError, r"minimize: loss must return a float scalar, got None\.$"),
        (lambda: of(lambda x: "a"), ValueError, r"loss must return a float scalar, got string of shape \(\)"),
        (
            lambda: of(lambda x: tf.cast(tf.reduce_sum(x), tf.float16)),
            ValueError,
            "must return a float scalar of float32 or float64, got float16; leave mixed precision",
        ),
        (lambda: of(lambda x: x), ValueError, r"loss must return a float scalar, got float64 of shape \(1,\)"),
        (lambda: of(lambda x: tf.reduce_sum(tf.math.log(-x))), ValueError, "must be finite at the start, got loss nan"),
        (lambda: of(tf.reduce_sum, method=tfoptim.Adam()), TypeError, "method must be one of tfoptim.solvers"),
        (
            lambda: of(tf.reduce_sum, method=solvers.GaussNewton()),
            TypeError,
            r"(?s)minimize: GaussNewton needs residuals, .*tfoptim.least_squares",
        ),
        (lambda: of(tf.reduce_sum, search=3), TypeError, r"search must be a tfoptim.solvers.Wolfe, got 3\.$"),
        (lambda: of(tf.reduce_sum, callbacks=print), TypeError, "callbacks must be a list of functions, got <built-in"),
        (lambda: of(tf.reduce_sum, stop=3), TypeError, "stop must be a condition of tfoptim.callbacks, got 3"),
    ],
)
def test_what_makes_no_sense_is_refused(make, error, message):
    """In one sentence."""
    with pytest.raises(error, match=message):
        make()


def of(function, **arguments):
    """A search over one number."""
    v = variable([1.0])
    tfoptim.minimize(lambda: function(v.value), [v], **arguments)


def test_a_method_is_no_optimizer_of_a_model():
    """The message of `compile` has the two lines to write, and they run."""
    model = keras.Sequential([keras.Input([1]), keras.layers.Dense(1)])
    with pytest.raises(ValueError, match="LBFGS needs the loss, not only gradients; write these two lines:") as caught:
        model.compile(optimizer=tfoptim.LBFGS(history=5), loss="mse")
    lines = [line.strip() for line in str(caught.value).splitlines()[1:]]
    assert lines[0] == "model.compile(loss=...)"
    names = {"model": model, "tfoptim": tfoptim, "x": np.ones((3, 1)), "y": np.ones((3, 1))}
    exec("\n".join([lines[0].replace("...", "'mse'"), f"result = {lines[1]}"]), names)  # noqa: S102  what is tested
    assert names["result"].loss < 1e-9
    assert str(tfoptim.LBFGS()) == repr(tfoptim.LBFGS()) == "LBFGS(history=10)"
