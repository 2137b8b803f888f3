"""What three thousand steps in one graph cost beyond the steps: nothing."""

import gc
import tracemalloc

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.library.cases import CLASSES

STEPS, WARM_UP = 3000, 200
RATES = 100  # different ones; TensorFlow keeps every Python number that it has made a tensor of
SMALL = 64 * 1024  # bytes


@pytest.mark.parametrize("case", [case for case in CLASSES if case.shared_state], ids=str)
def test_three_thousand_steps_need_one_trace_and_no_memory(case):
    """The learning rate changes at every step; nothing is traced again and nothing is kept."""
    weight, gradient = keras.Variable(np.ones(8)), tf.ones(8)
    optimizer = case.make(use_ema=True, clipnorm=1.0, weight_decay=0.01)
    optimizer.build([weight])
    traces = []

    @tf.function
    def step(g):
        traces.append(1)
        optimizer.apply([g], [weight])

    def run(steps):
        for i in range(steps):
            optimizer.learning_rate = 0.001 / (1 + i % RATES)
            step(gradient)

    tracemalloc.start()
    run(WARM_UP)
    gc.collect()
    before, _ = tracemalloc.get_traced_memory()
    run(STEPS)
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert int(optimizer.iterations) == WARM_UP + STEPS
    assert sum(traces) == 1
    assert after - before < SMALL
