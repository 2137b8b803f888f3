"""Test functions have their published values, minima and starts, and one gradient however it is computed."""

import math
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from experiments.problems import seeds
from experiments.problems.functions import FUNCTIONS

EXACT = [function for function in FUNCTIONS.values() if not function.noisy]
NOISY = [function for function in FUNCTIONS.values() if function.noisy]


STATIONARY = {"beale": (0.0, 1.0), "tf_guide": (0.0,)}  # points of slope 0 that are no minima


def start_of(function, seed):
    """Where the run of a seed starts."""
    return function.start_from(seeds.derive(function.name, seed, "init"))


def each(functions):
    """A test for each of some functions."""
    return pytest.mark.parametrize("function", functions, ids=[function.name for function in functions])


def around(function, count=200):
    """Points all over the box, and a quarter of its width beyond."""
    low, high = np.array(function.box).T
    return low - (high - low) / 4 + 1.5 * (high - low) * np.random.default_rng(0).random((count, function.parameters))


@each(list(FUNCTIONS.values()))
def test_gradient_by_hand_is_tensorflows(function):
    """Two derivations of one gradient; float64 rounding of terms up to 1e6 times the result is allowed for."""
    points = tf.constant(around(function), tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(points)
        values = function.value(points)
    scale = 1 + np.abs(function.gradient(points)).max()
    assert tape.gradient(values, points).numpy() == pytest.approx(function.gradient(points), abs=1e-12 * scale)


@each(EXACT)
def test_value_is_one_for_arrays_tensors_and_variables(function):
    """One formula: eager, in a graph, in NumPy; to the rounding of float64 powers at the largest value."""
    points = around(function, 20)
    expected = function.value(points)
    within = 1e-12 * np.abs(expected).max()
    assert tf.function(function.value)(tf.constant(points)).numpy() == pytest.approx(expected, abs=within)
    assert function.value(tf.Variable(points)).numpy() == pytest.approx(expected, abs=within)
    assert [float(function.value(list(point))) for point in points] == pytest.approx(expected, abs=within)


@each(EXACT)
def test_value_keeps_the_precision_of_the_point(function):
    """A float32 model of float32 weights, as Keras's variables are, has a float32 loss."""
    weights = keras.Variable(np.array(function.start, np.float32))
    value = function.value(weights)
    assert value.dtype == tf.float32
    assert float(value) == pytest.approx(float(function.value(function.start)), rel=1e-6)  # 8 units in the last place


@pytest.mark.parametrize(
    ("name", "point", "expected"),
    [
        ("rosenbrock", (-0.5, 1.5), 158.5),
        ("rosenbrock", (-1.2, 1.0), 24.2),
        ("beale", (-4.5, 4.5), 169_680.83203125),
        ("branin", (2.5, 12.5), 95.84467),
        ("tf_guide", (2.0,), 58.0),
        ("tf_guide", (0.0,), 2.0),
        ("tf_guide", (-9 / 8,), 0.93212890625),
    ],
)
def test_values_are_the_published_ones(name, point, expected):
    """To the digits printed, all of them but Branin's exact."""
    within = 5e-6 if name == "branin" else 1e-13
    assert float(FUNCTIONS[name].value(point)) == pytest.approx(expected, abs=within)


def test_starts_are_the_published_ones():
    """DeepOBS's for the functions of two coordinates, the classical one of Rosenbrock, the guide's."""
    starts = {function.name: (function.start, function.classical) for function in EXACT}
    assert starts == {
        "rosenbrock": ((-0.5, 1.5), (-1.2, 1.0)),
        "beale": ((-4.5, 4.5), None),
        "branin": ((2.5, 12.5), None),
        "tf_guide": ((2.0,), None),
    }


@each(EXACT)
def test_minimizers_have_the_minimum_and_no_slope(function):
    """Every one that is known; 1e-13 is float64's rounding of the cancelling terms of Branin, up to 20."""
    for point in function.minimizers:
        assert float(function.value(point)) == pytest.approx(function.minimum, abs=1e-13)
        assert function.gradient(point) == pytest.approx(np.zeros(function.parameters), abs=1e-13)


@each(EXACT)
def test_nothing_lies_below_the_minimum(function):
    """All over the box and beyond; a step from a minimizer leads up. 1e-13 is rounding."""
    assert function.value(around(function, 10_000)).min() >= function.minimum - 1e-13
    for point in function.minimizers:
        ring = point + 1e-3 * np.random.default_rng(1).normal(size=(100, function.parameters))
        assert function.value(ring).min() > function.minimum


@pytest.mark.parametrize("name", STATIONARY)
def test_standing_still_is_not_solving(name):
    """A point of slope 0 above the minimum stops gradient descent and counts as a miss."""
    function, point = FUNCTIONS[name], STATIONARY[name]
    assert not function.gradient(point).any()
    assert not function.solved(float(function.value(point)), float(function.value(function.start)))


def test_solved_means_a_millionth_of_the_way_is_left():
    """Rule B20; a run that diverged to NaN has not solved anything."""
    branin = FUNCTIONS["branin"]
    start = branin.minimum + 100
    assert branin.minimum == pytest.approx(0.397887, abs=5e-7)  # the digits published
    assert branin.solved(branin.minimum + 0.9e-4, start)
    assert not branin.solved(branin.minimum + 1.1e-4, start)
    assert not branin.solved(math.nan, start)


@each(EXACT)
def test_random_starts_are_uniform_in_the_box_and_belong_to_the_seed(function):
    """In the box; within 5 standard errors of its centre; another seed starts elsewhere, the same seed at one point."""
    low, high = np.array(function.box).T
    starts = np.array([start_of(function, seed) for seed in range(400)])
    assert ((low <= starts) & (starts < high)).all()
    assert (np.abs(starts.mean(axis=0) - (low + high) / 2) < 5 * (high - low) / math.sqrt(12 * 400)).all()
    assert len(np.unique(starts, axis=0)) == 400
    assert np.array_equal(start_of(function, 7), starts[7])


def test_random_starts_are_the_same_in_every_release():
    """Pinned, to the last bit."""
    assert start_of(FUNCTIONS["branin"], 0).tolist() == [-2.6877889581813608, 9.595547798142992]


@each(NOISY)
def test_noise_is_that_of_deepobs(function):
    """10,000 float32 rows, all of the first coordinate drawn first; twice the same. The means are published."""
    rows = function.noise()
    assert rows.shape == (10_000, 2)
    assert rows.dtype == np.float32
    assert rows.mean(axis=0) == pytest.approx([-0.0021360, 0.0135341], abs=1e-7)  # 7 digits are published
    assert np.array_equal(rows, function.noise())


@each(NOISY)
def test_noisy_loss_adds_the_row_times_the_point(function):
    """Rows of zeros, the test set, give the exact function; float32 for tensors, float64 for arrays."""
    point, rows = np.array(function.start), function.noise()[:64]
    expected = function.value(point) + rows.astype(np.float64) @ point
    assert function.loss(point, rows) == pytest.approx(expected, rel=1e-14)
    assert function.loss(point, np.zeros((3, 2))).tolist() == [function.value(point)] * 3
    of_tensor = function.loss(tf.constant(point, tf.float32), rows)
    assert of_tensor.dtype == tf.float32
    assert of_tensor.numpy() == pytest.approx(expected, rel=1e-6)  # 8 units in the last place of float32


def test_what_is_no_point_is_refused_in_one_sentence():
    """With the problem, what was given, and how many coordinates are allowed; in a graph too."""
    branin, noisy = FUNCTIONS["branin"], FUNCTIONS["two_d_branin"]
    with pytest.raises(ValueError, match=r"^branin: a point must have 2 coordinates on the last axis, got.*\(3,\)\.$"):
        branin.value([1, 2, 3])
    with pytest.raises(ValueError, match=r"got the shape \(\)\.$"):
        branin.value(1.0)
    with pytest.raises(ValueError, match=r"got the shape \(5, 1\)\.$"):
        tf.function(branin.value, autograph=False)(tf.zeros((5, 1)))
    with pytest.raises(ValueError, match=r"^two_d_branin: a row of noise must have 2 coordinates"):
        noisy.loss(tf.zeros(2), tf.zeros((4, 3)))
    with pytest.raises(ValueError, match=r"^branin has no noise: the noisy form is called two_d_branin\.$"):
        branin.noise()


def test_naming_a_problem_does_not_wait_for_tensorflow():
    """The command line lists problems and computes test functions without it."""
    program = (
        "import sys\nfrom experiments.problems import functions, tasks\nfrom experiments.tuning import search\n"
        "functions.FUNCTIONS['rosenbrock'].value((1, 1)), tasks.names()\nprint('tensorflow' in sys.modules)"
    )
    made = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert made.stdout.strip() == "False"
