"""The loss of a model over all examples: its formula, its batches, and what is refused."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim

GENERATOR = np.random.default_rng(0)
X, Y, WEIGHT = GENERATOR.normal(size=(21, 3)), GENERATOR.normal(size=(21, 1)), GENERATOR.uniform(1, 2, 21)
FLAT = 1e-3  # in float32 a loss near 1 with curvatures near 1 is its minimum within sqrt(2 * 6e-8), some roundings more


def model(**arguments):
    """A linear model with a penalty; its first weights are always the same."""
    keras.utils.set_random_seed(0)
    made = keras.Sequential(
        [
            keras.Input([3]),
            keras.layers.Dense(1, kernel_regularizer=keras.regularizers.L2(0.1)),
        ]
    )
    made.compile(**{"loss": "mse", **arguments})
    return made


def formula(made, weights=None):
    """The loss by hand."""
    kernel, bias = (v.numpy() for v in made.trainable_variables)
    squares = ((X @ kernel + bias - Y) ** 2)[:, 0] * (1 if weights is None else weights)
    return squares.mean() + 0.1 * np.sum(kernel**2)


@pytest.mark.parametrize("weights", [None, WEIGHT], ids=["plain", "weighted"])
@pytest.mark.parametrize("size", [4096, 8])
def test_the_loss_is_its_formula_whatever_the_batches(size, weights):
    """The penalty counts once, a short batch by its size; the model computes in float32."""
    made = model()
    loss = tfoptim.full_loss(made, X, Y, weights, batch_size=size)
    assert float(loss()) == pytest.approx(formula(made, weights), rel=1e-5)
    value, gradients = loss.value_and_gradient(made.trainable_variables)
    assert float(value) == float(loss())
    kernel = made.trainable_variables[0]
    before, ends = kernel.numpy(), []
    for h in (1e-3, -1e-3):
        kernel.assign(before + h)
        ends.append(formula(made, weights))
    assert float(np.sum(gradients[0])) == pytest.approx((ends[0] - ends[1]) / 2e-3, rel=1e-4)


def test_a_dataset_is_taken_as_it_is_batched():
    """With weights in it; other variables give other gradients."""
    made = model()
    data = tf.data.Dataset.from_tensor_slices((X, Y, WEIGHT)).batch(5)
    loss = tfoptim.full_loss(made, data)
    assert float(loss()) == pytest.approx(formula(made, WEIGHT), rel=1e-5)
    both = loss.value_and_gradient(made.trainable_variables)[1]
    bias = loss.value_and_gradient(made.trainable_variables[1:])[1]
    np.testing.assert_array_equal(both[1], bias[0])


def test_a_model_is_fitted_to_its_minimum():
    """Ridge regression has a solution in closed form."""
    made = model()
    result = tfoptim.minimize(tfoptim.full_loss(made, X, Y), made.trainable_variables)
    a = np.hstack([X, np.ones((21, 1))])
    solution = np.linalg.solve(a.T @ a / 21 + np.diag([0.1, 0.1, 0.1, 0]), a.T @ Y / 21)
    np.testing.assert_allclose(made.trainable_variables[0].numpy(), solution[:3], atol=FLAT)
    assert result.loss == pytest.approx(formula(made), rel=1e-5)
    assert result.history[-1].gradients == 21 * result.history[-1].evaluations


def test_newtons_method_takes_products_over_all_batches():
    """On a quadratic loss its first step is the solution; half the examples are in each of two batches and one more."""
    made, reference = model(), model()
    result = tfoptim.minimize(
        tfoptim.full_loss(made, X, Y, batch_size=8), made.trainable_variables, tfoptim.solvers.Newton()
    )
    tfoptim.minimize(tfoptim.full_loss(reference, X, Y), reference.trainable_variables)
    assert result.history[0].loss == pytest.approx(result.loss, rel=1e-5)
    for mine, theirs in zip(made.trainable_variables, reference.trainable_variables, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=FLAT)
    assert result.history[0].gradients == 21 * (result.history[0].evaluations + 2 * 4)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: tfoptim.full_loss(keras.Sequential([keras.layers.Dense(1)]), X, Y),
            "the model has no loss; call model.c",
        ),
        (lambda: tfoptim.full_loss(model(), X), "full_loss: y must be given with arrays"),
        (
            lambda: tfoptim.full_loss(model(), tf.data.Dataset.range(3), Y),
            "a dataset has its targets and weights itself",
        ),
        (
            lambda: tfoptim.full_loss(model(), X, Y, batch_size=0),
            "full_loss: batch_size must be an integer >= 1, got 0",
        ),
        (lambda: float(tfoptim.full_loss(model(), X[:0], Y[:0])()), "full_loss: the data are empty"),
    ],
)
def test_what_makes_no_sense_is_refused(make, message):
    """In one sentence."""
    with pytest.raises(ValueError, match=message):
        make()
