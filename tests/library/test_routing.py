"""Muon's routes: what it takes as matrices and how, what it decays, and what it has in common with Keras's."""

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
SINGLE = 3e-5  # float32, relative to the largest move, as for every rule held against Keras's
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


@pytest.mark.parametrize(
    "around", [tfoptim.Lookahead, lambda rule: tfoptim.MultiOptimizer(rule, {"scale": tfoptim.SGD()})]
)
def test_a_wrapper_routes_as_the_rule_in_it_does(around):
    """It refuses patterns that fit no variable, and shows the routes."""
    variables = named()
    with pytest.raises(ValueError, match="'hed/' fits no variable"):
        around(Muon(exclude_layers=["hed/"])).build(variables)
    inner = Muon(exclude_layers=["head/"])
    optimizer = around(inner)
    optimizer.build(variables)
    routes = inner.routing()
    assert routes == Muon(exclude_layers=["head/"]).routing([v for v in variables if v.path in routes])
    assert len(SHAPES) - len(routes) == len(optimizer._named_parts) // 2  # the scale is another's


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


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (Muon, r"got Muon\(\): Keras's Muon does what axes={} does here"),
        (lambda: Muon(axes={}, width_scale=True), "Keras's Muon has no width_scale"),
        (lambda: tfoptim.Adafactor(relative_step=False), "Keras's Adafactor does what relative_step=True does here"),
        (lambda: tfoptim.Adafactor(epsilon_2=None), "Keras's Adafactor needs a number for epsilon_2"),
        (lambda: tfoptim.Adafactor(beta_1=0.9), "Keras's Adafactor has no beta_1"),
    ],
)
def test_what_keras_does_otherwise_is_refused(make, words):
    """With the argument that makes it the same."""
    with pytest.raises(ValueError, match=words):
        tfoptim.to_keras(make())


def test_a_bias_of_two_axes_does_not_go_over_to_keras():
    """Keras would take it as a matrix."""
    ours = Muon(axes={})
    ours.build(named({path: SHAPES[path] for path in ("dense/kernel", "attention/query/bias")}))
    with pytest.raises(ValueError, match="Keras's Muon takes attention/query/bias as matrices"):
        tfoptim.to_keras(ours)
