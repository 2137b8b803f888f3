"""A `.keras` file of each optimizer trains on, bit for bit, here and in a process that imports tfoptim."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest

import tfoptim
from tests.library import artefact
from tests.library.cases import CASES
from tests.library.harness import values_of
from tests.library.products import full, representative

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
def batch(tmp_path_factory):
    """Eight examples, also in a file."""
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(8, 3)), generator.normal(size=(8, 1))
    path = tmp_path_factory.mktemp("batch") / "batch.npz"
    np.savez(path, x=x, y=y)
    return x, y, path


def bits(model):
    """The weights, to the last bit."""
    return [v.tobytes().hex() for v in values_of(model.trainable_variables)]


@pytest.fixture(scope="module")
def one_go(tmp_path_factory, batch):
    """A function of a row: a file saved after two of four steps, and the weights then and at the end."""
    folder, known = tmp_path_factory.mktemp("halfway"), {}

    def of(case):
        if case.id not in known:
            model, path = small_model(case), folder / f"{case.id}.keras"
            go_on(model, batch)
            model.save(path)
            halfway = bits(model)
            go_on(model, batch)
            known[case.id] = path, halfway, bits(model)
        return known[case.id]

    return of


def go_on(model, batch):
    """Two steps more."""
    for _ in range(2):
        model.train_on_batch(*batch[:2])


@representative
def test_training_in_two_halves_through_a_file_equals_training_in_one_go(case, one_go, batch):
    """Two steps, a `.keras` file, two more steps: the same bits as four steps, and the last two move the weights."""
    path, halfway, expected = one_go(case)
    model = keras.models.load_model(path)
    assert bits(model) == halfway != expected
    go_on(model, batch)
    assert bits(model) == expected


@pytest.fixture(scope="module")
def two_halves(one_go, batch):
    """Weights after two steps here and two more in one new process, for each row."""
    folders = {one_go(case)[0].parent for case in CASES}
    command = [sys.executable, "-W", "error", "-c", CONTINUE, *folders, batch[2]]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@full
def test_file_is_all_that_a_process_which_imports_tfoptim_needs(case, one_go, two_halves):
    """The second half in a fresh process: nothing of the first is there but the file."""
    assert one_go(case)[2] == two_halves[case.id]


# Files of releases

FILES = sorted(artefact.FOLDER.glob("*.keras"))


def test_this_version_and_the_first_have_left_files():
    """`make artefacts` was run before the release."""
    names = {file.stem.removeprefix("tfoptim-") for file in FILES}
    assert {
        f"{version}-{name}" for version in ("0.1.0", tfoptim.__version__) for name in artefact.optimizers()
    } <= names


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_file_of_a_release_is_loaded_and_trained_on(file):
    """The model goes on from its third step to the weights that the release itself went on to."""
    expected = json.loads(file.with_suffix(".json").read_text())
    model = keras.models.load_model(file)
    assert type(model.optimizer) is getattr(tfoptim, expected.get("optimizer", "Nadam"))
    assert int(model.optimizer.iterations) == expected["iterations"]
    model.train_on_batch(artefact.X, artefact.Y)
    for wanted, found in zip(expected["weights_after_one_more"], model.get_weights(), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)  # other versions round otherwise
