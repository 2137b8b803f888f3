"""The classifiers are the declared networks: sizes, initial weights, first loss, and the layers in between."""

import dataclasses
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from experiments.problems import functions, tasks
from experiments.problems.functions.networks import NETWORKS

# Both data sets have one network, so that three are built.
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


@pytest.fixture(scope="module", params=NAMES)
def network(request):
    """Each network."""
    return functions.get(f"mnist_{request.param}")


@pytest.fixture(scope="module")
def model(network):
    """Its model with the weights of a seed."""
    keras.utils.set_random_seed(0)
    return network.build()


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


def test_layers_are_the_declared_ones(network, model):
    """In order, with sizes, paddings and activations; the outputs are logits."""
    assert [words(layer) for layer in model.layers] == LAYERS[network.name.split("_")[1]]


def test_parameters_are_the_published_number(network, model):
    """7,850, 1,336,610 and 3,274,634, all of them trainable."""
    expected = {"mnist_logreg": 7_850, "mnist_mlp": 1_336_610, "mnist_2c2d": 3_274_634}[network.name]
    assert model.count_params() == network.parameters == expected
    assert sum(math.prod(w.shape) for w in model.trainable_weights) == expected


@pytest.mark.parametrize("name", ["mlp", "2c2d"])
def test_weights_come_from_the_declared_distribution(name):
    """Normal, cut at two standard deviations without rescaling: 0.879626 of the nominal spread is left."""
    sigma, bias = {"mlp": (0.03, 0.0), "2c2d": (0.05, 0.05)}[name]
    keras.utils.set_random_seed(1)
    for layer in functions.get(f"fmnist_{name}").build().layers:
        if not layer.weights:
            continue
        kernel, biases = (weight.numpy() for weight in layer.weights)
        assert np.abs(kernel).max() <= 2 * sigma * (1 + 1e-6)  # float32 rounds the limit
        # Five standard errors; those of the spread are smaller still for a distribution without tails.
        assert kernel.std() == pytest.approx(0.879626 * sigma, rel=5 / math.sqrt(2 * kernel.size))
        assert abs(kernel.mean()) < 5 * sigma / math.sqrt(kernel.size)
        assert biases.tolist() == pytest.approx([bias] * len(biases), rel=1e-7)


def test_logistic_regression_starts_at_zero():
    """So its first loss is ln 10, exactly that of guessing."""
    assert not any(weight.numpy().any() for weight in functions.get("mnist_logreg").build().weights)


def test_loss_at_initialisation_is_the_known_one(network, model):
    """That of guessing, ln 10: exact for zeros; the logits of the 2c2d network spread most (seen: 2.3 to 2.44)."""
    generator = np.random.default_rng(0)
    images = tf.constant(generator.random((200, 28, 28, 1)) < 0.2, tf.float32)  # digits have a fifth of white, about
    labels = generator.integers(0, 10, 200)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, model(images))
    within = network.initial_loss_within + 1e-6  # of float32
    assert network.initial_loss == pytest.approx(math.log(10))
    assert float(tf.reduce_mean(losses)) == pytest.approx(network.initial_loss, abs=within)


def test_one_seed_gives_one_model(network, model):
    """Both data sets start from the same weights at one seed of Keras; another seed gives others."""
    keras.utils.set_random_seed(0)
    again = functions.get(f"f{network.name}").build()
    assert all(np.array_equal(a.numpy(), b.numpy()) for a, b in zip(model.weights, again.weights, strict=True))
    keras.utils.set_random_seed(1)
    other = network.build()
    drawn = network.initial_loss_within > 0
    assert drawn != np.array_equal(model.weights[0].numpy(), other.weights[0].numpy())


def test_the_mlp_is_that_of_the_task():
    """The same weights from one seed: what the task recorded holds for the problem."""
    task = tasks.get("mnist_mlp")
    of_task = task.model(12345, 0)
    keras.utils.set_random_seed(12345)
    of_problem = functions.get("mnist_mlp").build(0)
    assert task.parameters == functions.get("mnist_mlp").parameters
    for one, other in zip(of_task.weights, of_problem.weights, strict=True):
        assert np.array_equal(one.numpy(), other.numpy())


def test_budgets_and_penalties_are_the_published_ones():
    """Batches of 128; 50 passes for logistic regression, 100 for the others; no L2 penalty in any of them."""
    for network in NETWORKS.values():
        assert network.budget.batch_size == 128
        assert network.budget.epochs == (50 if "logreg" in network.name else 100)
        assert network.l2 == 0
        assert network.data == ("fashion_mnist" if network.name.startswith("fmnist") else "mnist")


def test_a_network_that_is_not_the_declared_one_is_refused():
    """In one sentence, before anything is trained."""
    wrong = dataclasses.replace(functions.get("mnist_logreg"), parameters=7_840)
    with pytest.raises(ValueError, match=r"^mnist_logreg: the model has 7,850 parameters, not 7,840\.$"):
        wrong.build()
