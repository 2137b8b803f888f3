"""Muon: what it takes as matrices and how, its identities, and what it takes over from Keras's."""

import contextlib

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library import reference
from tests.library.harness import values_of
from tfoptim import Muon, simulate

GENERATOR = np.random.default_rng(0)
PLAIN = {"learning_rate": 1.0, "weight_decay": 0.0, "rms_rate": None}
EXACT = [[15 / 8, -10 / 8, 3 / 8]]  # its iterations converge to singular values of 1
MATRIX = GENERATOR.normal(size=(4, 3))
ROUNDING = 1e-12  # float64, twelve steps
SINGLE = 3e-5  # float32, relative to the largest move, as for every rule held against Keras's


def first(gradient, path="", **arguments):
    """The first step from zero, with the sign of the gradient."""
    return -simulate(Muon(**PLAIN | arguments), np.zeros(gradient.shape), [gradient], path)[0]


# Identities


def test_singular_values_come_near_to_one():
    """Within [0.68, 1.21] for a matrix of good condition, as its coefficients promise."""
    for shape in ((4, 3), (6, 6), (3, 8)):
        values = np.linalg.svd(first(GENERATOR.normal(size=shape)), compute_uv=False)
        assert np.all((values > 0.68) & (values < 1.21))


@pytest.mark.parametrize(
    "arguments",
    [
        {"coefficients": EXACT * 20},
        {"ns_steps": 20, **dict(zip(("muon_a", "muon_b", "muon_c"), EXACT[0], strict=True))},
    ],
    ids=["a list", "three numbers"],
)
def test_with_the_right_coefficients_the_step_is_the_polar_factor(arguments):
    """U V^T of the singular value decomposition, to rounding."""
    u, _, v = np.linalg.svd(MATRIX, full_matrices=False)
    np.testing.assert_allclose(first(MATRIX, **arguments), u @ v, atol=1e-13)


def test_polar_express_is_nearer_to_one():
    """Of the five triples of the paper: [0.001, 1] goes to [0.876, 1.124]."""
    given = np.diag(np.geomspace(1e-3, 1, 40))
    values = np.diagonal(first(given / np.linalg.norm(given), coefficients="polar_express"))
    assert np.all((values[20:] > 0.87) & (values[20:] < 1.13))  # the norm has made them smaller


def test_rotations_of_the_gradient_rotate_the_step():
    """From both sides."""
    left, right = (np.linalg.qr(GENERATOR.normal(size=(n, n)))[0] for n in (4, 3))
    np.testing.assert_allclose(first(left @ MATRIX @ right), left @ first(MATRIX) @ right, atol=1e-13)


def test_the_scale_of_gradients_does_not_matter():
    """A thousand times as large: only the 1e-7 beside the norm is felt."""
    gradients = [GENERATOR.normal(size=(4, 3)) for _ in range(12)]
    one, other = (simulate(Muon(), MATRIX, [c * g for g in gradients]) for c in (1.0, 1000.0))
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-6 * np.max(np.abs(one - MATRIX)))


def test_a_zero_gradient_moves_nothing_and_rank_one_stays():
    """No division by zero; of one singular value the others stay 0."""
    np.testing.assert_array_equal(first(np.zeros((4, 3))), np.zeros((4, 3)))
    values = np.linalg.svd(first(np.outer(MATRIX[:, 0], MATRIX[0])), compute_uv=False)
    assert values == pytest.approx([0.697, 0, 0], abs=1e-3)


def test_scales():
    """By the larger side, by the ratio of the sides, or none."""
    wide = MATRIX.T
    plain = first(wide)
    np.testing.assert_allclose(first(wide, rms_rate=0.2), 0.2 * 2 * plain, rtol=1e-14)
    np.testing.assert_allclose(first(wide, width_scale=True), np.sqrt(4 / 3) * plain, rtol=1e-14)
    np.testing.assert_allclose(first(MATRIX, width_scale=True, rms_rate=0.2), first(MATRIX), rtol=1e-14)


# Which variables are matrices, and how

SHAPES = {
    "dense/kernel": ((6, 4), (6, 4)),
    "dense/bias": ((4,), None),
    "conv/kernel": ((3, 3, 2, 4), (18, 4)),
    "depthwise/kernel": ((3, 3, 4, 1), None),
    "attention/query/kernel": ((6, 2, 5), (6, 10)),
    "attention/value/kernel": ((6, 2, 5), (6, 10)),
    "attention/query/bias": ((2, 5), None),
    "attention/attention_output/kernel": ((2, 5, 6), (10, 6)),
    "embedding/embeddings": ((30, 6), None),
    "position_embedding/kernel": ((30, 6), None),
    "norm/gamma": ((4, 4), None),
    "head/kernel": ((6, 3), (6, 3)),
    "output/kernel:0": ((6, 1), None),
    "scale": ((), None),
}


def named(shapes=SHAPES):
    """Variables of these paths and shapes."""
    variables = []
    for where, (shape, _) in shapes.items():
        *scopes, name = where.partition(":")[0].split("/")
        with contextlib.ExitStack() as inside:
            for scope in scopes:
                inside.enter_context(keras.name_scope(scope))
            variables.append(keras.Variable(np.ones(shape, "float32"), name=name))
    return variables


@pytest.mark.parametrize("path", SHAPES)
def test_variables_are_matrices_by_shape_and_path(path):
    """Kernels are, of attention and convolution too; biases, scales, embeddings and rows of one element are not."""
    shape, matrix = SHAPES[path]
    assert Muon().matrix(shape, path) == matrix


@pytest.mark.parametrize(
    ("arguments", "path", "matrix"),
    [
        ({"exclude_layers": ["^head/"]}, "head/kernel", None),
        ({"exclude_layers": ["^head/"]}, "dense/kernel", (6, 4)),
        ({"exclude_embeddings": False}, "position_embedding/kernel", (30, 6)),
        ({"exclude_embeddings": False}, "embedding/embeddings", (30, 6)),
        ({"axes": {}}, "conv/kernel", None),
        ({"axes": {}}, "dense/kernel", (6, 4)),
        ({"axes": {}}, "output/kernel:0", (6, 1)),
        ({"axes": {}}, "attention/query/bias", None),
        ({"axes": {"conv/": 2}}, "conv/kernel", (9, 8)),
        ({"axes": {"query": 2}}, "attention/query/kernel", (12, 5)),
        ({"axes": {"conv/": 2}}, "attention/query/kernel", (6, 10)),
    ],
)
def test_arguments_change_the_routes(arguments, path, matrix):
    """By pattern."""
    assert Muon(**arguments).matrix(SHAPES[path][0], path) == matrix


def test_more_rows_than_axes_are_refused():
    """When the optimizer is built, with the variable."""
    with pytest.raises(ValueError, match="Muon: axes: kernel has 2 axes, so at most 1 can be rows, got 2"):
        Muon(axes={"kernel": 2}).build([keras.Variable(np.ones((2, 2)), name="kernel")])


@pytest.mark.parametrize("arguments", [{"exclude_layers": ["hed/"]}, {"axes": {"hed/": 1}}])
def test_a_pattern_that_fits_no_variable_is_refused(arguments):
    """A head whose name is misspelt would be orthogonalized."""
    with pytest.raises(ValueError, match=r"'hed/' fits no variable\. There are: dense/kernel"):
        Muon(**arguments).build(named())


def test_the_routes_can_be_printed():
    """Before and after the optimizer is built, one variable a line."""
    optimizer, variables = Muon(exclude_layers=["head/"]), named()
    with pytest.raises(ValueError, match=r"routing\(\) needs variables before the optimizer is built"):
        optimizer.routing()
    routes = optimizer.routing(variables)
    optimizer.build(variables)
    assert routes == optimizer.routing()
    assert routes["conv/kernel"] == "muon (18, 4)"
    assert routes["head/kernel"] == "adam"
    lines = [line.split(maxsplit=1) for line in str(routes).splitlines()]
    assert lines == [list(route) for route in routes.items()]
    assert len(lines) == len(SHAPES)


def test_a_view_trains_as_the_matrix_that_it_is():
    """Convolution and attention, eagerly, against the loop."""
    shapes = {path: SHAPES[path] for path in ("conv/kernel", "attention/query/kernel", "norm/gamma", "dense/bias")}
    variables, optimizer = named(shapes), Muon(0.1)
    gradients = [[GENERATOR.normal(size=v.shape) for v in variables] for _ in range(4)]
    for step in gradients:
        optimizer.apply([tf.constant(g, "float32") for g in step], variables)
    rows = {"attention/query/kernel": 1, "norm/gamma": 0}
    for i, (path, found) in enumerate(zip(shapes, values_of(variables), strict=True)):
        expected = reference.muon(np.ones(found.shape), [g[i] for g in gradients], 0.1, rows=rows.get(path))[-1]
        np.testing.assert_allclose(found, expected, rtol=0, atol=SINGLE * np.max(np.abs(expected - 1)))


def test_of_matrix_is_all_that_a_rule_of_matrices_defines():
    """A user's rule is routed alike; without the method it says what is missing."""

    class Signs(Muon):
        def of_matrix(self, h, g, s):
            """The sign of each element."""
            return np.sign(g)

    np.testing.assert_array_equal(simulate(Signs(1.0, weight_decay=0.0), 0 * MATRIX, [MATRIX])[0], -np.sign(MATRIX))
    with pytest.raises(NotImplementedError, match=r"Muon must define of_matrix\(h, g, s\)"):
        tfoptim.routing.Routed.of_matrix(Muon(), None, None, None)


# Weight decay


def test_decay_of_both_kinds_is_left_out_and_set_together():
    """Exclusions and groups speak of weight decay, whichever rule moves the variable."""
    weights = {"a/kernel": np.ones((2, 2)), "a/bias": np.ones(2), "b/kernel": np.ones((2, 2)), "b/bias": np.ones(2)}
    still = [{path: 0 * w for path, w in weights.items()}]

    def ends(optimizer):
        return [float(np.mean(path[-1])) for path in simulate(optimizer, weights, still).values()]

    both = {"weight_decay": 0.5, "adam_weight_decay": 0.25}
    assert ends(Muon(1.0, **both)) == [0.5, 0.75, 0.5, 0.75]
    assert ends(Muon(1.0, **both, groups={"^b/": {"weight_decay": None}})) == [0.5, 0.75, 1, 1]
    assert ends(Muon(1.0, **both, groups={"^b/": {"weight_decay": 0.1}})) == [0.5, 0.75, 0.9, 0.9]
    assert ends(Muon(1.0, **both, groups={"bias": {"adam_weight_decay": None}})) == [0.5, 1, 0.5, 1]
    excluding = Muon(1.0, **both)
    excluding.exclude_from_weight_decay(var_names=["bias"])
    assert ends(excluding) == [0.5, 1, 0.5, 1]
    assert ends(Muon.from_config(excluding.get_config())) == [0.5, 1, 0.5, 1]
    variables = named({path: (w.shape, None) for path, w in weights.items()})
    excluding.apply([tf.zeros(v.shape) for v in variables], variables)
    assert [float(np.mean(v)) for v in values_of(variables)] == [0.5, 1, 0.5, 1]


# Keras's


def keras_built(shapes, **arguments):
    """A Keras optimizer after three steps, and its variables."""
    optimizer, variables = keras.optimizers.Muon(0.1, **arguments), named(shapes)
    for _ in range(3):
        optimizer.apply([tf.constant(GENERATOR.normal(size=v.shape), "float32") for v in variables], variables)
    return optimizer, variables


def test_state_goes_over_from_keras():
    """Convolutions go on with Adam, as there; the next steps are the same."""
    shapes = {path: SHAPES[path] for path in ("dense/kernel", "dense/bias", "conv/kernel", "output/kernel:0")}
    theirs, variables = keras_built(shapes, exclude_layers=["output"], use_ema=True)
    before = values_of(variables)
    gradients = [[tf.constant(GENERATOR.normal(size=v.shape), "float32") for v in variables] for _ in range(3)]
    paths = []
    for optimizer in (tfoptim.from_keras(theirs), theirs):
        for v, w in zip(variables, before, strict=True):
            v.assign(w)
        for step in gradients:
            optimizer.apply(step, variables)
        paths.append(values_of(variables))
    for mine, other, start in zip(*paths, before, strict=True):
        np.testing.assert_allclose(mine, other, rtol=0, atol=SINGLE * np.max(np.abs(other - start)))


def test_biases_that_keras_takes_as_matrices_are_named():
    """Their state is a momentum, and ours would need Adam's."""
    theirs, _ = keras_built({path: SHAPES[path] for path in ("dense/kernel", "attention/query/bias")})
    with pytest.raises(ValueError, match=r"Keras's Muon takes attention/query/bias as matrices.*Make a new Muon with"):
        tfoptim.from_keras(theirs)
