"""The builders of segmentation data, tested in the way of tensorflow-datasets on small made-up folders."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds

from experiments.problems import datasets
from experiments.problems.datasets.acdc import acdc_dataset_builder as acdc
from experiments.problems.datasets.mni152_tissue import mni152_tissue_dataset_builder as mni
from experiments.problems.datasets.msd_heart import msd_heart_dataset_builder as heart
from tests.experiments import hearts


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
