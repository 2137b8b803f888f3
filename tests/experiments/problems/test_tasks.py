"""Each problem is the declared one, and its loss is the cross entropy of logits."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from experiments.problems import seeds, tasks
from experiments.problems.tasks import base


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


def test_loss_at_initialisation_is_that_of_guessing(task, model):
    """About ln 10 = 2.303: the model starts without an opinion, and no softmax squeezes the loss."""
    images, labels = digits(500)
    loss = float(tf.reduce_mean(task.loss(labels, model(task.inputs(images)))))
    assert loss == pytest.approx(np.log(10), abs=0.15)


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


def test_the_perceptron_starts_from_a_cut_normal_law():
    """Standard deviation 0.03 cut at two deviations, .026389 in effect; biases 0."""
    weights = tasks.get("mnist_mlp").model(0, 0).get_weights()
    assert [w.shape for w in weights[::2]] == [(784, 1000), (1000, 500), (500, 100), (100, 10)]
    assert float(np.std(weights[0])) == pytest.approx(0.026389, rel=0.01)
    assert max(np.abs(w).max() for w in weights[::2]) <= 0.06
    assert all(not bias.any() for bias in weights[1::2])


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
