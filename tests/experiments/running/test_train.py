"""A pass takes the steps that its optimizer's rule says, on every example once, and what it reports is exact."""

import dataclasses
import math

import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from experiments.problems import seeds, tasks
from experiments.running.training import evaluate, step, train
from tests.experiments.digits import small, splits


@pytest.fixture(scope="module")
def data():
    """Small splits; the sizes divide by no batch size."""
    return splits()


@pytest.fixture(scope="module")
def program(data):
    """The compiled training of the perceptron with Adam."""
    return train.Program(small(), data)


@pytest.mark.parametrize("micro", [301, 100, 43, 7, 500])
def test_accumulated_gradient_is_the_gradient_of_one_batch(data, micro):
    """Up to float32 rounding, also when the micro-batch does not divide the examples or exceeds them."""
    task = tasks.get("mnist_mlp")
    model, (images, labels) = task.model(0, 0), data["train"]
    with tf.GradientTape() as tape:
        expected_loss = tf.reduce_mean(task.loss(labels, model(task.inputs(images), training=True)))
    expected = tape.gradient(expected_loss, model.trainable_variables)
    loss, gradients = tf.function(lambda: step.full_gradient(model, task, images, labels, micro))()
    assert float(loss) == pytest.approx(float(expected_loss), rel=1e-6)
    for gradient, whole in zip(gradients, expected, strict=True):
        # sums of 301 float32 terms in another order: a few units in the last place of the largest
        np.testing.assert_allclose(gradient, whole, rtol=1e-5, atol=1e-6 * float(tf.reduce_max(tf.abs(whole))))


def test_gradient_descent_takes_one_step_a_pass(data):
    """On the whole training set, whatever the micro-batch."""
    program = train.Program(small("GD"), data)
    last = list(program.run(small("GD")))[-1]
    assert int(program.optimizer.iterations.numpy()) == 2
    assert last["example_gradients"] == 2 * 301


@pytest.mark.parametrize("schedule", ["constant", "own"])
def test_without_a_schedule_the_rate_stays(data, schedule):
    """So it does where the optimizer has its own; runs of all lengths then share one trace."""
    one = small("GD", epochs=2, learning_rate=0.25, schedule=schedule)
    program = train.Program(one, data)
    for run_ in (one, dataclasses.replace(one, epochs=3, learning_rate=0.125)):
        list(program.run(run_))
        assert float(program.optimizer.learning_rate) == run_.learning_rate


def test_one_step_of_gradient_descent_is_minus_rate_times_the_full_gradient(data):
    """The compiled pass does what its name says."""
    task, one = tasks.get("mnist_mlp"), small("GD", epochs=1, learning_rate=0.5)
    program = train.Program(one, data)
    list(program.run(one))
    model = task.model(*(seeds.derive(task.name, 0, purpose) for purpose in ("init", "dropout")))
    _, gradients = step.full_gradient(model, task, *data["train"], 301)
    expected = [w - 0.5 * g.numpy() for w, g in zip(model.get_weights(), gradients, strict=True)]
    for actual, wanted in zip(program.model.get_weights(), expected, strict=True):
        np.testing.assert_allclose(actual, wanted, rtol=1e-5, atol=1e-6)


def test_an_optimizer_with_an_average_is_evaluated_at_it(data):
    """And trains on from its other weights."""
    one = small(optimizer="schedulefreesgd", learning_rate=0.1)
    program = train.Program(one, data)
    found = list(program.run(one))[-1]["validation_loss"]
    weights = program.model.get_weights()
    with program.averaged():
        assert found == float(program._evaluate(*data["validation"])["loss"]) / 50
        assert any((w != x).any() for w, x in zip(weights, program.model.get_weights(), strict=True))
    assert all((w == y).all() for w, y in zip(weights, program.model.get_weights(), strict=True))


def test_mini_batches_use_every_example_once_a_pass(program):
    """301 examples in batches of 64 are five steps, the last of 45."""
    last = list(program.run(small()))[-1]
    assert int(program.optimizer.iterations.numpy()) == 2 * math.ceil(301 / 64)
    assert last["example_gradients"] == 2 * 301


def warmup_cosine(rate, steps):
    """The rates of rule B9: up over a twentieth of the steps, then down along half a cosine."""
    warmup = math.ceil(0.05 * steps)
    for t in range(steps):
        falling = 0.5 * (1 + math.cos(math.pi * (t - warmup) / (steps - warmup)))
        yield rate * (t + 1) / warmup if t < warmup else rate * falling


def test_a_run_is_the_plain_loop_that_one_would_write(data, program):
    """Fresh model and optimizer, shuffled batches, one `apply` each: the compiled and reused program adds nothing."""
    task, one = tasks.get("mnist_mlp"), small(learning_rate=0.003, seed=4)
    list(program.run(one))
    model = task.model(*(seeds.derive(task.name, 4, purpose) for purpose in ("init", "dropout")))
    optimizer = tfoptim.Adam(0.003)
    optimizer.build(model.trainable_variables)
    rates = iter(warmup_cosine(0.003, 10))
    images, labels = (values.numpy() for values in data["train"])
    for epoch in (1, 2):
        order = seeds.order(task.name, 4, epoch, len(labels))
        for rows in np.split(order, range(64, len(order), 64)):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(task.loss(labels[rows], model(task.inputs(images[rows]), training=True)))
            optimizer.learning_rate = next(rates)
            optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
    for actual, expected in zip(program.model.get_weights(), model.get_weights(), strict=True):
        # ten steps of Adam, whose steps near zero gradients magnify rounding
        np.testing.assert_allclose(actual, expected, rtol=1e-3, atol=2e-5)


def test_evaluation_is_the_exact_mean_over_all_examples(data):
    """No example is dropped, and the last batch is weighted by its size."""
    task = dataclasses.replace(tasks.get("mnist_mlp"), evaluation_batch=64)
    model, (images, labels) = task.model(0, 0), data["train"]
    found = evaluate.scores_of(model, task, images, labels)(images, labels)
    logits = model(task.inputs(images))
    assert float(found["loss"]) / 301 == pytest.approx(float(tf.reduce_mean(task.loss(labels, logits))), rel=1e-5)
    assert float(found["accuracy"]) == float(sum(task.metrics["accuracy"](labels, logits)))


def test_the_first_evaluation_is_before_training(program):
    """Curves start where all optimizers are equal."""
    first = next(program.run(small()))
    assert (first["epoch"], first["example_gradients"], first["seconds"]) == (0, 0, 0.0)
    assert first["train_loss"] == pytest.approx(np.log(10), abs=0.2)


def test_training_learns(program):
    """Two passes over an easy set are enough to leave guessing behind."""
    assert list(program.run(small()))[-1]["test_accuracy"] > 0.5


def test_tuning_data_need_no_test_split(data):
    """A program evaluates what it is given."""
    program = train.Program(small(), {split: data[split] for split in ("train", "validation")})
    assert not [key for key in next(program.run(small())) if key.startswith("test")]
