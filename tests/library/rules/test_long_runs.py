"""What many steps in one graph cost beyond the steps: nothing."""

import gc
import tracemalloc

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.library.products import every_rule_where

WARM_UP = 200
RATES = 100  # different ones; TensorFlow keeps every Python number that it has made a tensor of
SMALL = 64 * 1024  # bytes


@pytest.mark.parametrize("steps", [300, pytest.param(3000, marks=pytest.mark.slow)])
@every_rule_where(lambda case: case.shared_state)
def test_many_steps_need_one_trace_and_no_memory(case, steps):
    """The learning rate changes at every step; nothing is traced again and nothing is kept."""
    weight, gradient = keras.Variable(np.ones(8)), tf.ones(8)
    optimizer = case.make(use_ema=True, clipnorm=1.0, weight_decay=0.01)
    optimizer.build([weight])
    traces = []

    @tf.function
    def step(g):
        traces.append(1)
        optimizer.apply([g], [weight])

    def run(number):
        for i in range(number):
            optimizer.learning_rate = 0.001 / (1 + i % RATES)
            step(gradient)

    tracemalloc.start()
    run(WARM_UP)
    gc.collect()
    before, _ = tracemalloc.get_traced_memory()
    run(steps)
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert int(optimizer.iterations) == WARM_UP + steps
    assert sum(traces) == 1
    assert after - before < SMALL
