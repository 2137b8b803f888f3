"""Every run is evaluated at the steps of the protocol's grid, which changes nothing but where one looks (rule B13)."""

import dataclasses
import math

import numpy as np
import pytest

from experiments import studies
from experiments.problems import grid, seeds
from experiments.running.training import train
from experiments.studies import identity, runs
from tests.experiments.digits import kept, scores, splits
from tests.experiments.small import TOML, run, study

GRID = dataclasses.replace(run(epochs=2, batch_size=64, micro_batch=90), grid=grid.PROTOCOL)
PASSES = dataclasses.replace(GRID, grid=grid.PASSES)


@pytest.fixture(scope="module")
def data():
    """Small splits; the sizes divide by no batch size."""
    return splits()


@pytest.fixture(scope="module")
def program(data):
    """The compiled training of the perceptron with Adam, in five steps a pass."""
    return train.Program(GRID, data)


def test_the_grid_of_the_protocol_is_its_example():
    """391 steps a pass and 100 passes give 62 points, as the protocol lists them."""
    found = grid.protocol(391, 100)
    assert len(found) == 62
    assert found[:14] == [0, 1, 2, 3, 6, 11, 20, 36, 65, 119, 215, 391, 1165, 1939]
    assert found[-2:] == [38326, 39100]


def test_the_usual_grid_doubles_in_the_first_pass_and_then_looks_after_each():
    """As after each pass, so that optimizers with one step a pass are seen at the same ones; fifty times at most."""
    assert grid.doubling(32, 4) == [0, 1, 2, 4, 8, 16, 32, 64, 96, 128]
    assert grid.doubling(1, 15) == grid.passes(1, 15)
    long = grid.doubling(391, 100)
    assert long[:12] == [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 391, 391 + 774]
    assert len(long) == 11 + 50


@pytest.mark.parametrize("steps", [1, 2, 5, 32, 391])
@pytest.mark.parametrize("epochs", [1, 2, 15, 100])
def test_a_grid_ascends_from_the_start_to_the_end(steps, epochs):
    """Whatever the size, nothing comes twice, and start, first step, first pass and end are there."""
    for points in (one(steps, epochs) for one in grid.GRIDS.values()):
        assert points == sorted(set(points))
        assert {0, steps, steps * epochs} <= set(points)
    assert all(1 in one(steps, epochs) for one in (grid.protocol, grid.doubling))


@pytest.mark.parametrize(("first", "last"), [(0, 1), (0, 5), (3, 5), (3, 12), (5, 10), (4, 6)])
def test_stretches_are_all_the_steps_between_two_points_in_their_passes(first, last):
    """Step by step, against counting."""
    found = [((s.epoch - 1) * 5 + n, s.epoch) for s in grid.stretches(5, first, last) for n in range(s.first, s.last)]
    assert found == [(n, n // 5 + 1) for n in range(first, last)]


def test_looking_more_often_changes_nothing_but_where_one_looks(program):
    """Weights, slots and dropout keys end the same, and evaluations at the same step have the same scores."""
    often = list(program.run(GRID))
    state = program.digest()
    seldom = list(program.run(PASSES))
    assert program.digest() == state
    assert [e["step"] for e in often] == grid.protocol(5, 2) == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    assert [e["epoch"] for e in often] == [0, 0.2, 0.4, 0.6, 0.8, 1, 1.2, 1.4, 1.6, 1.8, 2]
    assert [e["step"] for e in seldom] == [0, 5, 10]
    for one in seldom:
        (other,) = (e for e in often if e["step"] == one["step"])
        same = [key for key in one if key not in ("seconds", "running_loss")]  # the latter is since the last look
        assert [one[key] for key in same] == [other[key] for key in same]
    assert often[-1]["example_gradients"] == 602


def test_the_running_loss_is_that_of_all_examples_since_the_last_look(program):
    """Weighted by how many they were: the last step of a pass has fewer."""
    often, seldom = list(program.run(GRID)), list(program.run(PASSES))
    counts = np.diff([e["example_gradients"] for e in often])
    losses = [e["running_loss"] for e in often[1:]]
    # the same float32 losses, summed in another order
    assert seldom[1]["running_loss"] == pytest.approx(np.average(losses[:5], weights=counts[:5]), rel=1e-5)


@pytest.mark.slow
def test_a_run_goes_on_from_the_middle_of_a_pass_to_the_last_bit(program):
    """Any step of the grid can be gone on from."""
    found, made = [], []
    for evaluation in program.run(GRID):
        found.append(evaluation)
        made.append(kept(program, found))
    state = program.digest()
    for start in (made[3], made[5], made[7]):
        list(program.run(dataclasses.replace(GRID, seed=7)))
        assert scores(program.run(GRID, start)) == scores(found[len(start.evaluations) :])
        assert program.digest() == state
    assert program.traces == 1


def test_full_gradients_have_a_grid_of_their_own_steps(data):
    """One step a pass: every step is on the grid while there are few."""
    one = dataclasses.replace(run("GD", epochs=3, micro_batch=90), grid=grid.PROTOCOL)
    found = list(train.Program(one, data).run(one))
    assert [(e["step"], e["epoch"]) for e in found] == [(0, 0), (1, 1), (2, 2), (3, 3)]


def test_training_is_scored_on_as_many_examples_as_validation_and_on_all_at_the_end(data, program):
    """Always the same ones, drawn from all of them; the other splits are scored whole."""
    images, labels = (values.numpy() for values in data["train"])
    rows = seeds.order("mnist_mlp", 0, 0, 301)[:50]
    assert program._data["train"][1].numpy().tolist() == labels[rows].tolist()
    *before, last = program.run(PASSES)
    assert not [key for evaluation in before for key in evaluation if key.startswith("whole")]
    task = program.task
    for name, own in (("train", rows), ("whole_train", np.arange(301))):
        logits = program.model(task.inputs(images[own]), training=False)
        assert last[f"{name}_accuracy"] == pytest.approx(float(np.mean(task.metrics["accuracy"](labels[own], logits))))
        # float32 losses, summed in another order
        assert last[f"{name}_loss"] == pytest.approx(float(np.mean(task.loss(labels[own], logits))), rel=1e-5)


def test_a_training_set_no_larger_than_validation_is_scored_whole(data):
    """There is no rest, and nothing is scored twice; nor is there a part that would save less than half."""
    assert grid.scored({"train": 99, "validation": 50})["train"] == 99
    assert grid.scored({"train": 100, "validation": 50})["train"] == 50
    program = train.Program(GRID, {**data, "validation": data["train"]})
    assert len(program._data["train"][1]) == 301
    assert not [key for key in list(program.run(PASSES))[-1] if key.startswith("whole")]


def test_runs_for_tuning_and_for_times_are_evaluated_after_each_pass():
    """No curve is drawn of them; so a choice does not depend on the grid."""
    (fine, coarse) = (study(grid=name) for name in (grid.PROTOCOL, grid.PASSES))
    assert identity.tuning_hash(fine) == identity.tuning_hash(coarse)
    assert identity.study_hash(fine) != identity.study_hash(coarse)
    entry = fine.optimizers[0]
    made = {
        kind: runs.plan("0" * 64, fine, kind, entry, {"learning_rate": 0.1}, 0)
        for kind in (runs.TUNING, runs.TARGET, runs.TIMING, runs.EVALUATION)
    }
    assert {kind: one.grid for kind, one in made.items()} == {
        runs.TUNING: grid.PASSES,
        runs.TARGET: grid.PROTOCOL,
        runs.TIMING: grid.PASSES,
        runs.EVALUATION: grid.PROTOCOL,
    }


def test_the_grid_doubles_unless_a_study_says_otherwise():
    """By default, and a fourth is refused with the three there are."""
    assert studies.parse(TOML.replace('grid = "passes"\n', ""), "x.toml").grid == grid.DOUBLING
    with pytest.raises(studies.reading.UserError, match="grid: must be one of doubling, protocol, passes"):
        studies.parse(TOML.replace('"passes"', '"often"'), "x.toml")


def test_a_run_evaluated_after_each_pass_keeps_the_identity_that_it_had_before_grids():
    """Its specification has no word of a grid."""
    one = run()
    assert "grid" not in one.content
    assert runs.Run(**one.content) == one
    assert dataclasses.replace(one, grid=grid.PROTOCOL).identity != one.identity
    assert dataclasses.replace(one, grid=grid.PROTOCOL).program == one.program


def test_a_whole_number_of_passes_is_a_whole_number():
    """So that ends compare with budgets, and files stay readable."""
    assert [grid.epoch_of(step, 4) for step in (0, 1, 4, 6, 8)] == [0, 0.25, 1, 1.5, 2]
    assert [type(grid.epoch_of(step, 4)) for step in (4, 6)] == [int, float]
    assert math.isclose(grid.epoch_of(391 * 7 + 1, 391), 7 + 1 / 391)
