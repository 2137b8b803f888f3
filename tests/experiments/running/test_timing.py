"""Times are of short runs, alone, in turn, and say what machine they are of (rule B16)."""

import dataclasses
import math
import types

import pytest

from experiments.analysis import columns, timing_table
from experiments.errors import UserError
from experiments.records import attempts, run_folder, timings
from experiments.running import timing_pass
from experiments.running.engines import Job, Setting, execute, local
from experiments.studies import runs
from tests.experiments import evidence as made_up
from tests.experiments import small
from tests.experiments.evidence import THREE, evidence

TIMES = {"GD": 0.5, "Adam": 0.02, "Momentum": 0.01}
TIMED = evidence(THREE, times=TIMES)
FOUND = TIMED.timings


def wanted(repetitions, asked, **changes):
    """The timing runs of a study."""
    study = dataclasses.replace(TIMED.study, **changes)
    return timing_pass.runs(TIMED.wanted[0].study, study, TIMED.choices, repetitions, asked)


def changed(number=-1, run=None, environment=None, **summary):
    """The records of the timing pass, one of which differs."""
    found = list(FOUND)
    one = found[number]
    found[number] = dataclasses.replace(
        one,
        run=dataclasses.replace(one.run, **(run or {})),
        environment={**one.environment, **(environment or {})},
        summary={**one.summary, **summary},
    )
    return found


def test_optimizers_take_turns_with_seeds_that_are_nobody_elses():
    """A B C A B C; at the chosen rates, for the study's report, however short; the test split is not among the data."""
    found = wanted(2, None, epochs=15)
    assert [(run.label, run.seed) for run in found] == [
        (k, s) for s in (3000, 3001) for k in ("GD", "Adam", "Momentum")
    ]
    assert {run.study for run in found} == {TIMED.wanted[0].study}
    assert {(run.kind, run.epochs, run.grid) for run in found} == {("timing", 3, "passes")}
    assert [run.learning_rate for run in found[:3]] == [TIMED.choices[run.label].learning_rate for run in found[:3]]
    assert runs.SPLITS_OF_KIND[runs.TIMING] == ("train", "validation")
    assert {run.epochs for run in wanted(1, None, epochs=2)} == {2}
    assert {run.epochs for run in wanted(1, 7, epochs=2)} == {7}


def test_there_are_a_thousand_seeds_for_times():
    """More repetitions are refused in a sentence."""
    with pytest.raises(UserError, match=r"--repetitions must be at most 1000 \(.*\), got 1001"):
        wanted(1001, None)


def test_a_worker_ends_after_a_run_that_is_timed():
    """And tells the next how many it has served, should there be one."""
    kept = execute.WorkerCache()
    assert kept.served == 0
    assert kept.rest(small.run(kind=runs.TIMING, seed=3000))
    assert kept.served == 1


def test_an_engine_has_one_process_for_times_and_starts_the_next_when_that_has_ended(monkeypatch, tmp_path):
    """Whatever the number of workers; other runs have as many as there may be."""
    monkeypatch.setattr(local, "Worker", lambda log, inbox: types.SimpleNamespace(ready=False, job=None))
    for kind, workers in ((runs.TIMING, 1), (runs.EVALUATION, 3)):
        engine = local.Local(Setting(3, tmp_path, {}))
        engine._pending = [Job(small.run(kind=kind, seed=seed), tmp_path) for seed in range(3)]
        engine._alone = kind == runs.TIMING
        engine._fill()
        assert len(engine._team) == workers
        engine._team, engine._resting = [], [types.SimpleNamespace()]
        engine._fill()
        assert len(engine._team) == (0 if kind == runs.TIMING else 3)


def test_the_first_pass_is_not_timed_where_there_are_more():
    """It warms up: here it takes twice as long as the others."""
    own = {one.label: one for one in map(timings.taken, FOUND[:3])}
    assert {label: one.seconds_per_step for label, one in own.items()} == pytest.approx(TIMES)
    assert own["Adam"].seconds_per_pass == pytest.approx(0.02 * small.STEPS)
    assert (own["Adam"].steps, own["Adam"].state_bytes_per_parameter) == (2 * small.STEPS, 8)
    assert math.isnan(own["Adam"].peak_device_bytes)
    single = made_up.timings(TIMED.study, TIMES, passes=1)
    assert timings.taken(single[1]).seconds_per_step == pytest.approx(0.04)


def test_a_row_has_median_and_quartiles():
    """Of 1.0 to 1.4 times the second that was given; divided by plain SGD's, where that takes part."""
    row = next(row for row in timing_table.rows(FOUND, TIMED.study) if row.label == "Adam")
    assert row.step == pytest.approx((0.024, 0.022, 0.026))
    assert (row.base, row.reference, len(row.repetitions)) == (None, "", 5)
    entries = [dataclasses.replace(e, optimizer="sgd", hyperparameters={}) for e in TIMED.study.optimizers[2:]]
    with_sgd = dataclasses.replace(TIMED.study, optimizers=(*TIMED.study.optimizers[:2], *entries))
    numbers = [columns.numbers(timing_table.columns(""), row) for row in timing_table.rows(FOUND, with_sgd)]
    assert {row["optimizer"]: row["times_sgd"] for row in numbers} == pytest.approx(
        {"GD": 50, "Adam": 2, "Momentum": 1}
    )
    heavy = dataclasses.replace(entries[0], hyperparameters={"momentum": 0.9})
    assert [timing_table.plain(entry) for entry in (entries[0], heavy)] == [True, False]
    said = timing_table.lines(timing_table.rows(FOUND, with_sgd))[1]
    assert said.startswith(
        "Adam: 24 [22, 26] ms a step, 2.00 times that of Momentum, 768 ms a pass, compiled in 1.00 s"
    )


def test_memory_of_a_gpu_is_told_where_there_is_one():
    """The most of all repetitions."""
    found = changed(1, peak_device_bytes=2**30)
    found = [dataclasses.replace(r, summary={**r.summary, "peak_device_bytes": 2**29 + i}) for i, r in enumerate(found)]
    row = next(row for row in timing_table.rows(found, TIMED.study) if row.label == "Adam")
    assert columns.cells(timing_table.columns(""), row)[6] == "512"
    assert columns.numbers(timing_table.columns(""), row)["peak_device_bytes"] == 2**29 + 13


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        ([], "there is no timing pass; python -m experiments time small measures them"),
        (FOUND[::3], "the timing pass has no runs of Adam, Momentum; python -m experiments time small measures them"),
        (
            changed(environment={"timing": "not-for-timing"}),
            "were not alone on the machine; .* time small --again measures them again",
        ),
        (changed(runs_before=1), "were not alone on the machine"),
        (changed(began=138.0), "were not alone on the machine"),
        (changed(environment={"machine": {"cpu": "other"}}), "was run on different machines"),
        (changed(run={"epochs": 4}), "have different lengths"),
    ],
)
def test_times_that_tell_nothing_are_refused_with_the_command_that_takes_them(found, reason):
    """None, some, or such as were slowed down by others or are of other machines."""
    with pytest.raises(AssertionError, match=f"Times are not shown: .*{reason}"):
        raise AssertionError(timings.refused(found, ["GD", "Adam", "Momentum"], "small"))


def test_sound_times_are_not_refused():
    """And their medians are what seconds are reckoned with."""
    assert timings.refused(FOUND, list(TIMES), "small") == ""
    assert timings.step_seconds(FOUND) == pytest.approx({label: 1.2 * second for label, second in TIMES.items()})


def test_a_run_that_is_not_finished_is_none_of_the_pass(tmp_path, monkeypatch):
    """Nor is one of another kind, or of an optimizer that is not asked for; the earliest comes first."""
    monkeypatch.setattr(run_folder, "ROOT", tmp_path)
    for number, record in enumerate([*reversed(FOUND), TIMED.found[0]]):
        attempt = attempts.Attempt(run_folder.folder(tmp_path, "small", record.run), record.run)
        for evaluation in record.evaluations:
            attempt.append(evaluation)
        if number:
            attempt.finish(record.status, record.environment, record.summary)
    found = timings.recorded("small", TIMED.identity, ["GD", "Momentum"])
    assert [(r.run.label, r.run.seed) for r in found] == [
        (r.run.label, r.run.seed) for r in FOUND[:-1] if r.run.label != "Adam"
    ]
