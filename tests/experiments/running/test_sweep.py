"""A study becomes runs; what is recorded is skipped, the rest is handed to an engine."""

import pytest

from experiments import environment
from experiments.errors import RunsFailed
from experiments.records import attempts, run_folder
from experiments.running import sweep
from experiments.running.engines import Event
from experiments.studies import identity
from experiments.studies.runs import evaluation_runs
from experiments.tuning import choosing
from experiments.tuning.choosing import Choice
from tests.experiments.small import evaluations, study


class Pretender:
    """An engine that trains nothing: it records made-up runs, or fails some."""

    def __init__(self, failing=(), **environment_changes):
        """Takes the labels that fail and what differs in the environment."""
        self.failing, self.changes, self.jobs = failing, environment_changes, []

    def __call__(self):
        """Returns itself as the engine that was asked for."""
        return self

    def submit(self, jobs, observe):
        """Records every job."""
        for job in jobs:
            self.jobs.append(job)
            if job.run.label in self.failing:
                observe(Event(job, "failed", {"error": "out of luck"}))
                continue
            attempt = attempts.Attempt(job.folder, job.run)
            for evaluation in evaluations((0.1, 0.9)):
                attempt.append(evaluation)
                observe(Event(job, "evaluated", {"epoch": evaluation["epoch"]}))
            attempt.finish("done", environment.describe(1) | self.changes, {})
            observe(Event(job, "finished", {"status": "done", "validation_accuracy": 0.9, "seconds": 1.0, "epoch": 1}))


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    """Records go to a folder of the test's own, and no data set is prepared."""
    monkeypatch.setattr(run_folder, "ROOT", tmp_path)
    monkeypatch.setattr(sweep, "_prepare", lambda name: None)


def planned(**changes):
    """The runs of the small study."""
    whole = study(**changes)
    choice = Choice({"learning_rate": 0.01}, (0.001, 0.1), 0, False, 0.9, (3, 3))
    choices = {entry.label: choice for entry in whole.optimizers}
    return evaluation_runs(identity.study_hash(study()), whole, choosing.values(choices))


def test_every_optimizer_is_run_with_every_seed():
    """The plan is the product of the study's lists."""
    assert [(run.label, run.seed) for run in planned()] == [("GD", 0), ("GD", 1), ("Adam", 0), ("Adam", 1)]


def test_recorded_runs_are_not_made_again():
    """A part of a study and the whole of it share their runs."""
    first, second = Pretender(), Pretender()
    sweep.compare("small", study(), planned(seeds=(0,)), first)
    found = sweep.compare("small", study(), planned(), second)
    assert [job.run.seed for job in first.jobs] == [0, 0]
    assert [job.run.seed for job in second.jobs] == [1, 1]
    assert [record.run for record in found] == planned()
    assert found[0].evaluations[-1]["validation_accuracy"] == 0.9


def test_the_first_seed_comes_first_and_its_records_are_handed_over_once(capsys, monkeypatch):
    """So a preliminary table stands while the other seeds are made; where they are no part of it, there is none."""
    monkeypatch.setattr(sweep, "EARLY_SECONDS", 0)
    engine, handed = Pretender(), []

    def early(found):
        handed.append([(record.run.label, record.run.seed) for record in found])
        return "the first seed"

    sweep.compare("small", study(), planned(), engine, early)
    assert [(job.run.label, job.run.seed) for job in engine.jobs] == [("GD", 0), ("Adam", 0), ("GD", 1), ("Adam", 1)]
    assert handed == [[("GD", 0), ("Adam", 0)]]
    assert "the first seed\n" in capsys.readouterr().err
    sweep.compare("small", study(), planned(seeds=(0, 1, 2)), Pretender(), early)
    sweep.compare("other", study(), planned(seeds=(0,)), Pretender(), early)
    assert len(handed) == 1


def test_nothing_preliminary_is_made_where_the_report_comes_as_soon():
    """The runs that are left take less than its own time is worth."""
    handed = []
    sweep.compare("small", study(), planned(), Pretender(), handed.append)
    assert handed == []


def test_a_preliminary_table_that_fails_stops_no_run(capsys, monkeypatch):
    """What it lacked is said."""
    monkeypatch.setattr(sweep, "EARLY_SECONDS", 0)

    def early(found):
        raise ValueError("no pen")

    assert len(sweep.compare("small", study(), planned(), Pretender(), early)) == 4
    assert "No preliminary table (ValueError: no pen)." in capsys.readouterr().err


def test_a_comparison_leaves_the_test_scores_sealed():
    """Only the report opens them."""
    found = sweep.compare("small", study(), planned(), Pretender())
    assert not [key for record in found for scores in record.evaluations for key in scores if key.startswith("test_")]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"source": "other", "commit": "0a1b"}, f"made with other code (commit 0a1b, here {environment.commit()})."),
        ({"tensorflow": "2.0.0"}, f"made with tensorflow 2.0.0 (here {environment.versions()['tensorflow']})."),
    ],
)
def test_records_of_other_code_or_versions_are_made_again(capsys, changed, words):
    """A comparison after a change of the optimizers is one of the changed optimizers; how many, and why, is said."""
    sweep.compare("small", study(), planned(), Pretender(**changed))
    engine = Pretender()
    capsys.readouterr()
    found = sweep.compare("small", study(), planned(), engine)
    assert len(engine.jobs) == 4
    assert all(environment.current(record.environment) for record in found)
    assert f"4 of 4 recorded runs are not used: {words}\n" in capsys.readouterr().err


def test_looking_at_a_search_changes_no_record():
    """A dry run of tuning after a change of the code leaves what is recorded as it is."""
    whole = study()
    runs, _ = sweep.searched("small", whole)
    made = Pretender(source="other")
    made.submit(sweep._jobs("small", runs), lambda event: None)
    assert sweep.searched("small", whole) == (runs, {})
    assert all((run_folder.folder(run_folder.ROOT, "small", run) / "DONE").exists() for run in runs)


def test_a_failed_run_does_not_stop_the_others_and_is_no_result():
    """It is told with its reason, and tried again by the same command."""
    with pytest.raises(RunsFailed, match=r"2 of 4 runs failed, the first because: GD, rate 0\.01, seed 0: out of luck"):
        sweep.compare("small", study(), planned(), Pretender(failing=("GD",)))
    engine = Pretender()
    sweep.compare("small", study(), planned(), engine)
    assert [job.run.label for job in engine.jobs] == ["GD", "GD"]


def test_tuning_searches_until_all_optimizers_are_settled(tmp_path):
    """With all accuracies and losses equal the first point wins, wherever it lies."""
    engine = Pretender()
    choices = sweep.tune(tmp_path / "small.toml", study(), engine)
    assert {job.run.seed for job in engine.jobs} == {1000}
    assert {job.run.point["index"] for job in engine.jobs} == {0, 1, 2}
    assert sum(choice.trials[1] for choice in choices.values()) == len(engine.jobs)
    for entry in study().optimizers:
        first = choosing.searches(study(), entry)[0].points[0]
        if not choices[entry.label].widenings:
            assert choices[entry.label].values == first.values
