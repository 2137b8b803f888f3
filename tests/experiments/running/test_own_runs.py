"""Runs of one's own code: the same start for all, the same curves of one algorithm, and no other code unnoticed."""

import dataclasses
import gc
import sys

import numpy as np
import pytest

from experiments import studies
from experiments.analysis.statistics.comparing import compare
from experiments.analysis.statistics.resampling import generator
from experiments.errors import UserError
from experiments.problems import datasets, own, seeds, tasks
from experiments.running import range_test
from experiments.running.engines import Job, Setting, cluster, worker
from experiments.running.engines.execute import WorkerCache
from experiments.studies import identity, runs
from experiments.tuning.range_test import Plan
from tests.experiments.owned import FILES, place, toml

pytestmark = pytest.mark.usefixtures("unknown_after")

ENTRIES = '{ optimizer = "lion", label = "Lion" }, "keras:Lion", "signs.py:SignDescent"'


def planned(folder, rate=0.01, kind=runs.EVALUATION, **files):
    """A study in a folder, and its runs of each seed by label."""
    study = studies.load(place(folder, **{"moons.toml": toml(ENTRIES, more="batch_size = 64\n")}, **files))
    study = dataclasses.replace(study, epochs=2)
    name = identity.study_hash(study)
    return study, {
        entry.label: [runs.plan(name, study, kind, entry, {"learning_rate": rate}, seed) for seed in study.seeds]
        for entry in study.optimizers
    }


@pytest.mark.slow
def test_one_algorithm_of_two_libraries_ties(tmp_path):
    """Lion of Keras and of tfoptim: same weights, same order, curves within float32, a tie in the statistics."""
    study, every = planned(tmp_path)
    cache, ends, starts, curves = WorkerCache(), {}, {}, {}
    for label in ("Lion", "keras Lion"):
        ends[label], starts[label], curves[label] = {}, [], []
        for run in every[label]:
            program = cache.program(run)
            evaluations = list(program.run(run))
            ends[label][run.seed] = evaluations[-1]["test_accuracy"]
            starts[label].append((program.start["weights_sha256"], program.start["order_sha256"]))
            curves[label].append([e[f"{split}_loss"] for e in evaluations for split in ("train", "validation", "test")])
    assert starts["Lion"] == starts["keras Lion"]
    assert len(set(starts["Lion"])) == len(study.seeds)
    # Both round each of 20 steps to float32, by 6e-8 of it: 1e-5 leaves room for a few of that a step that add up.
    np.testing.assert_allclose(curves["Lion"], curves["keras Lion"], rtol=1e-5)
    (row,) = compare(ends, generator("moons", "table"), higher_is_better=True)
    assert (row.expanded.low, row.expanded.high) == pytest.approx((0, 0), abs=1e-9)


def test_a_worker_knows_code_by_the_folder_of_its_run(tmp_path):
    """Nothing of the parent's is needed."""
    _, every = planned(tmp_path)
    run = every["SignDescent"][0]
    del tasks.TASKS["moons.py:TASK"], datasets.CARDS["moons.py:TASK"]
    own.enter(run)
    assert tasks.get(run.task).title == "MLP on two moons"
    assert datasets.CARDS[run.data].split_sha256 == run.split_sha256


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"optimizer_version": "old"}, "signs.py:SignDescent has changed since this run was planned; give the command"),
        ({"task_version": "old"}, "moons.py:TASK has changed since this run was planned; give the command again"),
        ({"split_sha256": "old"}, "It must return the same ones each time: seed what it draws"),
    ],
)
def test_a_worker_refuses_other_code_and_other_arrays(tmp_path, changes, fault):
    """A record is of what it says."""
    _, every = planned(tmp_path)
    with pytest.raises(UserError, match=fault):
        own.enter(dataclasses.replace(every["SignDescent"][0], **changes))


def test_own_code_that_keeps_what_it_is_given_shares_no_trace(tmp_path):
    """An optimizer its rate, a model what it drew by its seed; those of Keras and of the library keep no rate."""
    _, every = planned(tmp_path)
    _, other = planned(tmp_path, rate=0.02)
    for label, kept in (("Lion", False), ("keras Lion", False), ("SignDescent", True)):
        first, second = every[label][:2]
        assert first.program != second.program
        assert (first.program != other[label][0].program) == kept


MAKING = """
class Numbers:
    \"\"\"Features drawn by the seed, as a constant, and a rate that is kept.\"\"\"
    def data(self):
        import numpy as np
        x = np.random.default_rng(0).normal(size=(40, 3))
        return [(x, (x[:, 0] > 0).astype(int))] * 3

    def model(self, seed):
        import keras, numpy as np
        drawn = np.random.default_rng(seed).normal(size=(3, 8)).astype("float32")
        inputs = keras.Input((3,))
        return keras.Model(inputs, keras.layers.Dense(2)(keras.ops.matmul(inputs, drawn)))
"""


def test_a_run_is_the_same_whatever_its_worker_ran_before(tmp_path):
    """Constants of the run before would train on."""
    text = toml('{ optimizer = "sgd", learning_rate = 0.1 }', task="made.py:Numbers", more="seeds = [0, 1]\n")
    study = studies.load(place(tmp_path, made=MAKING, **{"moons.toml": text}))
    first, second = (
        runs.plan("x", study, runs.EVALUATION, study.optimizers[0], {"learning_rate": 0.1}, seed) for seed in (0, 1)
    )
    used = WorkerCache()
    list(used.program(first).run(first))
    ends = [list(cache.program(second).run(second))[-1]["train_loss"] for cache in (used, WorkerCache())]
    assert ends[0] == ends[1]


def test_a_worker_lets_own_code_import_what_keras_does_without(monkeypatch):
    """Keras must not: it takes a third of a worker's start."""
    for package in worker.UNUSED:
        monkeypatch.delitem(sys.modules, package, raising=False)
    worker._start()
    gc.unfreeze()
    assert not set(worker.UNUSED) & set(sys.modules)


def test_a_run_sent_to_another_machine_names_its_folder(tmp_path):
    """By its absolute path."""
    _, every = planned(tmp_path)
    setting = Setting(1, tmp_path, {})
    messages, *_ = cluster.parcel([Job(every["SignDescent"][0], tmp_path)], setting)
    assert messages[0]["spec"]["folder"] == str(tmp_path)
    assert runs.Run(**messages[0]["spec"]) == every["SignDescent"][0]


def test_the_range_test_takes_own_optimizers(tmp_path):
    """And own tasks."""
    study, _ = planned(tmp_path)
    plan = Plan("moons", study.task, study.data, "signs.py:SignDescent", {}, 64, 1e-4, 0.1, 20, False,
                seeds.TUNING.start, study.folder)  # fmt: skip
    assert len(range_test.measure(plan)) == 20


def test_the_example_of_the_page_is_what_the_tests_run():
    """Three files."""
    assert set(FILES) == {"moons.py", "signs.py", "moons.toml"}
