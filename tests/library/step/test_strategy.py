"""Two replicas train like one device that is fed the sum of their gradients."""

import json
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfoptim
from tests.library.cases import CASES
from tests.library.harness import values_of
from tests.library.replicas import STEPS, settings, share

CHOSEN = ("sgd_momentum", "adam", "nadam")  # no, own and shared bias correction
ROOT = pathlib.Path(__file__).parents[3]


@pytest.fixture(scope="module")
def replicated():
    """Weights from a process with two logical CPUs, which must be made before TensorFlow starts."""
    command = [sys.executable, "-m", "tests.library.replicas", *CHOSEN]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("setting", settings())
@pytest.mark.parametrize("case", [c for c in CASES if c.id in CHOSEN], ids=str)
def test_replicas_train_like_one_device_with_summed_gradients(case, setting, replicated):
    """Clipping, accumulation and averaging see the sum; both replicas hold the same bits."""
    variables = [keras.Variable(np.ones((3, 2))), keras.Variable(np.ones(2))]
    optimizer = case.make(**settings()[setting])
    for step in range(STEPS):
        summed = [a + b for a, b in zip(share(step, 0), share(step, 1), strict=True)]
        optimizer.apply([tf.constant(g) for g in summed], variables)
    for expected, (first, second) in zip(values_of(variables), replicated[case.id][setting], strict=True):
        assert first == second
        # float32: the sums are exact, clipping and averaging may round in another order
        np.testing.assert_allclose(first, expected, rtol=0, atol=2e-7)


def test_apply_outside_of_a_replica_says_where_to_call_it():
    """Under a strategy's scope alone there is no replica to apply for."""
    strategy = tf.distribute.MirroredStrategy(["/cpu:0"])
    with strategy.scope():
        weight = keras.Variable(1.0)
        optimizer = tfoptim.SGD()
        optimizer.build([weight])
        with pytest.raises(ValueError, match=r"strategy\.run"):
            optimizer.apply([tf.constant(1.0)], [weight])
