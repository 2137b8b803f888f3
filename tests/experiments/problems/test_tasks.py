"""Classification problems are the declared ones, their loss is the cross entropy of logits, and seeds decide."""

import dataclasses
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from experiments.problems import seeds, tasks
from experiments.problems.tasks import base

NAMES = ("logreg", "mlp", "2c2d")
LAYERS = {
    "logreg": ["Flatten", "Dense 10 linear"],
    "mlp": ["Flatten", "Dense 1000 relu", "Dense 500 relu", "Dense 100 relu", "Dense 10 linear"],
    "2c2d": [
        *("Conv2D 32 (5, 5) same relu", "MaxPooling2D (2, 2) (2, 2)"),
        *("Conv2D 64 (5, 5) same relu", "MaxPooling2D (2, 2) (2, 2)"),
        *("Flatten", "Dense 1024 relu", "Dense 10 linear"),
    ],
}


@pytest.fixture(scope="module", params=["mnist_mlp", "mnist_orig"])
def task(request):
    """A problem of telling digits apart without dropout, and one with it."""
    return tasks.get(request.param)


@pytest.fixture(scope="module")
def model(task):
    """Its model with the weights of seed 0."""
    return task.model(*(seeds.derive(task.name, 0, purpose) for purpose in ("init", "dropout")))


def digits(count, seed=0):
    """Made-up images and labels."""
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 256, (count, 28, 28, 1), dtype=np.uint8)
    return tf.constant(images), tf.constant(generator.integers(0, 10, count), tf.int32)


def test_loss_of_equal_logits_is_ln_10(task):
    """The uniform prediction over ten classes."""
    losses = task.loss(tf.range(10), tf.zeros((10, 10)))
    assert losses.numpy() == pytest.approx(np.full(10, 2.302585), abs=1e-6)


def test_loss_of_a_sure_and_right_prediction_is_zero(task):
    """A second softmax would keep it above 1.46."""
    losses = task.loss(tf.range(10), 50.0 * tf.eye(10))
    assert float(tf.reduce_max(losses)) < 1e-6


def test_accuracy_counts_the_largest_logit(task):
    """One right, one wrong."""
    scores = task.metrics["accuracy"](tf.constant([1, 1]), tf.constant([[0.0, 2.0], [2.0, 0.0]]))
    assert scores.numpy().tolist() == [1.0, 0.0]


def test_training_can_bring_the_loss_to_zero(task):
    """A few examples can be learned by heart, dropout or not."""
    model = task.model(0, 0)
    images, labels = digits(20)
    optimizer = keras.optimizers.Adam(1e-3)
    optimizer.build(model.trainable_variables)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(task.loss(labels, model(task.inputs(images), training=True)))
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)

    for _ in range(60):
        step()
    assert float(tf.reduce_mean(task.loss(labels, model(task.inputs(images))))) < 0.01


def test_inputs_lie_between_0_and_1(task):
    """Pixels are divided by 255."""
    inputs = task.inputs(tf.constant([0, 51, 255], tf.uint8))
    assert inputs.dtype == tf.float32
    assert inputs.numpy() == pytest.approx([0, 0.2, 1])


def test_initial_weights_come_from_the_seed_alone(task, model):
    """The same seed gives the same weights, another one others."""
    again = task.model(*(seeds.derive(task.name, 0, purpose) for purpose in ("init", "dropout")))
    other = task.model(seeds.derive(task.name, 1, "init"), 0)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), again.get_weights(), strict=True))
    assert not np.array_equal(model.get_weights()[0], other.get_weights()[0])


def test_a_problem_says_whether_it_has_dropout(task, model):
    """Tables then say how full gradients treat it."""
    assert task.dropout == any(isinstance(layer, keras.layers.Dropout) for layer in model.layers)


def test_layers_do_not_share_their_draws():
    """One seed for all layers would make them copies of each other."""
    first, second = tasks.get("mnist_mlp").model(0, 0).get_weights()[:4:2]
    assert not np.array_equal(first.ravel()[:100], second.ravel()[:100])


def test_a_model_of_another_size_is_refused():
    """The number of parameters is part of the definition."""
    with pytest.raises(ValueError, match="has 1,336,610 parameters, not 5"):
        dataclasses.replace(tasks.get("mnist_mlp"), parameters=5).model(0, 0)


def test_a_model_that_gives_probabilities_is_refused():
    """Softmax twice was the original project's mistake."""

    def build(dropout):
        return keras.Sequential([keras.Input((3,)), keras.layers.Dense(10, activation="softmax")])

    with pytest.raises(ValueError, match="must give logits"):
        base.digits("x", "x", 40, build).model(0, 0)


def words(layer):
    """Returns a layer in words."""
    facts = {
        "Dense": lambda: (layer.units, layer.activation.__name__),
        "Conv2D": lambda: (layer.filters, layer.kernel_size, layer.padding, layer.activation.__name__),
        "MaxPooling2D": lambda: (layer.pool_size, layer.strides),
        "Flatten": tuple,
    }
    kind = type(layer).__name__
    return " ".join(map(str, (kind, *facts[kind]())))


@pytest.fixture(scope="module", params=NAMES)
def network(request):
    """Each small network."""
    return tasks.get(f"mnist_{request.param}")


def test_layers_and_parameters_are_the_published_ones(network):
    """In order, with sizes, paddings and activations; the outputs are logits; all parameters are trainable."""
    model = network.model(0, 0)
    assert [words(layer) for layer in model.layers] == LAYERS[network.name.split("_")[1]]
    expected = {"mnist_logreg": 7_850, "mnist_mlp": 1_336_610, "mnist_2c2d": 3_274_634}[network.name]
    assert sum(math.prod(w.shape) for w in model.trainable_weights) == network.parameters == expected


@pytest.mark.parametrize("name", ["mlp", "2c2d"])
def test_weights_come_from_the_declared_distribution(name):
    """Normal, cut at two standard deviations without rescaling: 0.879626 of the nominal spread is left."""
    sigma, bias = {"mlp": (0.03, 0.0), "2c2d": (0.05, 0.05)}[name]
    for layer in tasks.get(f"fmnist_{name}").model(1, 0).layers:
        if not layer.weights:
            continue
        kernel, biases = (weight.numpy() for weight in layer.weights)
        assert np.abs(kernel).max() <= 2 * sigma * (1 + 1e-6)  # float32 rounds the limit
        # Five standard errors; those of the spread are smaller still for a distribution without tails.
        assert kernel.std() == pytest.approx(0.879626 * sigma, rel=5 / math.sqrt(2 * kernel.size))
        assert abs(kernel.mean()) < 5 * sigma / math.sqrt(kernel.size)
        assert biases.tolist() == pytest.approx([bias] * len(biases), rel=1e-7)


def test_loss_at_initialisation_is_that_of_guessing(network):
    """Ln 10: exact for the zeros of logistic regression; the logits of 2c2d spread most (seen: 2.3 to 2.44)."""
    generator = np.random.default_rng(0)
    images = tf.constant(generator.random((200, 28, 28, 1)) < 0.2, tf.float32)  # digits have a fifth of white, about
    losses = network.loss(generator.integers(0, 10, 200), network.model(0, 0)(images))
    within = {"mnist_logreg": 0.0, "mnist_mlp": 0.01, "mnist_2c2d": 0.2}[network.name] + 1e-6  # of float32
    assert float(tf.reduce_mean(losses)) == pytest.approx(math.log(10), abs=within)


def test_both_data_sets_have_one_network(network):
    """The same weights from one seed of Keras."""
    pairs = zip(network.model(7, 0).weights, tasks.get(f"f{network.name}").model(7, 0).weights, strict=True)
    assert all(np.array_equal(one.numpy(), other.numpy()) for one, other in pairs)


def test_derived_seeds_have_the_known_values():
    """The same seed numbers on every machine and in every release."""
    assert seeds.derive("mnist_mlp", 0, "init") == 1559984644955572779
    assert seeds.derive("mnist_mlp", 0, "order") == 3413979814441658247


def test_order_is_a_permutation_and_repeats():
    """A pass sees each example once, in an order that only its arguments decide."""
    first = seeds.order("mnist_mlp", 0, 1, 1000)
    assert np.array_equal(np.sort(first), np.arange(1000))
    assert np.array_equal(first, seeds.order("mnist_mlp", 0, 1, 1000))


def test_every_pass_and_seed_has_an_order_of_its_own():
    """Examples are shuffled afresh in each pass."""
    orders = [seeds.order(task, seed, epoch, 100).tobytes() for task in "ab" for seed in (0, 1) for epoch in (1, 2)]
    assert len(set(orders)) == len(orders)
