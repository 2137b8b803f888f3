"""Training is one program a model and optimizer, and a run's numbers depend on its specification alone."""

import dataclasses
import itertools
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from experiments import checkpoints, passes, seeds, tasks, train
from experiments.datasets.load import Examples
from tests.experiments.small import run


def examples(count, seed=0):
    """Made-up digits whose class can be learned: one bright row each."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 10, count)
    images = generator.integers(0, 60, (count, 28, 28, 1), dtype=np.uint8)
    images[np.arange(count), labels * 2] = 250
    return Examples(images, labels.astype(np.int32))


@pytest.fixture(scope="module")
def data():
    """Small splits; the sizes divide by no batch size."""
    return train.tensors({"train": examples(301), "validation": examples(50, 1), "test": examples(50, 2)})


def small(label="Adam", **changes):
    """A run of two passes with batches that do not divide the examples."""
    made = run(label, epochs=2, batch_size=64, micro_batch=90, **{k: changes.pop(k) for k in ("seed",) if k in changes})
    return dataclasses.replace(made, **changes)


def scores(evaluations):
    """Evaluations without their times."""
    return [{k: v for k, v in evaluation.items() if k != "seconds"} for evaluation in evaluations]


def kept(program, evaluations):
    """A checkpoint of the present state, as it comes back from the disk."""
    state = tuple(np.frombuffer(array.tobytes(), array.dtype).reshape(array.shape) for array in program.state())
    return checkpoints.Checkpoint(1, tuple(evaluations), state)


@pytest.fixture(scope="module")
def program(data):
    """The compiled training of the perceptron with Adam."""
    return train.Program(small(), data)


@pytest.fixture(scope="module")
def long(data):
    """The same for runs of nine passes."""
    return train.Program(small(epochs=9), data)


@pytest.mark.parametrize("micro", [301, 100, 43, 7, 500])
def test_accumulated_gradient_is_the_gradient_of_one_batch(data, micro):
    """Up to float32 rounding, also when the micro-batch does not divide the examples or exceeds them."""
    task = tasks.get("mnist_mlp")
    model, (images, labels) = task.model(0, 0), data["train"]
    with tf.GradientTape() as tape:
        expected_loss = tf.reduce_mean(task.loss(labels, model(task.inputs(images), training=True)))
    expected = tape.gradient(expected_loss, model.trainable_variables)
    loss, gradients = tf.function(lambda: passes.full_gradient(model, task, images, labels, micro))()
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


def test_a_run_of_another_program_is_refused(program):
    """Its schedule would end elsewhere, or its optimizer be another."""
    for other in (small(epochs=3), small("GD")):
        with pytest.raises(ValueError, match="one of another program"):
            next(program.run(other))


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
    _, gradients = passes.full_gradient(model, task, *data["train"], 301)
    expected = [w - 0.5 * g.numpy() for w, g in zip(model.get_weights(), gradients, strict=True)]
    for actual, wanted in zip(program.model.get_weights(), expected, strict=True):
        np.testing.assert_allclose(actual, wanted, rtol=1e-5, atol=1e-6)


def test_mini_batches_use_every_example_once_a_pass(program):
    """301 examples in batches of 64 are five steps, the last of 45."""
    last = list(program.run(small()))[-1]
    assert int(program.optimizer.iterations.numpy()) == 2 * math.ceil(301 / 64)
    assert last["example_gradients"] == 2 * 301


def test_a_run_in_a_used_program_equals_a_run_in_a_fresh_one(data, program):
    """Bitwise, after runs with other seeds and rates, also one that diverged."""
    for other in (small(seed=3), small(learning_rate=1e20), small(learning_rate=0.1)):
        list(program.run(other))
    used, state = scores(program.run(small())), program.digest()
    fresh = train.Program(small(), data)
    assert scores(fresh.run(small())) == used
    assert fresh.digest() == state


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


def test_seeds_and_rates_share_one_trace(program):
    """Compiling again for each run would cost more than training."""
    before = program._epoch.experimental_get_tracing_count()
    for one in (small(seed=1), small(learning_rate=0.01)):
        list(program.run(one))
        assert small().program == one.program
    assert before == program._epoch.experimental_get_tracing_count() == 1


def test_a_pass_is_one_call_and_an_evaluation_one_for_each_split(data):
    """No Python runs between steps or between evaluation batches; one trace serves splits of any size, and all runs."""
    program, calls = train.Program(small(), data), []
    evaluate, epoch = program._evaluate, program._epoch
    program._evaluate = lambda images, labels: calls.append(len(labels)) or evaluate(images, labels)
    program._epoch = lambda order: calls.append("pass") or epoch(order)
    for seed in (0, 1):
        list(program.run(small(seed=seed)))
    splits = [301, 50, 50]
    assert calls == 2 * [*splits, "pass", *splits, "pass", *splits]
    assert evaluate.experimental_get_tracing_count() == epoch.experimental_get_tracing_count() == 1


@pytest.mark.parametrize("task", tasks.names())
def test_every_optimizer_starts_from_the_same_weights_and_dropout_keys(task):
    """Differences between optimizers of a seed are paired differences."""
    starts = []
    for label in ("GD", "Adam"):
        model, _ = train._fresh(tasks.get(task), dataclasses.replace(small(label), task=task))
        starts.append([v.numpy().tobytes() for v in model.variables])
    assert starts[0] == starts[1]


def test_dropout_keys_follow_the_seed(data):
    """A reused program draws the masks of the run's own seed."""
    task = tasks.get("mnist_orig")

    def keys(seed):
        model, _ = train._fresh(task, dataclasses.replace(small(seed=seed), task=task.name))
        (dropout,) = [layer for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
        return dropout.seed_generator.state.numpy().tolist()

    assert keys(0) == keys(0) != keys(1)


def test_dropout_is_reset_with_the_rest(data):
    """The ConvNet's masks too are those of a fresh process."""
    one = dataclasses.replace(small(), task="mnist_orig", epochs=1)
    program = train.Program(one, data)
    first = scores(program.run(one)), program.digest()
    list(program.run(dataclasses.replace(one, seed=5)))
    assert (scores(program.run(one)), program.digest()) == first


def test_evaluation_is_the_exact_mean_over_all_examples(data):
    """No example is dropped, and the last batch is weighted by its size."""
    task = dataclasses.replace(tasks.get("mnist_mlp"), evaluation_batch=64)
    model, (images, labels) = task.model(0, 0), data["train"]
    found = train._evaluation(model, task, images, labels)(images, labels)
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


def test_a_run_that_diverges_stops_and_says_so(long):
    """Not a number is a result: the run ends, and nothing follows."""
    found = list(long.run(small(learning_rate=1e20, epochs=9)))
    assert [evaluation["diverged"] for evaluation in found[:-1]] == [False] * (len(found) - 1)
    assert found[-1]["diverged"]
    assert len(found) < 10


def lose(program, monkeypatch):
    """Lets a program find a loss two thousand times too high after each pass."""
    losses = itertools.chain([1.0], itertools.repeat(2000.0))

    def evaluation(epoch, loss, count, seconds):
        scores = {"train_loss": next(losses), "diverged": False}
        return {"epoch": epoch, "example_gradients": count, "seconds": seconds, **scores}

    monkeypatch.setattr(program, "_evaluation", evaluation)


def test_a_loss_that_stays_a_thousand_times_too_high_counts_as_diverged(long, monkeypatch):
    """Three evaluations in a row; finite numbers do not save a lost run."""
    lose(long, monkeypatch)
    found = list(long.run(small(epochs=9)))
    assert [evaluation["epoch"] for evaluation in found] == [0, 1, 2, 3]
    assert found[-1]["diverged"]


def test_patience_goes_on_where_it_was(long, monkeypatch):
    """A run that was interrupted while its loss was too high diverges at the same pass."""
    lose(long, monkeypatch)
    found = list(itertools.islice(long.run(small(epochs=9)), 3))
    rest = list(long.run(small(epochs=9), kept(long, found)))
    assert [evaluation["epoch"] for evaluation in rest] == [3]
    assert rest[-1]["diverged"]


def test_tuning_data_need_no_test_split(data):
    """A program evaluates what it is given."""
    program = train.Program(small(), {split: data[split] for split in ("train", "validation")})
    assert not [key for key in next(program.run(small())) if key.startswith("test")]


@pytest.mark.parametrize("task", ["mnist_mlp", "mnist_orig"])
@pytest.mark.parametrize("label", ["GD", "Adam"])
def test_a_run_goes_on_from_any_evaluation_to_the_last_bit(data, task, label):
    """Weights, slots, dropout keys, schedule and counters: the rest of the run is as if it had not been interrupted."""
    one = dataclasses.replace(small(label), task=task, epochs=3)
    program, made, found = train.Program(one, data), [], []
    for evaluation in program.run(one):
        found.append(evaluation)
        made.append(kept(program, found))
    state = program.digest()
    for start in made[:-1]:
        list(program.run(dataclasses.replace(one, seed=7)))
        assert scores(program.run(one, start)) == scores(found[start.epoch + 1 :])
        assert program.digest() == state
    assert program.traces == 1
