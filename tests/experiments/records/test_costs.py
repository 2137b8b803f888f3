"""What the runs of a study cost is read from their folders, those without a result among them (rule B23)."""

import math

from experiments.records import attempts, costs, run_folder
from experiments.records.attempts import Checkpoint
from experiments.records.costs import Cost
from experiments.studies import runs
from tests.experiments.small import evaluations, run

PLACE = {"round": 0, "widenings": 1, "index": 2}


def attempt(root, made, passes, start=None):
    """An attempt at a run that told of so many passes, half a second and 4,000 gradients each."""
    begun = attempts.Attempt(run_folder.folder(root, "small", made), made, start)
    told = evaluations([0.1] * (passes + 1))
    for evaluation in told[len(start.evaluations) if start else 0 :]:
        begun.append(evaluation)
    return begun, told


def cost_of(root, made):
    """What is read of one run."""
    return costs.read(root.glob("small-*"))[made.kind, made.label]


def test_a_finished_run_costs_what_its_record_says(tmp_path):
    """Compiling and evaluating are part of its seconds, times the threads of its worker."""
    made = run()
    attempt(tmp_path, made, 3)[0].finish("done", {"threads_per_worker": 2}, {"seconds_in_all": 7.5})
    assert cost_of(tmp_path, made) == Cost(runs=1, steps=96, gradients=12_000, seconds=15.0)


def test_a_diverged_run_of_a_widened_search_is_counted_as_both(tmp_path):
    """It is a result, and widening has its price."""
    made = run(kind=runs.TUNING, point=PLACE)
    attempt(tmp_path, made, 1)[0].finish("diverged", {}, {})
    assert cost_of(tmp_path, made) == Cost(runs=1, widened=1, steps=32, gradients=4000, seconds=0.5)


def test_an_attempt_that_failed_is_counted_with_what_it_had_done(tmp_path):
    """Two passes of the first, then a whole run of three."""
    made = run()
    attempt(tmp_path, made, 2)[0].give_up("killed", "")
    attempt(tmp_path, made, 3)[0].finish("done", {}, {"seconds_in_all": 4.0})
    assert cost_of(tmp_path, made) == Cost(runs=1, failed=1, steps=160, gradients=20_000, seconds=5.0)


def test_what_an_attempt_goes_on_from_is_not_counted_twice(tmp_path):
    """Of four passes the first two are the first attempt's, whose third is lost and paid for."""
    made = run()
    _, told = attempt(tmp_path, made, 3)
    again, _ = attempt(tmp_path, made, 4, Checkpoint(1, told[:3], ()))
    again.finish("done", {}, {"seconds_in_all": 1.25})
    assert cost_of(tmp_path, made) == Cost(runs=1, failed=1, steps=160, gradients=20_000, seconds=1.5 + 1.25)


def test_an_attempt_that_told_nothing_costs_nothing_and_is_counted(tmp_path):
    """It died before its first evaluation."""
    made = run()
    attempts.Attempt(run_folder.folder(tmp_path, "small", made), made)
    assert cost_of(tmp_path, made) == Cost(failed=1)


def test_what_is_no_run_is_passed_over(tmp_path):
    """And kinds and labels are kept apart."""
    made = run()
    attempt(tmp_path, made, 1)[0].finish("done", {}, {})
    attempt(tmp_path, run("GD"), 1)[0].finish("done", {}, {})
    spoilt = tmp_path / "small-00000000" / "trials" / "ab" / "abc"
    spoilt.mkdir(parents=True)
    (spoilt / "spec.json").write_text("{", encoding="utf-8")
    assert set(costs.read(tmp_path.glob("small-*"))) == {("evaluation", "Adam"), ("evaluation", "GD")}


def test_costs_add_up():
    """The cost of an optimizer is that of all its runs; what is not known of one is not known of both."""
    both = Cost(1, 0, 2, 30, 40, 0.5) + Cost(1, 1, 0, 3, 4, 0.25)
    assert both == Cost(2, 1, 2, 33, 44, 0.75)
    assert math.isnan((both + Cost(seconds=math.nan)).seconds)
