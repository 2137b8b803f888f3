"""Rules that need sums over the whole model: measured of each variable, summed, and read by all."""

import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.devices import apply_in_shares, on_each
from tests.library.harness import MODES, stepper, train, values_of, variables_of
from tests.library.reshaped import begin
from tfoptim import update
from tfoptim.declaration import Fraction
from tfoptim.linalg import total
from tfoptim.ops import sqrt, square

STEPS = 12
ROUNDING = 1e-12  # float64, twelve steps
SINGLE = 2e-5  # float32, twelve steps
GRADIENTS = [begin(seed) for seed in range(1, STEPS + 1)]


class Joint(tfoptim.Optimizer):
    """Steps by the gradients of all variables together, and by what was there before."""

    beta: Fraction = 0.9

    shared = {"squares": 0.0}  # noqa: RUF012  as in every rule
    slots = {"m": 0.0}  # noqa: RUF012

    def measure(self, h, g, w, s):
        """The squared norm of the gradient, a product with the slot, and the shared state, once for each variable."""
        return {"now": total(square(g)), "agreement": total(g * s.m), "before": h.squares}

    def once(self, h, s):
        """The rate of all variables."""
        s.squares = h.beta * s.squares + h.now
        h.rate = h.learning_rate * (1 + square(h.agreement)) / (sqrt(s.squares) + h.before)

    def step(self, h, g, w, s):
        """A step at that rate."""
        s.m = g
        return w - h.rate * g


def joint(start, gradients, learning_rate=0.1, beta=0.9, factors=(1.0, 1.0, 1.0)):
    """Weights after each step; `None` stands for a missing gradient."""
    w, m, squares, trajectory = list(start), [np.zeros_like(x) for x in start], 0.0, []
    for step in gradients:
        there = [i for i, g in enumerate(step) if g is not None]
        before, agreement = squares * len(there), sum(np.sum(step[i] * m[i]) for i in there)
        squares = beta * squares + sum(np.sum(step[i] ** 2) for i in there)
        rate = learning_rate * (1 + agreement**2) / (np.sqrt(squares) + before)
        for i in there:
            w[i], m[i] = w[i] - rate * factors[i] * step[i], step[i]
        trajectory.append(list(w))
    return trajectory


def assert_close(found, expected, tolerance=ROUNDING):
    """Every variable after every step."""
    for one, other in zip(found, expected, strict=True):
        for mine, theirs in zip(one, other, strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=0, atol=tolerance)


@pytest.mark.parametrize("mode", MODES)
def test_training_follows_the_loop(mode):
    """Twelve steps of three variables in float64."""
    found = train(Joint(0.1), begin(), GRADIENTS, mode=mode, dtype="float64")[:-1]
    assert_close(found, joint(begin(), GRADIENTS))


def test_the_simulation_follows_the_loop():
    """Of several variables, by path, and of one."""
    named = [dict(zip("abc", step, strict=True)) for step in GRADIENTS]
    found = tfoptim.simulate(Joint(0.1), dict(zip("abc", begin(), strict=True)), named)
    assert_close(zip(*found.values(), strict=True), joint(begin(), GRADIENTS))
    alone = tfoptim.simulate(Joint(0.1), begin()[1], [lambda w, g=g: g[1] for g in GRADIENTS])
    assert_close([[w] for w in alone], joint(begin()[1:2], [g[1:2] for g in GRADIENTS]))


def test_a_simulation_of_several_variables_takes_gradients_as_a_function():
    """Of all weights, by path."""
    found = tfoptim.simulate(tfoptim.GD(0.25), {"a": 1.0, "b": 2.0}, [lambda w: {"a": w["b"], "b": w["a"]}] * 2)
    assert {name: path.tolist() for name, path in found.items()} == {"a": [0.5, 0.0625], "b": [1.75, 1.625]}


def test_groups_read_the_same_sums():
    """A group's rate is a factor on what the sums give; shared state moves once."""
    groups = {"weight_1": {"learning_rate": 0.5}}
    expected = joint(begin(), GRADIENTS, factors=(1.0, 0.5, 1.0))
    assert_close(train(Joint(0.1, groups=groups), begin(), GRADIENTS, dtype="float64")[:-1], expected)
    paths = [f"weight_{i}" for i in range(3)]
    named = [dict(zip(paths, step, strict=True)) for step in GRADIENTS]
    found = tfoptim.simulate(Joint(0.1, groups=groups), dict(zip(paths, begin(), strict=True)), named)
    assert_close(zip(*found.values(), strict=True), expected)


@pytest.mark.filterwarnings("ignore:Gradients do not exist")
def test_a_variable_without_gradient_is_in_no_sum():
    """In patterns of their own, and in the function that serves many patterns."""
    generator = np.random.default_rng(0)
    start = begin(0, [(2,)] * 5)
    rows = [[g if generator.uniform() < 0.6 else None for g in begin(seed, [(2,)] * 5)] for seed in range(1, 16)]
    rows = [row for row in rows if any(g is not None for g in row)]
    variables, optimizer, found = variables_of(start, "float64"), Joint(0.1), []
    optimizer.build(variables)
    for row in rows:
        optimizer.apply([None if g is None else tf.constant(g) for g in row], variables)
        found.append(values_of(variables))
    assert_close(found, joint(start, rows, factors=(1.0,) * 5))


def test_a_frozen_group_is_in_no_sum():
    """Known only when the step runs."""
    rows = [[None, *step[1:]] for step in GRADIENTS]
    optimizer = Joint(0.1, groups={"weight_0": {"trainable": False}})
    found = train(optimizer, begin(), GRADIENTS, mode="graph", dtype="float64")[:-1]
    assert_close(found, joint(begin(), rows))


def test_a_skipped_step_moves_no_shared_state():
    """A gradient that is not finite leaves sums, slots and weights."""
    optimizer, variables = Joint(0.1, nonfinite="skip"), variables_of(begin(), "float64")
    optimizer.build(variables)
    step = stepper(optimizer, variables, "graph")
    step([tf.constant(g) for g in GRADIENTS[0]])
    before = values_of(optimizer.variables[2:])
    step([tf.constant(g) * np.nan for g in GRADIENTS[1]])
    for kept, now in zip(before, values_of(optimizer.variables[2:]), strict=True):
        np.testing.assert_array_equal(kept, now)
    assert float(optimizer._runtime.shared["squares"].numpy()) > 0


def test_accumulated_gradients_are_measured_once():
    """Sums are taken of the mean gradient of a cycle."""
    halves = [[g * share for g in step] for step in GRADIENTS for share in (0.5, 1.5)]
    found = train(Joint(0.1, gradient_accumulation_steps=2), begin(), halves, mode="graph", dtype="float64")[:-1]
    assert_close(found[1::2], joint(begin(), GRADIENTS))


def test_replicas_agree_to_the_bit(two_replicas):
    """Sums of reduced gradients, taken on each device: the same weights and the same shared state."""
    start = [w.astype("float32") for w in begin()]
    with two_replicas.scope():
        variables, optimizer = variables_of(start), Joint(0.1)
        optimizer.build(variables)
    apply_in_shares(two_replicas, optimizer, variables, GRADIENTS)
    for kept in (*variables, *optimizer.variables[2:]):
        np.testing.assert_array_equal(*on_each(two_replicas, kept))
    assert_close([[on_each(two_replicas, v)[0] for v in variables]], joint(start, GRADIENTS)[-1:], SINGLE)


def test_a_sparse_gradient_is_measured_whole():
    """Repeated rows count once, as their sum; the rule is given the whole table, and refuses `lazy`."""
    start, rows = begin(0, [(4, 3)]), tf.constant([1, 3, 1])
    values = [begin(seed, [(3, 3)])[0] for seed in (1, 2)]
    whole = [[np.stack([0 * v[0], v[0] + v[2], 0 * v[0], v[1]])] for v in values]
    variables, optimizer = variables_of(start, "float64"), Joint(0.1)
    for v in values:
        optimizer.apply([tf.IndexedSlices(tf.constant(v), rows, tf.constant([4, 3]))], variables)
    assert_close([values_of(variables)], joint(start, whole)[-1:])
    with pytest.raises(ValueError, match="Joint: lazy must be False, because the rule needs whole variables"):
        Joint(lazy=True)


def test_a_part_of_several_sums_over_its_own_variables():
    """The others are another's; without gradient for any of its own, its shared state stands still."""
    start, variables = begin(), variables_of(begin(), "float64")
    part = Joint(0.1)
    optimizer = tfoptim.MultiOptimizer(tfoptim.SGD(0.1), {"_[12]$": part})
    optimizer.build(variables)
    step = tf.function(lambda gradients: optimizer.apply(gradients, variables))
    for gradients in GRADIENTS:
        step([tf.constant(g) for g in gradients])
    expected = joint(start[1:], [step[1:] for step in GRADIENTS])[-1]
    assert_close([values_of(variables)[1:]], [expected])
    names = [f"weight_{i}" for i in range(3)]
    named = [dict(zip(names, step, strict=True)) for step in GRADIENTS]
    found = tfoptim.simulate(optimizer, dict(zip(names, start, strict=True)), named)
    assert_close([[found[name][-1] for name in names]], [values_of(variables)])
    shared = float(part._runtime.shared["squares"].numpy())
    with pytest.warns(UserWarning, match="Gradients do not exist"):
        optimizer.apply([tf.ones(variables[0].shape, "float64"), None, None], variables)
    assert shared == float(part._runtime.shared["squares"].numpy()) > 0


def test_lookahead_measures_what_the_rule_in_it_does():
    """Before its first synchronisation it is the rule alone."""
    optimizer = tfoptim.Lookahead(Joint(0.1), sync_period=STEPS + 1)
    found = train(optimizer, begin(), GRADIENTS, mode="graph", dtype="float64")[:-1]
    assert_close(found, joint(begin(), GRADIENTS))


def test_a_measure_with_wrong_arguments_is_refused():
    """When the class is defined."""
    with pytest.raises(TypeError, match=r"measure must be a method measure\(self, h, g, w, s\)"):

        class Wrong(tfoptim.Optimizer):
            def measure(self, g):
                """Too few arguments."""


def test_a_class_measures_if_it_defines_measure():
    """Unless it says otherwise; others have no sums."""

    class Plain(tfoptim.SGD):
        """Without."""

    class Measuring(tfoptim.SGD):
        """With."""

        def measure(self, h, g, w, s):
            """How many."""
            return {"count": 1.0}

    assert (Plain.measures, Measuring.measures) == (False, True)
    assert Plain().measure(None, None, None, None) == {}


@pytest.mark.parametrize("compiles", [True, False])
def test_a_rule_may_say_that_xla_shall_not_compile_it(compiles, monkeypatch):
    """As rules with eigenvectors do, for which XLA takes a minute where TensorFlow takes a second."""

    class Rule(tfoptim.Optimizer):
        def direction(self, h, g, w, s):
            """The gradient."""
            return g

    Rule.compiles, ran = compiles, []
    monkeypatch.setattr(update, "compiled", lambda u, own=update.compiled: ran.append(1) or own(u))
    (variable,) = variables_of([np.zeros(update.LARGE)])
    Rule(1.0).apply([tf.ones(update.LARGE)], [variable])
    assert bool(ran) == compiles
    assert np.all(variable.numpy() == -1)
