"""The loss of a model over all examples: its formula and its batches."""

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


def averages_activity():
    """Whether this version of Keras divides penalties on activity by the examples; older ones sum over a batch."""
    layer = keras.layers.Activation("linear", activity_regularizer=keras.regularizers.L2(1.0))
    layer(np.ones((2, 1)))
    return float(layer.losses[0]) == 1.0


def two_outputs(loss, **arguments):
    """A model of two outputs with penalties on kernel and activity, and the values of one sample weight for each."""
    keras.utils.set_random_seed(0)
    activity = keras.regularizers.L2(0.1) if averages_activity() else None
    entry = keras.Input([3])
    one = keras.layers.Dense(1, kernel_regularizer=keras.regularizers.L2(0.1), name="one")(entry)
    two = keras.layers.Dense(2, activity_regularizer=activity, name="two")(entry)
    made = keras.Model(entry, {"one": one, "two": two})
    made.compile(loss=loss, **arguments)
    return made, {"one": Y, "two": np.hstack([Y, -Y])}


def squares(reduction):
    """Mean squared error with a reduction."""
    return keras.losses.MeanSquaredError(reduction=reduction)


def check(made, x, y, weight=None, size=8):
    """The loss and its gradient over batches are those that Keras computes of all examples as one batch."""
    with tf.GradientTape() as tape:
        expected = made.compute_loss(x, y, made(x, training=False), weight, training=False)
    wanted = map(tf.convert_to_tensor, tape.gradient(expected, [v.value for v in made.trainable_variables]))
    loss = tfoptim.full_loss(made, x, y, weight, batch_size=size)
    value, gradients = loss.value_and_gradient(made.trainable_variables)
    assert float(value) == pytest.approx(float(expected), rel=1e-5)
    assert loss.examples == len(x)
    for mine, theirs in zip(gradients, wanted, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("reduction", "weight"),
    [
        ("sum", None),
        ("sum", WEIGHT),
        ("mean", WEIGHT),
        ("mean_with_sample_weight", None),
        ("mean_with_sample_weight", WEIGHT),
    ],
    ids=["sum", "weighted sum", "mean", "without weights", "with weights"],
)
def test_batches_are_joined_as_the_reduction_says(reduction, weight):
    """Sums add, means weigh; 8, 8 and 5 examples."""
    check(model(loss=squares(reduction)), X.astype("float32"), Y, weight)


@pytest.mark.parametrize(
    ("losses", "arguments"),
    [
        ({"one": "mse", "two": squares("sum")}, {"loss_weights": {"one": 3.0, "two": 0.5}}),
        ({"one": keras.losses.mean_absolute_error, "two": squares("mean_with_sample_weight")}, {}),
    ],
    ids=["string and sum", "function and weights"],
)
def test_outputs_may_have_different_reductions(losses, arguments):
    """Each with its factor and sample weights of its own; penalties count once, those of activity by the examples."""
    made, y = two_outputs(losses, **arguments)
    check(made, X.astype("float32"), y, {"one": WEIGHT, "two": WEIGHT[::-1].copy()})


def test_what_is_masked_does_not_count():
    """By an embedding, or by a class that is ignored: batches have different numbers of what counts, the last none."""
    keras.utils.set_random_seed(0)
    words = np.tril(np.ones((5, 4), "int32"))
    layers = [keras.layers.Embedding(3, 2, mask_zero=True), keras.layers.Dense(1)]
    masked = keras.Sequential([keras.Input([4], dtype="int32"), *layers])
    masked.compile(loss="mse")
    check(masked, words, np.arange(20.0).reshape(5, 4, 1), size=2)
    classes = keras.Sequential([keras.Input([3]), keras.layers.Dense(2)])
    classes.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1))
    check(classes, X[:6].astype("float32"), np.array([0, 1, -1, 1, -1, -1]), size=2)


class Own(keras.Model):
    """A model that computes its loss itself."""

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Four times the mean square."""
        return 4 * tf.reduce_mean(tf.square(y - y_pred), keepdims=self.keepdims)


def own(keepdims=False):
    """Such a model."""
    entry = keras.Input([3])
    made = Own(entry, keras.layers.Dense(1)(entry))
    made.keepdims = keepdims
    made.compile()
    return made


class OneNumber(keras.losses.Loss):
    """A loss that reduces by itself, whatever its reduction."""

    def __call__(self, y_true, y_pred, sample_weight=None):
        """The mean square."""
        return keras.ops.mean((y_true - y_pred) ** 2)


def test_a_loss_of_ones_own_counts_as_a_mean_over_examples():
    """Of a model, a loss, or a function that returns one number."""
    check(own(), X.astype("float32"), Y.astype("float32"))
    check(model(loss=OneNumber()), X.astype("float32"), Y.astype("float32"))
    check(model(loss=lambda y, outputs: keras.ops.mean((y - outputs) ** 2)), X.astype("float32"), Y)


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


def test_a_dataset_whose_length_is_unknown_is_taken():
    """Only one that surely has no end is refused."""
    made = model()
    data = tf.data.Dataset.from_tensor_slices((X, Y)).repeat().batch(7).take_while(lambda *_: True).take(3)
    assert float(tfoptim.full_loss(made, data)()) == pytest.approx(formula(made), rel=1e-5)
