"""Each rule's update step, traced as on a Mac with an Apple GPU, holds what that GPU's plugin can run."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.library.metal import placement
from tests.library.products import crossed, every_rule, representative
from tfoptim import noise, scalar
from tfoptim.declaration.slots import takes_whole_variables

SHAPES = ((20, 30), (3, 3, 4, 8), (100,), ())


@pytest.fixture
def metal(monkeypatch):
    """Makes the library take this machine for a Mac with an Apple GPU."""
    monkeypatch.setattr(scalar, "on_metal", lambda: True)
    for module in ("tfoptim.update", "tfoptim.noise"):
        monkeypatch.setattr(f"{module}.on_metal", lambda: True)


def test_without_an_apple_gpu_nothing_is_metal(monkeypatch):
    """Not on a Mac without one either."""
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    scalar.on_metal.cache_clear()
    try:
        assert scalar.on_metal() == bool(tf.config.list_physical_devices("GPU"))
    finally:
        scalar.on_metal.cache_clear()


def traced(optimizer, gradients=None):
    """The update step of an optimizer on a matrix, a convolution kernel, a vector and a scalar."""
    variables = [keras.Variable(np.ones(shape, "float32")) for shape in SHAPES]
    gradients = gradients or [tf.ones(shape) for shape in SHAPES]
    optimizer.build(variables)
    return tf.function(lambda gs: optimizer.apply(gs, variables), autograph=False).get_concrete_function(gradients)


def test_random_numbers_are_made_by_operations_that_metal_has(metal):
    """One for each kind, and neither random bits nor float64."""

    def drawn(t):
        return noise.normals(tf.ones([3, 2]), 1, scalar.Scalar(t)), noise.uniform(1, scalar.Scalar(t)).value

    function = tf.function(drawn, autograph=False).get_concrete_function(tf.constant(1.0, tf.float64))
    random = {o.type for o in placement.operations(function) if o.type.startswith("StatelessRandom")}
    assert random == {"StatelessRandomGetKeyCounter", "StatelessRandomNormalV2", "StatelessRandomUniformV2"}


@every_rule
def test_a_step_runs_on_the_gpu_and_asks_for_nothing_that_metal_lacks(metal, case):
    """Kernels for all that is large, a handful of scalars to and from the host, no XLA, no kernel that errs there."""
    function = traced(case.make())
    operations = list(placement.operations(function))
    assert [] == placement.off_the_gpu(function, large=True)
    assert [] == placement.off_the_gpu(function, large=False)
    left = placement.on_the_host(function)
    assert placement.lacking(left) == set(case.on_host)
    assert not left or case.on_host, "nothing as large as a variable is on the host, unless Metal lacks what it takes"
    assert placement.crossings(function) <= case.crossings
    calls = [o for o in operations if "PartitionedCall" in o.type and "_XlaMustCompile" in o.node_def.attr]
    assert [] == [call.name for call in calls if call.get_attr("_XlaMustCompile")]
    # The plugin's AdagradV2 ignores `update_slots`: used only to divide by a root, it would change the slot.
    kernels = [o for o in operations if o.type == "ResourceApplyAdagradV2"]
    assert [] == [kernel.name for kernel in kernels if not kernel.get_attr("update_slots")]


@crossed("clip", ("clipnorm", "global_clipnorm", "clipvalue"))
def test_a_clipped_step_stays_on_the_gpu(metal, case, clip):
    """Every operation on weights, gradients and slots has a kernel of the plugin, or a safe one of TensorFlow's."""
    assert [] == placement.off_the_gpu(traced(case.make(**{clip: 1.0})), large=True)


@representative
def test_sparse_steps_stay_on_the_gpu(metal, case):
    """Rows of an embedding are summed, gathered and scattered by kernels that the plugin has."""
    rows = tf.IndexedSlices(tf.ones([5, 30]), tf.constant([0, 3, 3, 7, 9]), tf.constant([20, 30]))
    gradients = [rows, *(tf.ones(shape) for shape in SHAPES[1:])]
    assert [] == placement.off_the_gpu(
        traced(case.make(lazy=not takes_whole_variables(case.make())), gradients), large=True
    )


SLOTS = [tf.Variable(tf.zeros([20, 20])) for _ in range(2)]
LACKING = {
    "ResourceApplyAdaMax:float32": lambda w, g: tf.raw_ops.ResourceApplyAdaMax(
        var=w.handle,
        m=SLOTS[0].handle,
        v=SLOTS[1].handle,
        grad=g,
        **dict.fromkeys(("beta1_power", "lr", "beta1", "beta2", "epsilon"), tf.constant(0.1)),
    ),
    "Qr:float32": lambda w, g: w.assign(tf.linalg.qr(g)[0]),
    "IsFinite:float32": lambda w, g: w.assign(tf.cast(tf.math.is_finite(g), tf.float32)),
    "Pack:float32": lambda w, g: w.assign(tf.stack([g[0]] * 20)),
}


@pytest.mark.parametrize("expected", LACKING)
def test_the_reader_finds_what_metal_lacks(expected):
    """The check can fail: operations that the plugin lacks are found, each by its name."""
    w = tf.Variable(tf.ones([20, 20]))
    step = tf.function(lambda g: (LACKING[expected](w, g), None)[1], autograph=False)
    assert expected in placement.off_the_gpu(step.get_concrete_function(tf.ones([20, 20])), large=True)
