"""Training is one program a model and optimizer, and a run's numbers depend on its specification alone."""

import dataclasses

import keras
import pytest

from experiments.problems import tasks
from experiments.running.training import train
from tests.experiments.digits import kept, scores, small, splits

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def data():
    """Small splits; the sizes divide by no batch size."""
    return splits()


@pytest.fixture(scope="module")
def program(data):
    """The compiled training of the perceptron with Adam."""
    return train.Program(small(), data)


def test_a_run_of_another_program_is_refused(program):
    """Its schedule would end elsewhere, or its optimizer be another."""
    for other in (small(epochs=3), small("GD")):
        with pytest.raises(ValueError, match="one of another program"):
            next(program.run(other))


def test_a_run_in_a_used_program_equals_a_run_in_a_fresh_one(data, program):
    """Bitwise, after runs with other seeds and rates, also one that diverged."""
    for other in (small(seed=3), small(learning_rate=1e20), small(learning_rate=0.1)):
        list(program.run(other))
    used, state = scores(program.run(small())), program.digest()
    fresh = train.Program(small(), data)
    assert scores(fresh.run(small())) == used
    assert fresh.digest() == state


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
    splits = [50, 50, 50]  # of 301 training examples a part as large as validation, and at the end the rest
    assert calls == 2 * [*splits, "pass", *splits, "pass", *splits, 251]
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
        assert scores(program.run(one, start)) == scores(found[len(start.evaluations) :])
        assert program.digest() == state
    assert program.traces == 1
