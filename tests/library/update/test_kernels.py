"""Kernels are chosen by the facts of their records, never by the name of a rule."""

import ast
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tfoptim.update import kernels

LIBRARY = Path(tfoptim.__file__).parent
NAMES = {name.lower() for name in tfoptim.available()}


def names_compared(source):
    """The names of rules that a program compares with, but for an argument's value, or has as keys of a dictionary."""
    values = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare) and ast.unparse(node.left).startswith("self."):
            continue  # a choice that the user has, such as whose length a step has
        parts = [node.left, *node.comparators] if isinstance(node, ast.Compare) else getattr(node, "keys", [])
        for part in parts if isinstance(node, ast.Compare | ast.Dict) else []:
            values += [part, *getattr(part, "elts", [])]
    texts = [value.value for value in values if isinstance(value, ast.Constant) and isinstance(value.value, str)]
    return {text for text in texts if text.lower() in NAMES}


@pytest.mark.parametrize("source", ['x == "adam"', 'x in ("Adamax", "nadam")', '{"gd": 1}'])
def test_a_comparison_with_the_name_of_a_rule_is_found(source):
    """The search itself can fail."""
    assert names_compared(source)


def test_the_library_compares_with_no_name_of_a_rule():
    """Facts are on classes and records, so that a new rule or kernel changes no other file."""
    found = {path.name: names_compared(path.read_text("utf-8")) for path in LIBRARY.rglob("*.py")}
    assert {} == {name: names for name, names in found.items() if names}


def test_a_second_provider_is_a_record_in_the_same_table(monkeypatch):
    """A kernel of a user's rule runs in place of the rule."""

    class Halving(tfoptim.Optimizer):
        def direction(self, h, g, w, s):
            return g / 2

    class Own(Halving):
        def direction(self, h, g, w, s):
            return g

    calls = []
    monkeypatch.setattr(kernels, "_TABLE", [*kernels._TABLE])
    kernels.add(kernels.Kernel(Halving, lambda u: calls.append(u.variable.shape)))
    for cls in (Halving, Own):
        weights = keras.Variable(np.ones(3, "float32"))
        optimizer = cls()
        optimizer.build([weights])
        optimizer.apply([tf.ones(3)], [weights])
    assert [(3,)] == [tuple(shape) for shape in calls]


PROXIMAL = {
    "initial_accumulator_value": 0.3,
    "l1_regularization_strength": 0.05,
    "l2_regularization_strength": 0.2,
}
SHRUNK = {**PROXIMAL, "l2_shrinkage_regularization_strength": 0.05, "beta": 0.3, "learning_rate_power": -0.6}


def through_a_warm_up(cls, arguments, compiled):
    """The weights after four steps in float64, at rates of which the first and the third are 0."""
    optimizer, w = cls(0.1, **arguments), keras.Variable([1.0, -0.5, 0.01, 0.0], dtype="float64")
    optimizer.build([w])
    step = tf.function(lambda g: optimizer.apply([g], [w]), jit_compile=compiled, autograph=False)
    trajectory = []
    for rate, gradient in zip((0.0, 0.1, 0.0, 0.2), np.random.default_rng(0).normal(size=(4, 4)), strict=True):
        optimizer.learning_rate = rate
        step(tf.constant(gradient))
        trajectory.append([w.numpy(), *(slot.numpy() for slot in optimizer._runtime.slots[0].values())])
    return optimizer, trajectory


@pytest.mark.parametrize("compiled", [False, True], ids=["plain", "xla"])
@pytest.mark.parametrize(("cls", "arguments"), [(tfoptim.Ftrl, SHRUNK), (tfoptim.ProximalAdagrad, PROXIMAL)])
def test_proximal_kernels_are_their_rules_at_a_rate_of_0_too(cls, arguments, compiled, monkeypatch):
    """TensorFlow's kernels refuse it; weights and slots follow the rule to rounding in float64."""
    optimizer, actual = through_a_warm_up(cls, arguments, compiled)
    assert optimizer._runtime.fused
    monkeypatch.setattr(kernels, "_TABLE", [])
    optimizer, expected = through_a_warm_up(cls, arguments, compiled)
    assert not optimizer._runtime.fused
    np.testing.assert_allclose(np.array(actual), np.array(expected), rtol=1e-13, atol=1e-15)
