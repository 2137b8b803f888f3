"""Groups that keep variables still, rates by layer, and groups with everything else around a step."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.devices import on_each
from tests.library.harness import stepper, train, values_of, variables_of
from tests.library.saving.models import assert_bitwise, network

FROZEN = {"weight_1": {"trainable": False}}
THAWED = {"weight_1": {"trainable": True}}


def ones(number, shape=(2,)):
    """Variables of ones, and as many gradients."""
    return variables_of([np.ones(shape)] * number), [tf.fill(shape, 3.0)] * number


@pytest.mark.parametrize("mode", ["eager", "graph"])
@pytest.mark.parametrize("rule", [tfoptim.GD, tfoptim.AdamW, tfoptim.Nadam])
def test_a_group_that_is_not_trained_keeps_still_until_it_is(rule, mode):
    """No step, no decay, no change of its slots; unfreezing acts on the traced step."""
    variables, gradients = ones(2)
    optimizer = rule(0.1, weight_decay=0.5, groups=FROZEN)
    optimizer.build(variables)
    step = stepper(optimizer, variables, mode)
    before = values_of([*variables, *optimizer.variables])
    step(gradients)
    after = values_of([*variables, *optimizer.variables])
    names = [v.path for v in [*variables, *optimizer.variables]]
    moved = {name for name, x, y in zip(names, before, after, strict=True) if not np.array_equal(x, y)}
    assert "weight_0" in moved
    assert not [name for name in moved if "weight_1" in name]
    optimizer.groups = THAWED
    step(gradients)
    assert not np.array_equal(variables[1].numpy(), before[1])
    assert optimizer.groups == THAWED


def test_a_gradient_that_is_dropped_is_in_no_norm_and_in_no_check():
    """The joint norm is that of the others; a NaN of a frozen variable skips no step."""
    variables, _ = ones(2, (1,))
    optimizer = tfoptim.GD(1.0, global_clipnorm=0.5, nonfinite="skip", groups=FROZEN)
    optimizer.apply([tf.constant([4.0]), tf.constant([np.nan])], variables)
    assert [float(v.numpy()[0]) for v in variables] == [0.5, 1.0]
    assert int(optimizer.iterations) == 1


def test_a_frozen_embedding_keeps_still():
    """A sparse gradient is dropped too, and its table is trained once the group is."""
    rows = tf.IndexedSlices(tf.ones([2, 1]), tf.constant([1, 1]), tf.constant([3, 1]))
    tables = variables_of([np.zeros((3, 1))] * 2)
    optimizer = tfoptim.GD(1.0, groups=FROZEN)
    optimizer.apply([rows, rows], tables)
    optimizer.groups = THAWED
    optimizer.apply([rows, rows], tables)
    assert [v.numpy().ravel().tolist() for v in tables] == [[0.0, -4.0, 0.0], [0.0, -2.0, 0.0]]


def test_frozen_variables_keep_still_on_replicas_and_in_accumulated_steps(two_replicas):
    """Both devices agree, and the other variable takes the mean step."""
    with two_replicas.scope():
        variables = variables_of([np.zeros(1)] * 2)
        optimizer = tfoptim.GD(1.0, gradient_accumulation_steps=2, groups=FROZEN)
        optimizer.build(variables)
    step = tf.function(lambda: two_replicas.run(lambda: optimizer.apply([tf.ones(1)] * 2, variables)))
    for _ in range(2):
        step()
    assert [[float(x[0]) for x in on_each(two_replicas, v)] for v in variables] == [[-2.0, -2.0], [0.0, 0.0]]


AROUND = {
    "accumulated": {"gradient_accumulation_steps": 2},
    "averaged": {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 3},
    "clipped": {"clipnorm": 0.5},
    "scaled": {"loss_scale_factor": 4.0},
}


@pytest.mark.parametrize("around", AROUND)
def test_groups_train_alone_with_what_is_around_a_step(around):
    """Two variables with other rates are two optimizers; bit for bit, as nothing is shared between them."""
    generator = np.random.default_rng(0)
    start, gradients = [np.ones(3)] * 2, [[generator.normal(size=3) for _ in range(2)] for _ in range(6)]
    groups = {"weight_1": {"learning_rate": 0.5, "beta_1": 0.5}}
    together = train(tfoptim.Adam(0.125, groups=groups, **AROUND[around]), start, gradients, mode="graph")
    for i, own in enumerate([{"learning_rate": 0.125}, {"learning_rate": 0.0625, "beta_1": 0.5}]):
        alone = train(tfoptim.Adam(**own, **AROUND[around]), start[:1], [[g[i]] for g in gradients], mode="graph")
        assert_bitwise([step[i] for step in together], [step[0] for step in alone])


def test_groups_are_in_an_exported_step(tmp_path):
    """The file trains on with the rates of the groups, without this library."""
    variables, gradients = ones(2)
    optimizer = tfoptim.GD(1.0, groups={"weight_1": {"learning_rate": 0.5}})
    optimizer.build(variables)
    module = tf.Module()
    module.weights, module.optimizer = [v.value for v in variables], optimizer
    module.step = tf.function(lambda: optimizer.apply(gradients, variables), input_signature=[])
    tf.saved_model.save(module, tmp_path)
    loaded = tf.saved_model.load(tmp_path)
    loaded.step()
    assert [w.numpy().tolist() for w in loaded.weights] == [[-2.0, -2.0], [-0.5, -0.5]]


def test_rates_fall_by_layer_from_the_output():
    """Nested models count layer by layer, layers without weights not, and shared layers once."""
    inner = keras.Sequential([keras.Input([4]), keras.layers.Dense(4, name="a"), keras.layers.Dense(4, name="b")])
    head = keras.layers.Dense(4, name="head")
    x = keras.Input([4])
    model = keras.Model(x, head(keras.layers.ReLU()(head(inner(x)))))
    groups = tfoptim.layer_decay(model, 0.5)
    assert [group["learning_rate"] for group in groups.values()] == [0.25, 0.5, 1.0]
    optimizer = tfoptim.GD(1.0, groups=groups)
    optimizer.build(model.trainable_variables)
    before = [v.numpy() for v in model.trainable_variables]
    optimizer.apply([tf.ones(v.shape) for v in model.trainable_variables], model.trainable_variables)
    moves = {
        v.path.split("/")[-2]: float(np.mean(x - v.numpy()))
        for v, x in zip(model.trainable_variables, before, strict=True)
    }
    assert moves == pytest.approx({"a": 0.25, "b": 0.5, "head": 1.0}, rel=1e-6)


def test_rates_fall_by_blocks_that_are_named():
    """From input to output; what no block has keeps the whole rate."""
    model = network(3)
    first, *_ = model.layers
    assert tfoptim.layer_decay(model, 0.1, [first.name, "bias"]) == {
        first.name: {"learning_rate": 0.1},
        "bias": {"learning_rate": 1.0},
    }


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: tfoptim.layer_decay(network(3), 1.5), r"layer_decay: decay must satisfy 0 <= x <= 1, got 1.5"),
        (lambda: tfoptim.layer_decay(network(3), 0.5, ["nothing"]), r"layer_decay: 'nothing' fits no trainable variab"),
        (lambda: tfoptim.layer_decay(network(3), 0.5, ["["]), r"layer_decay: '\[' is no regular expression"),
        (
            lambda: tfoptim.layer_decay(keras.Sequential(name="new")),
            r"layer_decay: new has no trainable weights",
        ),
    ],
)
def test_layers_that_make_no_sense_are_refused(make, message):
    """In one sentence."""
    with pytest.raises(ValueError, match=message):
        make()
    with pytest.raises(TypeError, match=r"^layer_decay: model must be a Keras model, got str 'm'\.$"):
        tfoptim.layer_decay("m")
