"""Groups: variables with other numbers than the optimizer's train as if each group had an optimizer of its own."""

import copy
import json
import pickle  # noqa: TID251  what users do to optimizers is done here to our own

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.devices import on_each
from tests.library.harness import stepper, values_of, variables_of
from tests.library.saving.models import assert_bitwise, network, trained
from tfoptim.resume import snapshot

STEPS = 4
RATE = 0.125  # a power of two, so that the factor of a group is exact
GROUPS = {
    "weight_1": {"learning_rate": 0.5, "beta_1": 0.5, "beta_2": 0.75},
    "weight_2": {"weight_decay": 0.25, "epsilon": 1e-3},
}
ALONE = [{}, {"learning_rate": RATE / 2, "beta_1": 0.5, "beta_2": 0.75}, {"weight_decay": 0.25, "epsilon": 1e-3}]
LARGE = (350, 200)


def gradients_of(shape):
    """Gradients of three variables for each step."""
    generator = np.random.default_rng(3)
    return [[generator.normal(size=shape).astype("float32") for _ in ALONE] for _ in range(STEPS)]


def moved(optimizers, shape, dtype, mode):
    """Three variables after all steps, by one optimizer for all or by one for each."""
    variables = variables_of([np.ones(shape)] * 3, dtype)
    parts = [variables] if len(optimizers) == 1 else [[v] for v in variables]
    steps = []
    for optimizer, part in zip(optimizers, parts, strict=True):
        optimizer.build(part)
        steps.append(stepper(optimizer, part, mode))
    for step in gradients_of(shape):
        given = [tf.constant(g, dtype) for g in step]
        for take, mine in zip(steps, [given] if len(steps) == 1 else [[g] for g in given], strict=True):
            take(mine)
    return values_of(variables)


@pytest.mark.parametrize("mode", ["eager", "graph"])
@pytest.mark.parametrize(
    ("shape", "dtype", "more"),
    [
        ((3, 4), "float32", {}),  # a kernel
        ((3, 4), "float64", {"clipvalue": 0.5}),
        ((3, 4), "bfloat16", {}),  # the rule
        (LARGE, "float32", {"amsgrad": True}),  # XLA
    ],
)
def test_groups_train_like_optimizers_of_their_own(mode, shape, dtype, more):
    """Rate, betas, epsilon and decay differ; kernels, XLA and the rule itself get the numbers of each group."""
    together = moved([tfoptim.Adam(RATE, groups=GROUPS, **more)], shape, dtype, mode)
    apart = moved([tfoptim.Adam(**{"learning_rate": RATE, **own, **more}) for own in ALONE], shape, dtype, mode)
    for got, wanted in zip(together, apart, strict=True):
        np.testing.assert_array_equal(got, wanted)
    assert not np.array_equal(together[0], together[1])


@pytest.mark.parametrize("make", [tfoptim.Adam, tfoptim.Nadam, tfoptim.CLMR, tfoptim.AdamW])
def test_groups_with_factor_one_change_nothing(make):
    """To the last bit."""
    groups = {"weight_1": {"learning_rate": 1.0}, "weight_2": {"weight_decay": make().weight_decay}}
    for wanted, got in zip(
        moved([make()], (3,), "float32", "graph"), moved([make(groups=groups)], (3,), "float32", "graph"), strict=True
    ):
        np.testing.assert_array_equal(got, wanted)


def test_a_rule_that_makes_its_rate_sees_that_of_the_group():
    """`once` runs for each group: the cycle goes on from half the rate."""
    together = moved(
        [tfoptim.CLMR(RATE, cycle=4, groups={"weight_1": {"learning_rate": 0.5}})], (3,), "float32", "graph"
    )
    alone = [tfoptim.CLMR(rate, cycle=4) for rate in (RATE, RATE / 2, RATE)]
    for got, wanted in zip(together, moved(alone, (3,), "float32", "graph"), strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_shared_state_moves_by_the_numbers_of_the_optimizer():
    """Nadam's product is one for all; a group with another rate reads it as it was."""
    together = moved([tfoptim.Nadam(RATE, groups={"weight_1": {"learning_rate": 0.5}})], (3,), "float32", "graph")
    alone = moved([tfoptim.Nadam(rate) for rate in (RATE, RATE / 2, RATE)], (3,), "float32", "graph")
    for got, wanted in zip(together, alone, strict=True):
        np.testing.assert_array_equal(got, wanted)
    with pytest.raises(ValueError, match=r"Nadam: groups\['a'\]: 'beta_1' cannot differ. Allowed: agc, learning_rate"):
        tfoptim.Nadam(groups={"a": {"beta_1": 0.5}})


def one_step(optimizer, variables):
    """How far each weight moves by a gradient of ones."""
    before = values_of(variables)
    optimizer.apply([tf.ones(v.shape) for v in variables], variables)
    return [float((b - a)[0]) for b, a in zip(before, values_of(variables), strict=True)]


@pytest.mark.parametrize("compiled", [False, True])
def test_schedules_and_assignments_act_in_groups(compiled):
    """A factor that falls, a rate of the optimizer that is assigned, and numbers of the group that are."""
    falling = keras.optimizers.schedules.PiecewiseConstantDecay([0], [0.5, 0.25])
    optimizer = tfoptim.GD(8.0, groups={"weight_1": {"learning_rate": falling}, "weight_2": {"learning_rate": 3.0}})
    variables = variables_of([np.zeros(1)] * 3)
    optimizer.build(variables)
    apply = tf.function(lambda: optimizer.apply([tf.ones(1)] * 3, variables)) if compiled else None

    def step():
        if apply is None:
            return one_step(optimizer, variables)
        before = values_of(variables)
        apply()
        return [float((b - a)[0]) for b, a in zip(before, values_of(variables), strict=True)]

    assert step() == [8.0, 4.0, 24.0]
    optimizer.learning_rate = 4.0
    assert step() == [4.0, 1.0, 12.0]
    optimizer.groups = {"weight_1": {"learning_rate": falling}, "weight_2": {"learning_rate": 0.5}}
    assert step() == [4.0, 1.0, 2.0]


@pytest.mark.parametrize(
    "groups", [None, {"weight_0": {"momentum": 0.5}}, {"weight_1": {"learning_rate": 0.5}}, {"weight_1": {}}]
)
def test_other_groups_are_refused_once_the_optimizer_is_built(groups):
    """A traced step follows numbers, not patterns; before, they may be replaced."""
    optimizer = tfoptim.Momentum(groups={"weight_0": {"learning_rate": 0.5}})
    optimizer.groups = {"weight_1": {"momentum": 0.5}}
    optimizer.build(variables_of([np.zeros(1)] * 2))
    with pytest.raises(ValueError, match=r"Momentum: groups cannot change from .* once the optimizer is built"):
        optimizer.groups = groups
    optimizer.groups = {"weight_1": {"momentum": 0.25}}
    assert optimizer.groups == {"weight_1": {"momentum": 0.25}}


def test_groups_are_part_of_the_configuration(tmp_path):
    """They survive JSON, with schedules, and a saved model, with its state."""
    groups = {"kernel": {"learning_rate": tfoptim.schedules.Cyclic(0.5, 1.0, 4), "weight_decay": None}}
    optimizer = tfoptim.AdamW(groups=groups)
    config = json.loads(json.dumps(optimizer.get_config()))
    assert config == tfoptim.AdamW.from_config(config).get_config()
    model = trained(network(3), optimizer)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.optimizer.get_config()["groups"] == config["groups"]
    assert loaded.optimizer._runtime.groups == optimizer._runtime.groups
    assert_bitwise(values_of(optimizer.variables), values_of(loaded.optimizer.variables))


@pytest.mark.parametrize("way", [copy.deepcopy, lambda optimizer: pickle.loads(pickle.dumps(optimizer))])  # noqa: S301
def test_copies_have_the_groups(way):
    """And go on with their numbers."""
    variables = variables_of([np.zeros(1)] * 3)
    optimizer = tfoptim.Adam(RATE, groups=GROUPS)
    one_step(optimizer, variables)
    again = way(optimizer)
    again.build(variables)
    before = values_of(variables)
    expected = one_step(optimizer, variables)
    for variable, value in zip(variables, before, strict=True):
        variable.assign(value)
    assert one_step(again, variables) == expected


def test_touched_rows_have_the_numbers_of_the_group():
    """Lazy, in a table whose rate is half."""
    optimizer = tfoptim.GD(1.0, lazy=True, groups={"weight_1": {"learning_rate": 0.5}})
    tables = variables_of([np.zeros((3, 1))] * 2)
    rows = tf.IndexedSlices(tf.ones([2, 1]), tf.constant([1, 1]), tf.constant([3, 1]))
    optimizer.apply([rows, rows], tables)
    assert [v.numpy().ravel().tolist() for v in tables] == [[0.0, -2.0, 0.0], [0.0, -1.0, 0.0]]


def test_replicas_have_the_numbers_of_the_group(two_replicas):
    """The sum of two gradients, times the rate of the group."""
    with two_replicas.scope():
        variables = variables_of([np.zeros(1)] * 2)
        optimizer = tfoptim.GD(1.0, groups={"weight_1": {"learning_rate": 0.5}})
        optimizer.build(variables)
    tf.function(lambda: two_replicas.run(lambda: optimizer.apply([tf.ones(1)] * 2, variables)))()
    assert [[float(x[0]) for x in on_each(two_replicas, v)] for v in variables] == [[-2.0, -2.0], [-1.0, -1.0]]


def test_a_kernel_keeps_the_precision_of_every_group():
    """A beta that float32 rounds to 1 would leave the second moment at 0."""
    optimizer = tfoptim.Adam(RATE, groups={"weight_1": {"beta_2": 0.99999999}})
    one_step(optimizer, variables_of([np.zeros(1)] * 2))
    assert not optimizer._runtime.fused


def test_the_simulation_knows_the_group_by_the_path():
    """With the factor on the rate, and the group's own numbers."""
    optimizer = tfoptim.Momentum(1.0, groups={"bias": {"learning_rate": 0.5, "momentum": 0.25}, "k": {"momentum": 0.5}})
    assert tfoptim.simulate(optimizer, 0.0, [1.0, 1.0], "bias").tolist() == [-0.5, -1.125]
    assert tfoptim.simulate(optimizer, 0.0, [1.0, 1.0], "k").tolist() == [-1.0, -2.5]


def test_a_checkpoint_has_the_numbers_of_groups():
    """Those that were assigned while training come back; schedules are the program's."""
    falling = tfoptim.schedules.Cyclic(0.5, 1.0, 4)

    def compiled(momentum):
        model = network(3)
        groups = {"bias": {"learning_rate": falling, "momentum": momentum}}
        model.compile(optimizer=tfoptim.Momentum(0.1, groups=groups), loss="mse")
        model.optimizer.build(model.trainable_variables)
        return model

    arrays, content = snapshot.capture(compiled(0.25), [])
    model = compiled(0.5)
    snapshot.restore(model, arrays, json.loads(json.dumps(content)), metrics=False)
    assert model.optimizer.groups == {"bias": {"learning_rate": falling, "momentum": 0.25}}
    assert float(model.optimizer._runtime.numbers.numpy()[-1]) == 0.25
