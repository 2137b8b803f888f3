"""Files that released versions have saved are loaded by this one, with all of their state."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest

import tfoptim

FOLDER = Path(__file__).parents[1] / "artefacts"
FILES = sorted(FOLDER.glob("*.keras"))
X = np.linspace(-1.0, 1.0, 12, dtype="float32").reshape(4, 3)
Y = np.linspace(1.0, 0.0, 8, dtype="float32").reshape(4, 2)


def test_this_version_or_an_earlier_one_has_left_a_file():
    """There is something to load."""
    assert f"tfoptim-{tfoptim.__version__}.keras" in [file.name for file in FILES]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_file_of_a_release_is_loaded_and_trained_on(file):
    """The model goes on from its third step to the weights that the release itself went on to."""
    expected = json.loads(file.with_suffix(".json").read_text())
    model = keras.models.load_model(file)
    assert isinstance(model.optimizer, tfoptim.Nadam)
    assert int(model.optimizer.iterations) == expected["iterations"]
    model.train_on_batch(X, Y)
    for wanted, found in zip(expected["weights_after_one_more"], model.get_weights(), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)  # other versions round otherwise
