"""Training that was interrupted and started again equals, to the last bit, training that was not."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.interrupted import BATCHES, EPOCHS, batches, compiled, digest, everything, state, train
from tfoptim import checkpoints

ROOT = pathlib.Path(__file__).parents[1]
FILES = (checkpoints.ARRAYS, checkpoints.RECORD, checkpoints.MANIFEST)
FAST = {"run_eagerly": True}  # a new graph for every program would take longer than the steps


def assert_equal(expected, actual):
    """Both programs end with the same bits and the same history."""
    (model, resume), (other, resumed) = expected, actual
    different = [a for a, b in zip(state(model), state(other), strict=True) if a[1] != b[1]]
    assert [] == [name for name, _ in different]
    assert resume.history == resumed.history


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The program, uninterrupted, with each step run as it is written."""
    return train(tmp_path_factory.mktemp("whole"), **FAST)


@pytest.fixture(scope="module")
def half(tmp_path_factory):
    """A folder in which the program has left its checkpoints after 6 of 8 batches."""
    folder = tmp_path_factory.mktemp("half")
    train(folder, 6, **FAST)
    return folder


@pytest.fixture
def left(half, tmp_path):
    """A copy of that folder."""
    return shutil.copytree(half, tmp_path / "left")


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
        (None, 7, FAST),  # only at the ends of epochs
        (3, 5, FAST),  # two steps are repeated
        (2, 6, {"steps_per_execution": 2}),
        (2, 3, {"make": scaled, **FAST}),
        (1, 3, {"make": lambda: keras.optimizers.Adam(0.05, gradient_accumulation_steps=2, use_ema=True), **FAST}),
        (1, 6, {"make": lambda: tfoptim.SGD(0.05, momentum=0.9), "jit_compile": True}),
    ],
    ids=["epochs", "every_third", "two_per_call", "loss_scale", "keras", "xla"],
)
def test_training_goes_on_bit_by_bit(every_steps, stop, arguments, tmp_path):
    """Wherever the last checkpoint is, under any optimizer, compiled or not."""
    arguments = {"every_steps": every_steps, **arguments}
    expected = train(tmp_path / "whole", **arguments)
    train(tmp_path / "parts", stop, **arguments)
    assert_equal(expected, train(tmp_path / "parts", seed=1, **arguments))


def test_two_replicas_go_on_bit_by_bit():
    """Each replica gets back its own BatchNorm statistics and its own sums of an unfinished cycle."""
    done = run("replicas")
    assert done.returncode == 0, done.stderr[-3000:]
    result = json.loads(done.stdout.splitlines()[-1])
    assert [] == result["different"]
    assert "moving_mean" in result["diverged"]  # else there was nothing to get wrong
    assert result["histories"][0] == result["histories"][1]
    # Keras's own files have room for one value: the sum, which the first replica takes over.
    assert [[[3.0, 4.0], [0.0, 1.0]], [[3.0, 5.0], [0.0, 0.0]]] == result["sums"]


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
    """Runs `tests.interrupted` as a process of its own."""
    command = [sys.executable, "-m", "tests.interrupted", *map(str, arguments)]
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


def test_callbacks_listed_after_resume_are_refused(tmp_path):
    """They would forget what they were given back, because Keras's callbacks begin by resetting themselves."""

    def attempt(stop, order):
        waiting = keras.callbacks.EarlyStopping("loss", patience=9, min_delta=100.0, mode="min")
        resume = tfoptim.callbacks.Resume(tmp_path, callbacks=[waiting])
        callbacks = [waiting, resume][::order]
        data = resume.data(batches)
        compiled(everything(), **FAST).fit(
            data, epochs=stop, initial_epoch=resume.epoch, callbacks=callbacks, shuffle=False, verbose=0
        )

    attempt(2, 1)
    with pytest.raises(ValueError, match="list them before"):
        attempt(3, -1)


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


def test_an_endless_epoch_is_refused(tmp_path):
    """An epoch without end would never come to the next."""
    with pytest.raises(ValueError, match=r"endless: use \.take"):
        tfoptim.callbacks.Resume(tmp_path).data(lambda epoch: batches(epoch).repeat())


@pytest.mark.parametrize("known", [True, False])
def test_data_that_has_become_shorter_is_refused(known, left):
    """Two batches of the second epoch are done, and now it has only one, whether Keras knows it before or not."""
    data = lambda epoch: batches(epoch).take(1).filter(lambda *_: True)  # noqa: E731  one line
    data = (lambda epoch: batches(epoch).take(1)) if known else data
    with pytest.raises(ValueError, match="2 batches of epoch 1 are done, but the data has fewer"):
        train(left, data=data, **FAST)


def test_fit_must_begin_where_training_stopped(left):
    """Without `initial_epoch`, the first epochs would be trained twice."""
    resume = tfoptim.callbacks.Resume(left)
    with pytest.raises(ValueError, match=r"epoch 0, but 1 epochs are done: pass initial_epoch=resume\.epoch"):
        compiled(everything()).fit(resume.data(batches), callbacks=[resume], epochs=2, shuffle=False, verbose=0)


# Refusals


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        ("ema_momentum is 0.5 here and 0.9", {"make": lambda: everything(ema_momentum=0.5)}),
        ("class_name is 'Nadam' here and 'Adam'", {"make": lambda: tfoptim.Nadam(0.05)}),
        (r"model variable 0 is .*\(3, 9\).* here and .*\(3, 8\)", {"units": 9}),
        ("callbacks is .*EarlyStopping.* here and", {"callbacks": [keras.callbacks.EarlyStopping("loss")]}),
    ],
    ids=["setting", "class", "shape", "callbacks"],
)
def test_checkpoint_of_another_training_is_refused_and_changes_nothing(words, arguments, left):
    """The message lists what differs, and the model keeps its weights."""
    resume = tfoptim.callbacks.Resume(left, callbacks=arguments.pop("callbacks", ()))
    model = compiled(arguments.pop("make", everything)(), **arguments)
    before = [v.numpy() for v in model.variables]
    with pytest.raises(ValueError, match=rf"nothing was changed.*{words}"):
        model.fit(resume.data(batches), epochs=2, initial_epoch=1, callbacks=[resume], shuffle=False, verbose=0)
    for expected, variable in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(variable.numpy(), expected)


def test_other_metrics_in_an_unfinished_epoch_are_refused(left):
    """The epoch's loss would be the mean of some batches, and its accuracy that of others."""
    with pytest.raises(ValueError, match=r"metrics is .* here and .* in the checkpoint"):
        train(left, metrics=[], **FAST)


def test_other_versions_are_named(left, monkeypatch):
    """Equality is promised for the same TensorFlow and Keras; with others, training goes on with a warning."""
    monkeypatch.setattr(keras, "__version__", "0.0.1")
    with pytest.warns(UserWarning, match=r"saved with .*resumed with .*'0\.0\.1'"):
        train(left, 7, **FAST)


def test_model_without_variables_or_optimizer_is_refused(tmp_path):
    """There is nothing to save or restore yet, and the message says what to do."""
    resume = tfoptim.callbacks.Resume(tmp_path)
    model = keras.Sequential([keras.layers.Dense(3)])
    model.compile(everything(), "mse")
    with pytest.raises(ValueError, match=r"no variables yet: give it a keras\.Input"):
        model.fit(resume.data(batches), callbacks=[resume], shuffle=False, verbose=0)
    with pytest.raises(ValueError, match="no optimizer"):
        compiled(None).fit(resume.data(batches), callbacks=[resume], shuffle=False, verbose=0)
    assert [] == list(tmp_path.iterdir())


def test_several_workers_are_refused(tmp_path, monkeypatch):
    """Their checkpoints would have to agree with each other."""
    monkeypatch.setattr(tf.distribute, "MultiWorkerMirroredStrategy", type(tf.distribute.get_strategy()))
    with pytest.raises(ValueError, match="several workers"):
        train(tmp_path)


@pytest.mark.parametrize("bad", ["a_file", "a_file/inside", "with_{epoch}"])
def test_folder_that_cannot_be_used_is_refused_before_training(bad, tmp_path):
    """The message has the path."""
    (tmp_path / "a_file").write_text("mine")
    with pytest.raises(ValueError, match=rf"{bad}: .*(cannot be written|placeholders)"):
        tfoptim.callbacks.Resume(tmp_path / bad)
    assert "mine" == (tmp_path / "a_file").read_text()


def test_folder_without_permission_is_refused_before_training(tmp_path, monkeypatch):
    """That a folder exists does not mean that it can be written to."""

    def refuse(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(checkpoints.tempfile, "TemporaryFile", refuse)
    with pytest.raises(ValueError, match=rf"{tmp_path}: .*Permission denied"):
        tfoptim.callbacks.Resume(tmp_path)


@pytest.mark.parametrize(("bad", "error"), [(0, ValueError), (1.5, TypeError), (True, TypeError)])
def test_every_steps_must_be_a_whole_number(bad, error, tmp_path):
    """The message names the argument."""
    with pytest.raises(error, match="Resume: every_steps must be an integer >= 1 or None"):
        tfoptim.callbacks.Resume(tmp_path, every_steps=bad)


# Files


def cut(path):
    """Leaves the first half."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path):
    """Changes one bit in the middle."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def swap(path):
    """Takes the file of the other checkpoint."""
    (other,) = [p for p in path.parent.parent.iterdir() if p != path.parent]
    path.write_bytes((other / path.name).read_bytes())


FAULTS = {"cut": cut, "bit": flip, "empty": lambda path: path.write_bytes(b""), "missing": pathlib.Path.unlink}


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("fault", [*FAULTS.values(), swap], ids=[*FAULTS, "swapped"])
def test_damaged_checkpoint_is_named_and_the_one_before_is_taken(fault, file, left):
    """Whatever has happened to whichever file, it is never loaded."""
    newest = checkpoints.newest_first(left)[0]
    fault(newest / file)
    # A manifest that belongs to another checkpoint makes the files look wrong.
    with pytest.warns(UserWarning, match=rf"{newest.name}.*going back to step-00000005-epoch-0001"):
        resume = tfoptim.callbacks.Resume(left)
    assert (1, 1, 5) == (resume.epoch, resume.batch, resume.step)


def test_training_after_damage_equals_training_in_one_go(whole, left):
    """One step is repeated; the damaged checkpoint is replaced by an intact one."""
    flip(checkpoints.newest_first(left)[0] / checkpoints.ARRAYS)
    with pytest.warns(UserWarning, match=r"arrays\.npz is damaged"):
        actual = train(left, seed=1, **FAST)
    assert_equal(whole, actual)
    assert 2 == len(list(left.iterdir()))
    checkpoints.read(checkpoints.newest_first(left)[1])


def test_only_damaged_checkpoints_are_an_error(left):
    """Beginning anew in silence would throw away what may still be saved."""
    for path in left.iterdir():
        cut(path / checkpoints.ARRAYS)
    with pytest.raises(ValueError, match=r"no intact checkpoint: .*arrays\.npz.*arrays\.npz"):
        tfoptim.callbacks.Resume(left)


def test_arrays_of_any_kind_come_back(tmp_path):
    """Dtypes that NumPy's files do not know, scalars, empty arrays, and order in memory."""
    bfloat16 = tf.bfloat16.as_numpy_dtype
    arrays = {
        "a/b@1": np.arange(6, dtype=bfloat16).reshape(2, 3),
        "scalar": np.array(7, np.int64),
        "empty": np.zeros((0, 3), np.float32),
        "transposed": np.arange(6.0).reshape(2, 3).T,
        "flags": np.array([True, False]),
    }
    checkpoints.write(tmp_path, checkpoints.name(1, 0), arrays, {"loss": [0.1, float("inf")]})
    back, record = checkpoints.read(tmp_path / checkpoints.name(1, 0))
    assert {"loss": [0.1, float("inf")]} == record
    assert [(k, v.dtype, v.shape) for k, v in arrays.items()] == [(k, v.dtype, v.shape) for k, v in back.items()]
    assert [v.tobytes() for v in arrays.values()] == [v.tobytes() for v in back.values()]


def test_full_disk_is_reported_with_path_and_size_and_harms_nothing(tmp_path, monkeypatch):
    """The earlier checkpoint stays, and nothing half-written is left."""
    arrays = {"a": np.zeros(500_000)}
    checkpoints.write(tmp_path, checkpoints.name(1, 0), arrays, {})

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"No space left on device; .* 4\.0 MB.*step-00000002"):
        checkpoints.write(tmp_path, checkpoints.name(2, 0), arrays, {})
    assert ["step-00000001-epoch-0000"] == [path.name for path in tmp_path.iterdir()]
    checkpoints.read(tmp_path / checkpoints.name(1, 0))


class Killed(BaseException):
    """No handler of errors sees this one."""


OPERATIONS = [
    (os, "fsync"),
    (shutil, "rmtree"),
    (np, "savez"),
    (pathlib.Path, "mkdir"),
    (pathlib.Path, "write_text"),
    (pathlib.Path, "rename"),
]


def killed_at(number, monkeypatch, action):
    """Runs an action that ends before its file operation of this number; tells whether it got so far."""
    with monkeypatch.context() as patch:
        left = [number]

        def counted(function):
            def operation(*args, **kwargs):
                left[0] -= 1
                if left[0] < 0:
                    raise Killed
                return function(*args, **kwargs)

            return operation

        for owner, name in OPERATIONS:
            patch.setattr(owner, name, counted(getattr(owner, name)))
        try:
            action()
        except Killed:
            return True
    return False


def test_save_killed_at_any_file_operation_leaves_the_one_before_or_the_new(tmp_path, monkeypatch):
    """Also where a damaged checkpoint of the same name is in the way, and on the next attempt after each kill."""
    new, stale = checkpoints.name(3, 0), {"a": np.array(0)}

    def save():
        checkpoints.write(tmp_path, new, {"a": np.array(3)}, {})
        checkpoints.keep(tmp_path, (new, checkpoints.name(2, 0)))

    for number in range(100):
        for name in (checkpoints.name(1, 0), checkpoints.name(2, 0), new):
            checkpoints.write(tmp_path, name, stale, {})
        cut(tmp_path / new / checkpoints.ARRAYS)
        killed = killed_at(number, monkeypatch, save)
        checkpoints.read(tmp_path / checkpoints.name(2, 0))
        try:
            assert 3 == checkpoints.read(tmp_path / new)[0]["a"]
        except checkpoints.Damaged:
            assert killed
        if not killed:
            break
    assert number > 8
    assert {new, checkpoints.name(2, 0)} == {path.name for path in tmp_path.iterdir()}


def test_other_files_in_the_folder_are_left_alone(left):
    """Only what has the name of a checkpoint is deleted."""
    (left / "notes").mkdir()
    (left / "step-by-step.txt").write_text("mine")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train(left, **FAST)
    assert {"notes", "step-by-step.txt"} <= {path.name for path in left.iterdir()}
