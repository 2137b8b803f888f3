"""What users write out of habit, or by mistake, is refused in one sentence with the way out."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim

REFUSED = {
    "beyond floats": (
        lambda: tfoptim.Adam(10**400),
        r"Adam: learning_rate must be a number .* within float64, got int",
    ),
    "ragged": (lambda: tfoptim.Adam(tf.ragged.constant([[0.1]])), "learning_rate must be a number, got RaggedTensor"),
    "twice": (lambda: tfoptim.Adam(0.1, learning_rate=0.1), r"^Adam: multiple values for argument 'learning_rate'\.$"),
    "no config": (lambda: tfoptim.Adam.from_config(None), "Adam: config must be a dictionary, got NoneType"),
    "lazy sums": (
        lambda: tfoptim.Adam(lazy=True, gradient_accumulation_steps=2),
        "Adam: lazy must be False with gradient_accumulation_steps, which collects",
    ),
    "of SAM": (
        lambda: tfoptim.SAM(tfoptim.Adam(), learning_rate=0.1),
        r"SAM has no argument 'learning_rate'\. Give it to the optimizer: SAM\(Adam\(learning_rate=\.\.\.\)\)\.$",
    ),
    "of nobody": (lambda: tfoptim.SAM(tfoptim.Adam(), rhoo=0.1), r"SAM has no argument 'rhoo'\.$"),
    "a function": (
        lambda: tfoptim.MultiOptimizer(lambda variable: tfoptim.Adam()),
        r"MultiOptimizer: default must be an optimizer of tfoptim, got a function; give patterns of paths in place of",
    ),
    "a class": (
        lambda: tfoptim.LossScaleOptimizer(tfoptim.Adam),
        r"inner_optimizer must be an optimizer of tfoptim, got OptimizerClass\. It is a class: pass an instance, Adam",
    ),
    "an array": (
        lambda: tfoptim.Muon(coefficients=np.array(0.1)),
        r"at least one triple of numbers, got array\(0\.1\)",
    ),
    "a long word": (lambda: tfoptim.Adam(nonfinite="x" * 100), r"one of .*, got str 'x{40}'\."),
}


@pytest.mark.parametrize(("make", "words"), REFUSED.values(), ids=REFUSED)
def test_a_mistake_is_refused_with_the_way_out(make, words):
    """Not by an error from inside."""
    with pytest.raises((TypeError, ValueError), match=words):
        make()


@pytest.mark.parametrize("make", [tfoptim.SGD, tfoptim.Adam])
def test_a_sparse_gradient_of_another_table_is_refused(make):
    """By every rule alike."""
    table = keras.Variable(np.ones((4, 2), "float32"))
    gradient = tf.IndexedSlices(tf.ones((1, 2)), tf.constant([1]), tf.constant([9, 2]))
    with pytest.raises(ValueError, match=r"variable's shape \(4, 2\) as its dense_shape, got \(9, 2\)"):
        make().apply([gradient], [table])
