"""Each problem is something that a study can name and `train` can train: its loss, its start, its passes."""

import dataclasses
import math

import numpy as np
import pytest
import tensorflow as tf

from experiments.errors import UserError
from experiments.problems import datasets, seeds, tasks
from experiments.problems.datasets import made
from experiments.problems.datasets.load import load
from experiments.problems.functions import FUNCTIONS as PROBLEMS
from experiments.problems.tasks.points import CLASSICAL
from experiments.running.training import train
from tests.experiments.small import run

FUNCTIONS = ("rosenbrock", "beale", "branin", "tf_guide")


def run_of(name, **changes):
    """A run of a problem on its own data."""
    return dataclasses.replace(run(), task=name, data=name, **{"batch": "mini", "schedule": "constant", **changes})


def program_of(one):
    """The compiled training of a run, on all splits."""
    return train.Program(one, train.tensors(load(one.data, datasets.SPLITS)))


def test_every_problem_is_a_task_with_a_data_set():
    """A study can name each; those without images have data of their own name."""
    for name in (*PROBLEMS, "quadratic_deep"):
        task = tasks.get(name)
        assert task.name == name in datasets.CARDS
        assert task.toy == (task.optimum is not None) == (name in PROBLEMS)
        assert (task.lower_is_better, task.score, task.merit(2.0)) == (True, "loss", -2.0)
    assert tasks.get("mnist_mlp").merit(2.0) == 2.0


def test_what_is_no_problem_is_refused_with_the_nearest():
    """In one sentence, with all that there are."""
    with pytest.raises(UserError, match=r"^Unknown task 'rosenbrok': did you mean 'rosenbrock'\? Known: acdc, beale,"):
        tasks.get("rosenbrok")


def test_a_test_function_starts_where_its_seed_says():
    """Twenty random starts in the box, then the classical one: Rosenbrock's is (-1.2, 1), with the value 24.2."""
    one = run_of("rosenbrock", batch_size=1, epochs=1, learning_rate=1e-4)
    program = program_of(one)
    for seed in (0, 19, CLASSICAL, 1000):
        first = next(program.run(dataclasses.replace(one, seed=seed)))
        start = (
            (-1.2, 1.0)
            if seed == CLASSICAL
            else PROBLEMS["rosenbrock"].start_from(seeds.derive("rosenbrock", seed, "init"))
        )
        expected = PROBLEMS["rosenbrock"].value(start)
        assert first["test_loss"] == pytest.approx(expected, rel=1e-6)  # float32 of a loss in float64
        assert program.model.get_weights()[0].tolist() == list(start)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_pass_over_a_test_function_is_twenty_exact_steps(name):
    """The point after a pass is that of gradient descent in float64; one gradient a step."""
    problem, rate = PROBLEMS[name], 1e-6
    one = run_of(name, batch_size=1, epochs=1, learning_rate=rate, seed=CLASSICAL, optimizer="sgd", hyperparameters={})
    program = program_of(one)
    last = list(program.run(one))[-1]
    point = tf.Variable(problem.classical or problem.start, dtype=tf.float64)
    for _ in range(made.PASS):
        with tf.GradientTape() as tape:
            value = problem.value(point)
        point.assign_sub(rate * tape.gradient(value, point))
    # The rate is a float32; its rounding of 6e-8 moves what Beale's walls, slopes of 1e5, give.
    assert program.model.get_weights()[0] == pytest.approx(point.numpy(), rel=1e-6)
    assert last["example_gradients"] == made.PASS
    assert last["test_loss"] == pytest.approx(float(problem.value(point)), rel=1e-5)


def test_noise_is_trained_on_and_the_exact_function_is_judged():
    """10,000 rows of noise in a pass, one row of zeros in the other splits."""
    splits = load("two_d_branin", datasets.SPLITS)
    assert np.array_equal(splits["train"].images, PROBLEMS["two_d_branin"].noise())
    assert {split: splits[split].images.tolist() for split in ("validation", "test")} == {
        "validation": [[0, 0]],
        "test": [[0, 0]],
    }
    assert datasets.CARDS["two_d_branin"].sizes == {split: len(found) for split, found in splits.items()}


def test_the_quadratic_starts_at_the_known_loss():
    """353.4468 on the 896 test rows of DeepOBS, 353.9260 on all 1,000, for every seed (protocol, 7.2)."""
    for name, expected in (("deepobs_quadratic_deep", 353.4468), ("quadratic_deep", 353.9260)):
        program = program_of(run_of(name))
        for seed in (42, 43):
            first = next(program.run(run_of(name, seed=seed)))
            assert first["test_loss"] == pytest.approx(expected, abs=1e-4)


@pytest.mark.slow
def test_the_quadratic_converges_to_the_known_loss():
    """87.0460: heavy ball on the full gradient ends at the mean of the training rows, 1e-4 for the digits published."""
    one = run_of("deepobs_quadratic_deep", epochs=1_000, learning_rate=0.03, optimizer="momentum")
    one = dataclasses.replace(one, batch="full", micro_batch=1000, hyperparameters={"momentum": 0.95})
    program = program_of(one)
    spent = {"example_gradients": 0, "seconds": 0.0}
    program._evaluation = lambda step, *others, last=False: {
        "step": step,
        "train_loss": 1.0,
        **spent,
    }  # measured at the end
    for _ in program.run(one):
        pass
    test = load(one.data, ("test",))["test"]
    assert float(tf.reduce_mean(program.model(test.images))) == pytest.approx(87.0460, abs=1e-4)


def test_deepobs_takes_the_same_whole_batches_in_every_pass():
    """Its runs set the seed of the graph, so that each epoch had the same shuffle: 7 batches of 128."""
    task, other = tasks.get("deepobs_quadratic_deep"), tasks.get("quadratic_deep")
    first, last = (task.order(42, epoch, 1_000, 128) for epoch in (1, 100))
    assert len(first) == 896 == len(set(first.tolist()))
    assert np.array_equal(first, last)
    assert not np.array_equal(first, task.order(43, 1, 1_000, 128))
    assert not np.array_equal(other.order(42, 1, 1_000, 128), other.order(42, 2, 1_000, 128))
    assert np.array_equal(other.order(42, 2, 1_000, 128), seeds.order("quadratic_deep", 42, 2, 1_000))


def test_a_pass_counts_the_gradients_that_it_took():
    """896 a pass where the last part of a batch is left out, all 1,000 where one step takes them."""
    for batch, expected in (("mini", 2 * 896), ("full", 2 * 1_000)):
        one = run_of("deepobs_quadratic_deep", epochs=2, batch=batch)
        assert list(program_of(one).run(one))[-1]["example_gradients"] == expected


def test_published_data_are_those_of_the_published_runs():
    """Fashion-MNIST's 60,000 and 9,984 images; the quadratic's 896 test rows are the first of the 1,000."""
    card = datasets.CARDS["deepobs_fashion_mnist"]
    assert (card.sizes["train"], card.sizes["test"], card.overlapping) == (60_000, 9_984, True)
    assert not datasets.CARDS["fashion_mnist"].overlapping
    few, all_of_them = (load(name, ("test",))["test"].images for name in ("deepobs_quadratic_deep", "quadratic_deep"))
    assert np.array_equal(few, all_of_them[:896])
    assert few.dtype == np.float32


def test_rows_that_another_numpy_would_draw_are_refused():
    """The digests are part of the definition."""
    card = dataclasses.replace(made.MADE["quadratic_deep"], digests={"test": "0" * 64})
    with pytest.raises(UserError, match=r"^The test rows of quadratic_deep that this machine makes have SHA-256 5ed10"):
        card.examples("test")
    assert card.split_sha256 != made.MADE["quadratic_deep"].split_sha256


def test_logistic_regression_starts_at_the_loss_of_guessing():
    """That is ln 10, on the embedded digits."""
    one = dataclasses.replace(run(), task="mnist_logreg", data="mnist_5k")
    first = next(program_of(one).run(one))
    assert first["validation_loss"] == pytest.approx(math.log(10), abs=1e-6)
    assert first["validation_accuracy"] == pytest.approx(0.1)  # equal logits count as the first class: 50 of 500


def test_fashion_mnist_says_how_to_get_it(monkeypatch):
    """In one sentence, where it is neither here nor to be downloaded."""
    for name in ("fashion_mnist", "deepobs_fashion_mnist"):
        card = dataclasses.replace(datasets.CARDS[name], version="0.0.0", url="http://127.0.0.1:1/")
        with pytest.raises(UserError, match=rf"^The data set {name} is not on this machine and cannot be downloaded"):
            datasets.require(card)
    assert datasets.CARDS["deepobs_fashion_mnist"].folder == datasets.CARDS["fashion_mnist"].folder


def test_runs_of_a_seed_say_that_they_start_alike():
    """Weights and the first batches are the seed's and not the optimizer's; sizes and precision are recorded."""
    starts = {}
    for optimizer, seed in (("adam", 0), ("sgd", 0), ("adam", 1)):
        one = run_of("two_d_branin", optimizer=optimizer, seed=seed, hyperparameters={})
        program = program_of(one)
        next(program.run(one))
        starts[optimizer, seed] = program.start
    assert starts["adam", 0] == starts["sgd", 0]
    for key in ("weights_sha256", "order_sha256"):
        assert starts["adam", 0][key] != starts["adam", 1][key]
    assert starts["sgd", 0]["examples"] == {"train": 10_000, "validation": 1, "test": 1}
    assert starts["sgd", 0]["precision"] == "float64"
