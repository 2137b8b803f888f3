"""The operation under XLA refuses what does not fit, which element counts alone would let pass."""

import numpy as np
import pytest
import tensorflow as tf

from tests.library.native import doubles
from tests.library.native.test_safety import arguments


@pytest.mark.parametrize(
    ("given", "wanted"), [((3, 2), r"\[2,3\], got \[3,2\]"), ((6,), r"\[2,3\], got \[6\]")], ids=["turned", "flat"]
)
def test_xla_refuses_a_gradient_with_as_many_elements_in_another_shape(given, wanted, on):
    """Its numbers would go to other weights."""
    [w, v] = doubles.variables((2, 3), (2, 3))

    @tf.function(jit_compile=True, input_signature=[tf.TensorSpec(None)])
    def step(gradient):
        on.tfoptim_step(**arguments([w], [v], gradients=[gradient]))

    with pytest.raises(tf.errors.InvalidArgumentError, match=f"the gradient of variable 0 .* must have shape {wanted}"):
        step(tf.ones(given))
    assert w.numpy().tolist() == np.ones((2, 3)).tolist()


def test_xla_refuses_rows_of_another_width(on):
    """A row of twice the width would go to two rows."""
    [w] = doubles.variables((4, 2))

    @tf.function(jit_compile=True, input_signature=[tf.TensorSpec(None)])
    def step(values):
        one = arguments([w], gradients=[values], indices=[tf.constant([1], tf.int64)])
        del one["averages"]
        on.tfoptim_rows(**one)

    with pytest.raises(tf.errors.InvalidArgumentError, match=r"must have shape \[1,2\], got \[1,4\]"):
        step(tf.ones((1, 4)))
    assert w.numpy().tolist() == np.ones((4, 2)).tolist()
