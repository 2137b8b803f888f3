"""What the benchmark times is the same work everywhere, on the variables it names, for those who were asked for."""

import functools
import importlib.util
import math

import keras
import numpy as np
import pytest

import tfoptim
from experiments.checks.benchmark import plan
from experiments.checks.benchmark.contenders import Arrays, contenders
from experiments.checks.benchmark.subjects import LEARNING_RATE, RULES, SETS, VariableSet
from experiments.errors import UserError
from tfoptim import native

TINY = VariableSet("tiny", "Tiny", ((7, 5), (5,)))
TABLE = VariableSet("tiny_table", "Tiny table", ((1000, 4),), table=True)
DENSE = [rule for rule in RULES.values() if not rule.ours_only]
TORCH = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is optional")


def moved(rule, variables, name, scale=1.0, steps=3):
    """The way that the weights of a contender go in some steps, on its own, with gradients times a scale."""
    arrays = Arrays(variables)
    arrays.gradients = [gradient * np.float32(scale) for gradient in arrays.gradients]
    contender = contenders(rule, arrays, [name])[name]
    for _ in range(steps):
        contender.step()
    return [after - before for after, before in zip(contender.weights(), arrays.weights, strict=True)]


@functools.cache
def moved_by_ours(rule, variables, scale):
    """The way of our own, which is that of all others."""
    return moved(RULES[rule], variables, "ours", scale)


def assert_same_way(rule, name, variables=TINY, scale=1.0):
    """A contender goes the way that ours goes."""
    ours = moved_by_ours(rule.name, variables, scale)
    assert all(np.abs(way).max() > 0 for way in ours)
    # The weights, up to 0.2, are rounded at each of 3 steps, to 2^-24 of their size; libraries order their
    # operations differently, which makes a few roundings more of a step.
    for one, other in zip(ours, moved(rule, variables, name, scale), strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize(
    ("rule", "name"),
    [
        pytest.param(rule, name, id=f"{rule.name}-{name}")
        for rule in DENSE
        for name in ("keras", "ours-eager", "keras-eager")
        if rule.keras or not name.startswith("keras")
    ],
)
def test_contenders_compute_the_same_weights(rule, name):
    """A time is worth nothing beside that of other work."""
    assert_same_way(rule, name)


@pytest.mark.parametrize("name", ["ours-xla", "keras-xla"])
@pytest.mark.parametrize("rule", ["adam", "nadam"])
def test_steps_compiled_as_a_whole_compute_the_same_weights(rule, name):
    """XLA is asked for by the same function."""
    assert_same_way(RULES[rule], name)


@pytest.mark.parametrize("library", ["ours", "keras"])
def test_a_call_of_a_loop_is_ten_steps(library):
    """What is divided by ten is ten steps, also with a rule that counts them."""
    once, often = (
        moved(RULES["adam"], TINY, name, steps=steps) for name, steps in ((f"{library}-loop", 1), (library, 10))
    )
    for one, other in zip(once, often, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.skipif(not native.available(), reason=native.status())
@pytest.mark.parametrize("name", ["native", "native-loop"])
def test_the_native_operation_computes_the_same_weights(name):
    """And what is called ours does not use it."""
    steps = 10 if name == "native" else 1
    actual = moved(RULES["momentum"], TINY, name, steps=steps)
    for one, other in zip(moved(RULES["momentum"], TINY, "ours", steps=10), actual, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-4, atol=1e-7)
    many = VariableSet("many", "Many", ((3,),) * 20)
    step = contenders(RULES["momentum"], Arrays(many), ["ours", "native"])
    for contender in step.values():
        contender.step()
    assert step["native"].operations() < step["ours"].operations()


def test_without_the_native_operation_its_contender_says_why(monkeypatch):
    """A row with the reason, as for any step that a library cannot take."""
    monkeypatch.setenv("TFOPTIM_NATIVE", "0")
    with pytest.raises(RuntimeError, match="native operation: off"):
        contenders(RULES["sgd"], Arrays(TINY), ["native"])["native"].step()


@TORCH
@pytest.mark.parametrize("rule", [rule for rule in DENSE if rule.torch], ids=lambda rule: rule.name)
def test_torch_computes_the_same_weights(rule):
    """Each rule is mapped to torch's with the same arguments.

    The gradients are large, because torch adds epsilon elsewhere: outside of a root, or after the bias correction.
    """
    for way in ("foreach", "fused") if rule.fused else ("foreach",):
        assert_same_way(rule, f"torch-{way}", scale=1e3)


def test_rows_of_a_table_are_stepped_in_all_ways():
    """The gradient of a table has repeated rows; plain descent sums them in every library."""
    for name in ("keras", "ours-eager", "keras-eager"):
        assert_same_way(RULES["sgd"], name, TABLE)
    touched = np.any(moved(RULES["adam_lazy"], TABLE, "ours")[0], axis=1).sum()
    assert touched * TABLE.shapes[0][1] == TABLE.touched


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.name)
def test_slots_are_those_of_the_optimizers(rule):
    """The least traffic is counted from the slots that both libraries keep."""
    made = [getattr(tfoptim, rule.ours)(LEARNING_RATE, **rule.options, **rule.ours_only)]
    if rule.keras is not None:
        made.append(getattr(keras.optimizers, rule.keras)(LEARNING_RATE, **rule.options, **rule.keras_only))
    for optimizer in made:
        optimizer.build([keras.Variable(np.zeros((3, 5), np.float32))])
        assert rule.slots == sum(tuple(v.shape) == (3, 5) for v in optimizer.variables)


@pytest.mark.parametrize(
    ("name", "count", "elements"),
    [
        ("mlp", 8, 1_336_610),
        ("resnet50", 161, 25_557_032),  # as torchvision counts it
        ("bert_base", 199, 109_482_240),  # as Hugging Face counts bert-base-uncased
        ("unet", 82, 7_759_521 + 2 * (4 * (32 + 64 + 128 + 256) + 2 * 512)),  # the plain U-Net, and norms
        ("table", 1, 64_000_000),
    ],
)
def test_sets_have_the_shapes_of_the_models(name, count, elements):
    """The sizes are those that others publish."""
    assert (count, elements) == (len(SETS[name].shapes), SETS[name].elements)


def test_small_variables_are_small():
    """Four hundred, of a few to two thousand elements."""
    sizes = [math.prod(shape) for shape in SETS["small"].shapes]
    assert (400, 2000, 2000) == (len(sizes), min(sizes), max(sizes))


def test_default_pairs_leave_out_what_takes_long():
    """All rules on the sets of the mean, those of matrices on networks; the largest set, tables and XLA with some."""
    found = {(pair.rule.name, pair.set.name): pair.contenders for pair in plan.pairs()}
    assert {name for name, where in found if where == "small"} == {rule.name for rule in DENSE if not rule.sets}
    assert {name for name, where in found if where == "unet"} == {rule.name for rule in DENSE}
    assert {name for name, where in found if where == "bert_base"} == set(plan.LEADING)
    assert {name for name, where in found if where == "table"} == set(plan.OF_TABLES)
    assert "keras-xla" in found["adam", "mlp"]
    assert "keras-xla" not in found["adamax", "mlp"]
    assert {"keras-eager", "keras-xla"}.isdisjoint(found["adam", "small"])
    assert {"keras-loop", "keras"} <= set(found["adam", "small"])
    assert "keras-xla" in plan.pairs(["adamax"], ["mlp"], ["keras-xla"])[0].contenders


def test_torch_is_optional(monkeypatch):
    """Without it its contenders are left out, and asking for them is refused."""
    monkeypatch.setattr(plan, "has_torch", lambda: False)
    assert not any("torch" in name for pair in plan.pairs() for name in pair.contenders)
    with pytest.raises(UserError, match="torch is not installed"):
        plan.pairs(contenders=["torch-fused"])
