"""Training that was interrupted and started again equals, to the last bit, training that was not."""

import json
import pathlib
import signal
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.interrupted import BATCHES, EPOCHS, batches, compiled, digest, everything, state, train
from tests.library.resume.programs import FAST, assert_equal

ROOT = pathlib.Path(__file__).parents[3]


@pytest.mark.slow
def test_training_interrupted_at_every_step_equals_training_in_one_go(whole, tmp_path):
    """Nine programs do one batch each; none but the first has the right seed, and everything comes from the folder."""
    for seed in range(EPOCHS * BATCHES):
        _, resume = train(tmp_path, seed + 1, seed=seed, **FAST)
        assert seed + 1 == resume.step
    assert_equal(whole, train(tmp_path, seed=99, **FAST))


def scaled():
    """The same optimizer behind a loss scale that changes every three steps."""
    return tfoptim.LossScaleOptimizer(everything(), initial_scale=8.0, dynamic_growth_steps=3)


@pytest.mark.parametrize(
    ("every_steps", "stop", "arguments"),
    [
        pytest.param(None, 7, FAST, marks=pytest.mark.slow),  # only at the ends of epochs
        (3, 5, FAST),  # two steps are repeated
        (2, 6, {"steps_per_execution": 2}),
        (2, 3, {"make": scaled, **FAST}),
        (1, 3, {"make": lambda: keras.optimizers.Adam(0.05, gradient_accumulation_steps=2, use_ema=True), **FAST}),
        pytest.param(
            *(1, 6, {"make": lambda: tfoptim.SGD(0.05, momentum=0.9), "jit_compile": True}), marks=pytest.mark.slow
        ),
    ],
    ids=["epochs", "every_third", "two_per_call", "loss_scale", "keras", "xla"],
)
def test_training_goes_on_bit_by_bit(every_steps, stop, arguments, tmp_path):
    """Wherever the last checkpoint is, under any optimizer, compiled or not."""
    arguments = {"every_steps": every_steps, **arguments}
    expected = train(tmp_path / "whole", **arguments)
    train(tmp_path / "parts", stop, **arguments)
    assert_equal(expected, train(tmp_path / "parts", seed=1, **arguments))


def collected_sums(strategy):
    """What each of two replicas has collected, and what after saving and loading in Keras's own way."""
    values = []

    def optimizer_in_mid_cycle():
        with strategy.scope():
            weight = keras.Variable(np.ones(2, "float32"))
            optimizer = tfoptim.SGD(1.0, gradient_accumulation_steps=2)
            optimizer.build([weight])
        return weight, optimizer

    def gradient():
        return tf.gather(
            tf.constant([[3.0, 4.0], [0.0, 1.0]]), tf.distribute.get_replica_context().replica_id_in_sync_group
        )

    weight, optimizer = optimizer_in_mid_cycle()
    tf.function(lambda: strategy.run(lambda: optimizer.apply([gradient()], [weight])))()
    other = optimizer_in_mid_cycle()[1]
    store = {}
    optimizer.save_own_variables(store)
    other.load_own_variables(store)
    for each in (optimizer, other):
        copies = strategy.experimental_local_results(each._accumulated_gradients[0].value)
        values.append([copy.numpy().tolist() for copy in copies])
    return values


@pytest.mark.slow
def test_two_replicas_go_on_bit_by_bit(two_replicas, tmp_path):
    """Each replica gets back its own BatchNorm statistics and its own sums of an unfinished cycle."""
    expected = train(tmp_path / "whole", scope=two_replicas.scope)
    train(tmp_path / "parts", 5, scope=two_replicas.scope)
    assert_equal(expected, train(tmp_path / "parts", seed=1, scope=two_replicas.scope))
    assert "moving_mean" in {
        name for name, values in state(expected[0]) if len(set(values)) > 1
    }  # nothing to get wrong


def test_the_sum_over_replicas_of_a_cycle_is_saved(two_replicas):
    """Keras's own files have room for one value: the sum, which the first replica takes over."""
    assert [[[3.0, 4.0], [0.0, 1.0]], [[3.0, 5.0], [0.0, 0.0]]] == collected_sums(two_replicas)


@pytest.mark.slow
def test_process_killed_in_the_middle_of_saving_is_resumed_by_the_next(tmp_path):
    """SIGKILL between two flushes of one checkpoint; a fresh process ends like one that was never killed."""
    killed = run(tmp_path, "5", "3")
    assert -signal.SIGKILL == killed.returncode, killed.stderr[-3000:]
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".partial")]
    done = run(tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    model, _ = train(tmp_path / "whole", **FAST)
    assert digest(model) == json.loads(done.stdout.splitlines()[-1])
    assert 2 == len([path for path in tmp_path.iterdir() if path.name.startswith("step-")])


def run(*arguments):
    """Runs `tests.library.interrupted` as a process of its own."""
    command = [sys.executable, "-m", "tests.library.interrupted", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, cwd=ROOT)


# Callbacks and numbers


def test_patience_and_best_values_of_other_callbacks_go_on(tmp_path):
    """A plateau that an interruption cuts in two is still one plateau."""

    def attempt(folder, stop=None, seed=0):
        callbacks = [
            keras.callbacks.ReduceLROnPlateau("loss", patience=2, min_delta=10.0, mode="min"),
            keras.callbacks.EarlyStopping("loss", patience=5, min_delta=10.0, mode="min", restore_best_weights=True),
        ]
        arguments = {"make": lambda: tfoptim.SGD(0.01), "epochs": 9, "callbacks": callbacks, "seed": seed, **FAST}
        return *train(folder, stop, **arguments), *callbacks

    *expected, plateau, stopping = attempt(tmp_path / "whole")
    for stop in (6, 19):
        attempt(tmp_path / "parts", stop, seed=stop - 6)
    *actual, resumed_plateau, resumed_stopping = attempt(tmp_path / "parts", seed=1)
    assert_equal(expected, actual)
    assert (plateau.best, plateau.wait) == (resumed_plateau.best, resumed_plateau.wait)
    assert (stopping.best, stopping.wait, 5) == (resumed_stopping.best, resumed_stopping.wait, stopping.stopped_epoch)
    *again, _, _ = attempt(tmp_path / "parts", seed=2)
    assert 9 == again[1].epoch  # training was stopped, so that nothing is left to do
    assert_equal(expected, again)


def test_numbers_assigned_in_training_are_kept(tmp_path):
    """A momentum that a callback has changed is not the one that the program begins with."""

    def attempt(folder, stop=None):
        change = keras.callbacks.LambdaCallback(
            on_train_batch_end=lambda batch, logs: setattr(change.model.optimizer, "momentum", 0.5)
        )
        optimizer = lambda: tfoptim.SGD(0.01, momentum=0.9)  # noqa: E731  one line
        return train(folder, stop, make=optimizer, callbacks=[change], **FAST)

    expected = attempt(tmp_path / "whole")
    attempt(tmp_path / "parts", 5)
    actual = attempt(tmp_path / "parts")
    assert_equal(expected, actual)
    assert 0.5 == actual[0].optimizer.momentum


def test_the_same_objects_can_be_fitted_again(whole, tmp_path):
    """In a notebook, the cell that calls `fit` is run again after an interruption."""
    model = compiled(everything(), **FAST)
    resume = tfoptim.callbacks.Resume(tmp_path, 1)

    def fail(batch, logs):
        if resume.step == 3:
            raise KeyboardInterrupt

    given = {"x": resume.data(batches), "epochs": EPOCHS, "shuffle": False, "verbose": 0}
    with pytest.raises(KeyboardInterrupt):
        model.fit(callbacks=[resume, keras.callbacks.LambdaCallback(on_train_batch_end=fail)], **given)
    for weight in model.weights:
        weight.assign(weight + 1)
    model.fit(initial_epoch=resume.epoch, callbacks=[resume], **given)
    assert_equal(whole, (model, resume))


def test_a_schedule_without_config_is_no_obstacle(tmp_path):
    """What cannot be written down cannot be compared; everything else is."""

    class Halving(keras.optimizers.schedules.LearningRateSchedule):
        def __call__(self, step):
            return 0.1 * 0.5 ** tf.cast(step, "float32")

    expected = train(tmp_path / "whole", make=lambda: everything(learning_rate=Halving()), **FAST)
    train(tmp_path / "parts", 3, make=lambda: everything(learning_rate=Halving()), **FAST)
    assert_equal(expected, train(tmp_path / "parts", make=lambda: everything(learning_rate=Halving()), **FAST))


# Data


def test_each_epoch_has_its_own_order_whatever_the_global_seed(tmp_path):
    """The order depends on the epoch alone, also with a global seed of 0, where TensorFlow cannot shuffle by tensor."""
    resume, orders = tfoptim.callbacks.Resume(tmp_path), []
    for seed in (0, 0, 5):
        keras.utils.set_random_seed(seed)
        data = resume.data(lambda epoch: tf.data.Dataset.range(20).shuffle(20, seed=epoch))
        orders.append([])
        for resume.epoch in range(2):
            orders[-1].append([int(x) for x in data])
    assert orders[0] == orders[1] == orders[2]
    assert orders[0][0] != orders[0][1]
    assert list(range(20)) == sorted(orders[0][1])


@pytest.mark.filterwarnings("ignore:Your input ran out of data")
@pytest.mark.parametrize("stop", [3, 4])
def test_epochs_of_unknown_length_are_resumed(stop, tmp_path):
    """Keras finds the end of each epoch by running out of data, and says so each time."""
    arguments = {"data": lambda epoch: batches(epoch).filter(lambda x, y: True), **FAST}
    expected = train(tmp_path / "whole", **arguments)
    train(tmp_path / "parts", stop, **arguments)
    assert_equal(expected, train(tmp_path / "parts", seed=1, **arguments))
