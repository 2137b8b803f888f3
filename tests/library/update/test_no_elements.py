"""Variables of which an axis has length 0 are borne: a model that is sized by its data may have one."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.library.products import every_class

EMPTY = [(0,), (0, 3), (3, 0), (2, 0, 3)]


@pytest.fixture
def untraced():
    """Operation by operation, so that no rule waits for a trace."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@every_class
def test_a_variable_without_elements_changes_nothing_for_others(case, untraced):
    """Two steps next to four of them end where two steps alone do."""
    ends = []
    for shapes in ([], EMPTY):
        keras.utils.set_random_seed(0)  # AdaHessian and Kron draw numbers
        variables = [keras.Variable(np.linspace(-1, 1, 6).reshape(2, 3)), *(keras.Variable(np.ones(s)) for s in shapes)]
        optimizer = case.make(weight_decay=0.01, use_ema=True)
        for gradient in (1.0, -0.5):
            own = [tf.constant(gradient * np.arange(6.0).reshape(2, 3), tf.float32), *(tf.zeros(s) for s in shapes)]
            if optimizer.needs_loss:
                own = optimizer.gradients(lambda v=variables: sum(tf.reduce_sum(x.value**2) for x in v), variables)
            optimizer.apply(own, variables)
        ends.append(variables[0].numpy())
    np.testing.assert_array_equal(*ends)
