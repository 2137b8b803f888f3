"""Training a segmentation: augmented by seed and pass, evaluated in small batches, flat in memory."""

import collections
import dataclasses
import gc

import numpy as np
import pytest
import tensorflow as tf

from experiments.problems import seeds
from experiments.problems.datasets.augment import Augmentation
from experiments.problems.tasks import TASKS, base, segmentation
from experiments.records import run_folder
from experiments.running.engines import execute
from experiments.running.training import step, train
from experiments.studies import identity, runs
from tests.experiments import tiny

MUCH = Augmentation(rotation=30, shift=0.2, moved=1.0)


@pytest.fixture(autouse=True)
def _tiny(monkeypatch):
    """The tiny problem takes the place of the brain."""
    monkeypatch.setitem(TASKS, "mni152", dataclasses.replace(tiny.TASK, augmentation=MUCH))


def run(label="CLMR", **changes):
    """A run of the tiny study."""
    study = tiny.study()
    entry = next(entry for entry in study.optimizers if entry.label == label)
    one = runs.plan(identity.study_hash(study), study, runs.EVALUATION, entry, {"learning_rate": 0.05}, 0)
    return dataclasses.replace(one, **changes)


@pytest.fixture(scope="module")
def program():
    """The compiled training of the tiny U-Net with CLMR."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(TASKS, "mni152", dataclasses.replace(tiny.TASK, augmentation=MUCH))
        return train.Program(run(), train.tensors(tiny.SPLITS))


def scores(evaluations):
    """Evaluations without their times."""
    return [{k: v for k, v in evaluation.items() if k != "seconds"} for evaluation in evaluations]


@pytest.mark.slow
def test_an_augmented_run_depends_on_its_specification_alone(program):
    """Bitwise, after runs of other seeds and lengths; statistics of batch normalisation start anew as well."""
    first = scores(program.run(run())), program.digest()
    for other in (run(seed=1), run(epochs=3), run(learning_rate=0.5)):
        list(program.run(other))
    assert (scores(program.run(run())), program.digest()) == first


@pytest.mark.slow
def test_augmentation_does_not_depend_on_where_a_run_is_evaluated(program):
    """A pass that is cut into its three steps moves each slice as the whole pass does."""
    ends = []
    for grid in ("passes", "protocol"):
        seen = [evaluation["step"] for evaluation in program.run(run(grid=grid))]
        ends.append(program.digest())
    assert seen == list(range(len(seen)))
    assert ends[0] == ends[1]


def test_a_pass_trains_on_the_slices_as_they_look_at_that_pass(program):
    """Pass by pass as a plain loop does it, with the seed of the run."""
    task, one = TASKS["mni152"], run(epochs=2, seed=3)
    losses = [evaluation["running_loss"] for evaluation in program.run(one)][1:]
    model, optimizer = train._fresh(task, one)
    images, labels = tiny.SPLITS["train"].images, tiny.SPLITS["train"].labels
    key, expected = seeds.derive(task.name, 3, "augment"), []
    for epoch in (1, 2):
        total = 0.0
        order = seeds.order(task.name, 3, epoch, 9)
        for rows in np.split(order, range(4, 9, 4)):
            seen, truth = MUCH(images[rows], labels[rows], key, epoch, tf.constant(rows))
            with tf.GradientTape() as tape:
                each = task.loss(truth, model(task.inputs(seen), training=True))
                loss = tf.reduce_mean(each)
            optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
            total += float(tf.reduce_sum(each))
        expected.append(total / 9)
    assert losses == pytest.approx(expected, rel=1e-4)  # six steps in float32, compiled and eager


def test_a_full_gradient_sees_the_same_augmented_slices_as_batches_do():
    """Whatever the micro-batch: each slice is moved by its own number."""
    model = tiny.TASK.model(0, 0)
    images, labels = train.tensors(tiny.SPLITS)["train"]
    task = dataclasses.replace(TASKS["mni152"], inputs=lambda x: seen.append(x) or base.unit_range(x))
    moment = tf.constant([1, 2, 5], tf.int64)
    found = []
    for micro in (9, 4):
        seen = []
        step.full_gradient(model, task, images, labels, micro, step._as_seen(task, moment))
        found.append(np.concatenate([np.asarray(part) for part in seen]))
    expected, _ = MUCH(images, labels, moment[:2], 5, tf.range(9))
    for part in found:
        # interpolation rounds differently in batches of other sizes, in the last digit of a grey level of 0 .. 255
        assert part == pytest.approx(expected.numpy(), abs=1e-3)
    assert np.abs(found[0] - images.numpy()).max() > 10


def test_evaluation_is_of_the_slices_as_they_are_and_exact(program):
    """No augmentation, no slice left out by batches of two."""
    task = TASKS["mni152"]
    last = list(program.run(run()))[-1]
    for split, slices in tiny.SPLITS.items():
        logits = program.model(task.inputs(tf.constant(slices.images)))
        for name, score in task.metrics.items():
            expected = float(tf.reduce_mean(score(tf.constant(slices.labels), logits)))
            assert last[f"{split}_{name}"] == pytest.approx(expected, abs=1e-5), (split, name)


def test_predictions_are_those_of_the_scores(program):
    """Dice from the stored classes of each pixel is the Dice that was evaluated; probabilities sum to one."""
    last = list(program.run(run()))[-1]
    test = tiny.SPLITS["test"]
    classes, probabilities = program.predict(test.images)
    logits = 100.0 * tf.one_hot(classes, 3)
    assert float(tf.reduce_mean(segmentation.dice(test.labels, logits))) == pytest.approx(last["test_dice"], abs=1e-5)
    assert probabilities.shape == (*test.labels.shape, 3)
    assert probabilities.sum(axis=-1) == pytest.approx(np.ones(test.labels.shape), abs=1e-5)
    assert np.array_equal(probabilities.argmax(axis=-1), classes)


def test_one_structure_has_the_probability_of_its_sigmoid():
    """And the background what is left."""
    logits = tf.constant([[[[-2.0], [3.0]]]])
    found = segmentation.probabilities(logits).numpy()
    assert found[0, 0] == pytest.approx(np.array([[0.880797, 0.119203], [0.047426, 0.952574]]), abs=1e-6)


@pytest.mark.slow
def test_a_run_that_diverges_leaves_no_cases(tmp_path, monkeypatch):
    """It has predictions of nothing; a mean with them or without them would mislead."""
    monkeypatch.setattr("experiments.problems.datasets.load.load", tiny.load)
    ends, kept = {}, execute.WorkerCache()
    for name, rate in (("good", 0.01), ("lost", 1e38)):
        one = run(learning_rate=rate, epochs=5)
        path = run_folder.folder(tmp_path, name, one)
        said = []
        job = {"spec": one.content, "folder": str(path), "environment": {}}
        execute.execute_run(job, kept, lambda kind, said=said, **content: said.append((kind, content)))
        ends[name] = said[-1][1]["status"], sorted(run_folder.read(path, test=True).files)
    assert ends == {"good": ("done", ["cases", "predictions"]), "lost": ("diverged", [])}


def alive():
    """How many tensors, variables and graphs are alive."""
    gc.collect()
    counted = collections.Counter(type(thing).__name__ for thing in gc.get_objects())
    return {name: counted[name] for name in ("EagerTensor", "ResourceVariable", "Variable", "FuncGraph", "Function")}


@pytest.mark.slow
def test_memory_stays_flat_over_epochs_and_runs(program):
    """After the first run with its prediction no tensor, variable or trace is added, however long or many the runs."""

    def work(**changes):
        for _ in program.run(run(**changes)):
            pass
        program.predict(tiny.SPLITS["test"].images)
        return alive()

    first = work()
    assert first["EagerTensor"] > 0
    assert first["FuncGraph"] > 0
    assert work(epochs=6) == first
    assert [work(seed=seed) for seed in (1, 2, 3)] == [first] * 3
    assert program._epoch.experimental_get_tracing_count() == program._evaluate.experimental_get_tracing_count() == 1
