"""What the command solvers measures: published values of the functions, a certified fit, a network's Laplacian."""

import csv
import math

import numpy as np
import pytest
import tensorflow as tf

from experiments.__main__ import main
from experiments.checks.solvers import fit, paths, pinn
from experiments.checks.solvers.functions import FUNCTIONS
from experiments.cli.solvers import STYLES

# Sums of squares at the starts, as Moré, Garbow & Hillstrom's definitions give them by hand.
STARTS = {
    "rosenbrock": 24.2,
    "beale": 14.203125,
    "powell badly scaled": 1.135261717,
    "helical valley": 2500.0,
    "powell singular 4": 215.0,
    "wood": 19192.0,
    "rosenbrock pairs 20": 242.0,
    "powell singular 20": 1075.0,
}


@pytest.mark.parametrize("name", STARTS)
def test_functions_start_where_the_literature_says(name):
    """Half of the published sum of squares."""
    function = FUNCTIONS[name]
    assert float(function.loss(tf.constant(function.start, tf.float64))) == pytest.approx(STARTS[name] / 2, rel=1e-8)


def test_there_are_twelve_functions_or_more_of_2_to_20_numbers():
    """Of each the lowest value is below its start."""
    sizes = {len(function.start) for function in FUNCTIONS.values()}
    assert len(FUNCTIONS) >= 12
    assert (min(sizes), max(sizes)) == (2, 20)
    assert all(float(f.loss(tf.constant(f.start, tf.float64))) > f.least for f in FUNCTIONS.values())


def test_a_path_ends_at_its_target_and_counts_what_it_takes():
    """Newton's products count; what is beyond the budget is a failure."""
    rosenbrock = FUNCTIONS["rosenbrock"]
    found = {label: paths.solved(label, rosenbrock, 300) for label in ("BFGS", "Newton", "Levenberg-Marquardt")}
    for path in found.values():
        assert path[-1].loss <= paths.SOLVED * path[0].loss < path[-2].loss
        assert paths.needed(rosenbrock, path) == path[-1].work
        assert paths.needed(rosenbrock, path, int(path[-1].work) - 1) == math.inf
    assert found["BFGS"][-1].work < 60
    assert found["Newton"][1].work >= 1 + 2 * 2 + 1  # both columns of the Hessian, and the new point


def test_adam_has_its_best_rate(monkeypatch):
    """On a valley the largest of two that both get nowhere near is not it."""
    monkeypatch.setattr(paths, "RATES", (1e-2, 1e3))
    path = paths.by_adam(FUNCTIONS["rosenbrock"], 30)
    assert path[0].loss == pytest.approx(12.1)
    assert [visit.work for visit in path] == list(range(1, 31))
    assert path[-1].loss < path[0].loss


def test_profiles_have_a_row_for_each_method_and_function():
    """A failure stays a failure."""
    rows = paths.profile_rows({"A": [10.0, math.inf], "B": [20.0, 40.0]}, ("f", "g"))
    costs = {(row["panel"], row["optimizer"], row["problem"]): row["cost"] for row in rows}
    assert costs["all", "B", "f"] == 2.0
    assert costs["data profile", "B", "g"] == 40.0
    assert costs["all", "A", "g"] == math.inf


def test_levenberg_marquardt_finds_the_certified_parameters():
    """NIST's eleven digits, of which a fit of double precision reaches eight."""
    rows = fit.rows(["Levenberg-Marquardt"])
    np.testing.assert_allclose([rows[-1]["a"], rows[-1]["b"]], fit.CERTIFIED, rtol=1e-7)
    assert rows[-1]["gap"] < 1e-10
    assert fit.needed(rows, "Levenberg-Marquardt") < 100
    assert fit.needed(rows, "GD") == math.inf


def test_the_laplacian_is_the_second_derivative_of_the_network():
    """By finite differences, of a network of the same shape."""
    import keras

    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(n, activation, dtype="float64") for n, activation in pinn.SHAPE]
    model = keras.Sequential([keras.Input([2], dtype="float64"), *layers])
    points, h = np.array([[0.2, 0.7], [0.5, 0.1]]), 1e-4
    value, laplacian = pinn.forward(layers, points)
    np.testing.assert_allclose(value, model(points), rtol=1e-12)
    moved = [model(points + h * np.array(way)).numpy() for way in ((1, 0), (-1, 0), (0, 1), (0, -1))]
    np.testing.assert_allclose(laplacian, (sum(moved) - 4 * value.numpy()) / h**2, rtol=1e-5, atol=1e-6)


def test_both_ways_take_the_gradients_they_are_given():
    """They begin from the same weights; after as many steps of Adam L-BFGS takes over."""
    rows = pinn.rows([3], gradients=100, first=50)
    first, second = ([row for row in rows if row["optimizer"] == label] for label in pinn.LABELS.values())
    assert first[0]["residual"] == second[0]["residual"]
    assert first[-1]["gradients"] == 100
    assert 50 < second[-1]["gradients"] <= 100
    low, middle, high = pinn.ratio(rows)
    assert low == middle == high == first[-1]["residual"] / second[-1]["residual"]


@pytest.mark.slow
def test_the_command_writes_figures_whose_titles_are_findings(tmp_path, capsys):
    """Of all parts, small."""
    words = ["--functions", "2", "--seeds", "2", "--gradients", "60", "--out", str(tmp_path)]
    assert main(["solvers", *words]) == 0
    assert "solvers_paths.png" in capsys.readouterr().out
    assert "<title>Evaluations until half of 2 functions" in (tmp_path / "solvers_profiles.svg").read_text("utf-8")
    assert "<title>Levenberg-Marquardt fits" in (tmp_path / "solvers_fit.svg").read_text(encoding="utf-8")
    assert "<title>L-BFGS after Adam: a residual" in (tmp_path / "solvers_network.svg").read_text(encoding="utf-8")
    with (tmp_path / "solvers_profiles.csv").open(encoding="utf-8") as text:
        assert {row["optimizer"] for row in csv.DictReader(text)} == {paths.ADAM, *paths.METHODS} <= STYLES.keys()


def test_an_unknown_part_is_answered_with_the_nearest(capsys):
    """Before anything is computed."""
    assert main(["solvers", "curv"]) == 2
    assert "Unknown part 'curv': did you mean 'curve'?" in capsys.readouterr().err
