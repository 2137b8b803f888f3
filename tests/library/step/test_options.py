"""Options that act on the gradients or on the direction of every rule, against loops written from their papers."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.harness import train, variables_of
from tests.library.products import representative_where

SHAPES = ((), (3,), (4, 3), (2, 2, 3, 4))
STEPS = 5
ROUNDING = 1e-12  # a few operations of float64 a step
LARGE = (400, 200)


def drawn(seed, shapes=SHAPES):
    """Float64 arrays of these shapes."""
    generator = np.random.default_rng(seed)
    return [generator.normal(size=shape) for shape in shapes]


def units(x):
    """Axes of one unit, in Keras's layout: all but the last."""
    return tuple(range(x.ndim - 1)) if x.ndim > 1 else None


def clipped(g, w, agc):
    """Brock et al. (2021), equation 3: unit by unit, with their floor of 1e-3 for the norm of the weights."""
    norm = np.sqrt(np.sum(g**2, units(g), keepdims=True))
    limit = agc * np.maximum(np.sqrt(np.sum(w**2, units(w), keepdims=True)), 1e-3)
    return np.where(norm > limit, g * limit / np.maximum(norm, 1e-6), g)


def centralized(g):
    """Yong et al. (2020), equation 1: the mean of each unit's weights taken off, in matrices and kernels."""
    return g - g.mean(units(g), keepdims=True) if g.ndim > 1 else g


def masked(d, g):
    """Liang et al. (2024), algorithm 2, scaled by the share of elements that agree, as in timm."""
    agrees = (d * g > 0).astype("float64")
    return d * agrees / max(agrees.mean(), 1e-3)


@pytest.mark.parametrize("mode", ["eager", "graph"])
def test_gradients_are_centralized_then_clipped_by_unit_then_by_norm(mode):
    """The order of the stages, on a number, a vector, a matrix and a kernel."""
    start, gradients = drawn(0), [drawn(1 + t) for t in range(STEPS)]
    optimizer = tfoptim.GD(0.1, agc=0.3, centralize=True, clipnorm=0.5, weight_decay=0.2)
    weights = start
    expected = []
    for step in gradients:
        limited = [clipped(centralized(g), w, 0.3) for g, w in zip(step, weights, strict=True)]
        norms = [np.sqrt(np.sum(g**2)) for g in limited]
        limited = [g * min(1, 0.5 / norm) for g, norm in zip(limited, norms, strict=True)]
        weights = [w - 0.1 * 0.2 * w - 0.1 * g for w, g in zip(weights, limited, strict=True)]
        expected.append(weights)
    for got, wanted in zip(train(optimizer, start, gradients, mode=mode, dtype="float64"), expected, strict=False):
        for x, y in zip(got, wanted, strict=True):
            np.testing.assert_allclose(x, y, rtol=ROUNDING)


def test_a_small_gradient_is_not_clipped_by_unit():
    """Below the limit nothing changes, bit for bit; a gradient of zeros stays zeros."""
    start, small = [np.ones((3, 2))], [[np.full((3, 2), 1e-3)], [np.zeros((3, 2))]]
    for got, wanted in zip(train(tfoptim.GD(agc=0.1), start, small), train(tfoptim.GD(), start, small), strict=True):
        np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("shape", [(), (3,), (4, 3), LARGE], ids=str)
@pytest.mark.parametrize("rule", [tfoptim.Adam, tfoptim.AdaGrad], ids=["kernel with momentum", "kernel without"])
def test_a_cautious_step_leaves_out_what_disagrees(rule, shape):
    """Slots go on as without; the rule, XLA and the simulation agree."""
    start, gradients = np.ones(shape), [drawn(t, [shape])[0] for t in range(STEPS)]
    plain = tfoptim.simulate(rule(0.1), start, gradients)
    directions = -np.diff(plain, axis=0, prepend=start[None]) / 0.1
    expected = start - 0.1 * np.cumsum([masked(d, g) for d, g in zip(directions, gradients, strict=True)], axis=0)
    optimizer = rule(0.1, cautious=True, weight_decay=0.0)
    np.testing.assert_allclose(tfoptim.simulate(optimizer, start, gradients), expected, atol=ROUNDING)
    got = [w[0] for w in train(optimizer, [start], [[g] for g in gradients], mode="graph", dtype="float64")[:-1]]
    np.testing.assert_allclose(got, expected, atol=1e-9 if shape == LARGE else ROUNDING)  # XLA sums otherwise


@representative_where(lambda case: not case.linear_in_gradient or not case.slots)
def test_rules_of_another_form_refuse_to_be_cautious(case):
    """In one sentence that names the reason; the others take it."""
    rule = next(c for c in type(case.make()).__mro__ if "step" in vars(c))
    if rule is tfoptim.Optimizer:
        assert case.make(cautious=True).cautious
        return
    with pytest.raises(ValueError, match=f"^{case.name}: cautious must be False, because the rule has no direction"):
        case.make(cautious=True)


def test_a_cautious_rule_sees_whole_embeddings():
    """The mean is over the variable, so a sparse gradient is the dense one; with `lazy`, over the touched rows."""
    rows = tf.IndexedSlices(tf.constant([[1.0, -1.0]]), tf.constant([1]), tf.constant([3, 2]))
    moved = {}
    for name, g in {"sparse": rows, "dense": tf.convert_to_tensor(rows)}.items():
        (v,) = variables_of([np.ones((3, 2))])
        tfoptim.AdaGrad(0.5, cautious=True).apply([g], [v])
        moved[name] = v.numpy()
    np.testing.assert_array_equal(moved["sparse"], moved["dense"])
    (v,) = variables_of([np.ones((3, 2))])
    tfoptim.AdaGrad(0.5, cautious=True, lazy=True).apply([rows], [v])
    np.testing.assert_allclose(1 - v.numpy()[1], (1 - moved["sparse"][1]) / 3, rtol=1e-6)  # all of 2, not 2 of 6


def test_a_sparse_gradient_cannot_be_clipped_by_unit_and_is_not_centralized():
    """Units of an embedding are its rows: the sentence has the group that leaves the variable out."""
    rows = tf.IndexedSlices(tf.constant([[1.0, 3.0]]), tf.constant([1]), tf.constant([3, 2]))
    (v,) = variables_of([np.zeros((3, 2))])
    with pytest.raises(ValueError, match=r"agc cannot clip .* weight_0; .* groups=\{'weight_0': \{'agc': None\}\}"):
        tfoptim.GD(agc=0.1).apply([rows], [v])
    tfoptim.GD(1.0, agc=0.1, centralize=True, groups={"weight_0": {"agc": None}}).apply([rows], [v])
    np.testing.assert_array_equal(v.numpy(), [[0, 0], [-1, -3], [0, 0]])


def test_the_limit_of_units_is_live_and_differs_by_group():
    """Assigned later, scheduled, or of one group alone."""
    halves = keras.optimizers.schedules.PiecewiseConstantDecay([0], [0.5, 0.25])
    optimizer = tfoptim.GD(1.0, agc=0.5, groups={"weight_1": {"agc": halves}, "weight_2": {"agc": None}})
    variables = variables_of([np.ones(4)] * 3)
    step = tf.function(lambda: optimizer.apply([tf.fill([4], 8.0)] * 3, variables))
    step()
    assert [v.numpy()[0] for v in variables] == [0.5, 0.5, -7.0]
    for v in variables:
        v.assign(np.ones(4))
    optimizer.agc = 0.125
    step()
    assert [v.numpy()[0] for v in variables] == [0.875, 0.75, -7.0]


def test_options_act_after_the_sum_over_replicas_and_with_accumulation(two_replicas):
    """The unit's norm is that of the reduced mean gradient; both devices keep the same weights."""
    alone = tfoptim.Adam(0.1, agc=0.1, centralize=True, cautious=True)
    gradients = [drawn(t, [(4, 3)])[0] for t in range(6)]
    with two_replicas.scope():
        (mirrored,) = variables_of([np.ones((4, 3))], "float64")
        optimizer = tfoptim.Adam(0.1, agc=0.1, centralize=True, cautious=True, gradient_accumulation_steps=2)
        optimizer.build([mirrored])

    @tf.function
    def call(g):
        two_replicas.run(lambda: optimizer.apply([g / 2], [mirrored]))

    for g in gradients:
        call(tf.constant(g))
    means = [[(a + b) / 2] for a, b in zip(gradients[::2], gradients[1::2], strict=True)]
    (expected,) = train(alone, [np.ones((4, 3))], means, dtype="float64")[-1]
    copies = [c.numpy() for c in two_replicas.experimental_local_results(mirrored.value)]
    np.testing.assert_array_equal(*copies)
    np.testing.assert_allclose(copies[0], expected, rtol=ROUNDING)
