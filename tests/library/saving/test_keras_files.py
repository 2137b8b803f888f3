"""A `.keras` file of each optimizer trains on, bit for bit, in a process that imports tfoptim."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest

from tests.library.cases import CASES
from tests.library.harness import values_of

CONTINUE = """
import json, pathlib, sys
import numpy, keras
import tfoptim
batch = numpy.load(sys.argv[2])
weights = {}
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.keras")):
    model = keras.models.load_model(path)
    for _ in range(2):
        model.train_on_batch(batch["x"], batch["y"])
    weights[path.stem] = [v.numpy().tobytes().hex() for v in model.trainable_variables]
print(json.dumps(weights))
"""


def small_model(case):
    """A model with three weights a side, seeded, compiled with the row's optimizer."""
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2), keras.layers.Dense(1)])
    optimizer = case.make(use_ema=True, ema_momentum=0.9, clipnorm=1.0)
    model.compile(optimizer=optimizer, loss="mse", jit_compile=False, run_eagerly=True)
    return model


@pytest.fixture(scope="module")
def one_go(tmp_path_factory):
    """Weights after four steps for each row; the files saved after two of them; the batch."""
    folder = tmp_path_factory.mktemp("halfway")
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(8, 3)), generator.normal(size=(8, 1))
    np.savez(folder / "batch.npz", x=x, y=y)
    expected = {}
    for case in CASES:
        model = small_model(case)
        for step in range(4):
            model.train_on_batch(x, y)
            if step == 1:
                model.save(folder / f"{case.id}.keras")
        expected[case.id] = [v.tobytes().hex() for v in values_of(model.trainable_variables)]
    return folder, expected


@pytest.fixture(scope="module")
def two_halves(one_go):
    """Weights after two steps here and two more in one new process, for each row."""
    folder, _ = one_go
    command = [sys.executable, "-W", "error", "-c", CONTINUE, folder, folder / "batch.npz"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("case", CASES, ids=str)
def test_training_in_two_halves_through_a_file_equals_training_in_one_go(case, one_go, two_halves):
    """Two steps, a `.keras` file, a fresh process, two more steps: the same bits as four steps."""
    _, expected = one_go
    assert expected[case.id] == two_halves[case.id]


def test_the_files_hold_half_trained_models(one_go):
    """The comparison is about something: the last two steps move the weights."""
    folder, expected = one_go
    model = keras.models.load_model(folder / "adam.keras")
    halfway = [v.tobytes().hex() for v in values_of(model.trainable_variables)]
    assert halfway != expected["adam"]
