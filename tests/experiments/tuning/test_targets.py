"""Targets are set by a pool of well tuned optimizers, once, and not by the runs that they judge (rule B14)."""

import json

import pytest

from experiments import environment
from experiments.errors import UserError
from experiments.records import attempts, run_folder
from experiments.running import sweep
from experiments.running.engines import Event
from experiments.tuning import selection, targets
from tests.experiments.small import evaluations, study


class Pretender:
    """An engine that records made-up runs: the heavy ball does best, and better with each seed."""

    def __init__(self):
        """Starts without jobs."""
        self.jobs = []

    def __call__(self):
        """Returns itself as the engine that was asked for."""
        return self

    def submit(self, jobs, observe):
        """Records every job; accuracies fall at the end, so that the best is not the last."""
        for job in jobs:
            self.jobs.append(job)
            best = 0.8 + (job.run.label == "heavy ball") * 0.1 + (job.run.seed - 2000) / 1000 * (job.run.seed >= 2000)
            attempt = attempts.Attempt(job.folder, job.run)
            for evaluation in evaluations((0.1, best, best - 0.05), test=False):
                attempt.append(evaluation)
            attempt.finish("done", environment.describe(1), {})
            observe(Event(job, "finished", {"status": "done", "validation_accuracy": best, "seconds": 1.0, "epoch": 2}))


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    """Records go to a folder of the test's own, and no data set is prepared."""
    monkeypatch.setattr(run_folder, "ROOT", tmp_path / "runs")
    monkeypatch.setattr(sweep, "_prepare", lambda name: None)


def test_a_pool_spends_five_times_the_trials_on_each_of_four():
    """On the study's problem, with seeds of its own."""
    whole = study()
    pool = targets.pool(whole)
    assert [entry.label for entry in pool.optimizers] == ["AdamW", "NAdamW", "Nesterov", "heavy ball"]
    assert pool.limits.trials == 5 * whole.limits.trials
    assert pool.seeds == tuple(range(2000, 2010))
    assert (pool.task, pool.data, pool.epochs, pool.schedule) == (whole.task, whole.data, whole.epochs, whole.schedule)


def test_a_target_is_the_median_of_what_the_best_of_the_pool_reaches(tmp_path):
    """The best validation score of each run, wherever in the run it was; the test split was never loaded."""
    path, engine = tmp_path / "small.toml", Pretender()
    made = sweep.set_target(path, study(), engine)
    assert (made.optimizer, made.seeds) == ("heavy ball", 10)
    assert made.value == pytest.approx(0.9045)  # 0.9 and 0 to 9 thousandths
    assert {job.run.seed for job in engine.jobs if job.run.kind == "target"} == set(range(2000, 2010))
    assert {job.run.kind for job in engine.jobs} == {"tuning", "target"}
    assert targets.read(path, study()) == made
    assert selection.paths(path)[0].exists() is False, "the study's own selection is another matter"
    assert "best of a pool of 4" in made.words


def test_without_a_target_there_is_none(tmp_path):
    """A report then says that its own is provisional."""
    assert targets.read(tmp_path / "small.toml", study()) is None


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda content: content | {"pool_hash": "0" * 64}, "made for another definition"),
        (lambda content: {"best": [0.9]}, "cannot be read"),
        (lambda content: [], "cannot be read"),
    ],
)
def test_a_target_of_another_definition_or_a_broken_one_is_refused(tmp_path, change, sentence):
    """With the command that makes it again."""
    path = tmp_path / "small.toml"
    sweep.set_target(path, study(), Pretender())
    written = targets.paths(path)[1]
    written.write_text(json.dumps(change(json.loads(written.read_text("utf-8")))), "utf-8")
    with pytest.raises(UserError, match=f"{sentence}.*make it with: python -m experiments target .*small.toml"):
        targets.read(path, study())
