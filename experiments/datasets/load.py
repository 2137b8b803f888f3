"""Reads a data set through tensorflow-datasets into memory, and verifies it."""

from __future__ import annotations

import dataclasses
import hashlib
import sys
from typing import Any

import numpy as np

from experiments import datasets
from experiments.datasets import Card
from experiments.errors import UserError


@dataclasses.dataclass(frozen=True)
class Examples:
    """One split in memory: uint8 images [n, 28, 28, 1], int32 labels [n]."""

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        """Returns the number of examples."""
        return len(self.labels)

    @property
    def sha256(self) -> str:
        """SHA-256 of the images, then the labels, both as uint8 in C order."""
        return hashlib.sha256(self.images.tobytes() + self.labels.astype(np.uint8).tobytes()).hexdigest()


def load(name: str, splits: tuple[str, ...]) -> dict[str, Examples]:
    """Returns the wanted splits of a data set; the others are not even opened.

    Args:
        name: one of `datasets.CARDS`.
        splits: names out of `datasets.SPLITS`.

    Raises:
        UserError: the data cannot be had, or they are not what the card says.
    """
    card = datasets.CARDS[name]
    builder = prepare(card)
    rows = datasets.indices(card, splits)
    found = {split: _read(builder, split, rows[split]) for split in splits}
    for split, examples in found.items():
        _verify(card, split, examples)
    return found


def prepare(card: Card) -> Any:
    """Returns the builder of a data set whose files are on this machine, made or downloaded if need be."""
    datasets.require(card)
    builder = _builder(card)
    if not card.prepared:
        import tensorflow_datasets as tfds

        tfds.disable_progress_bar()
        builder.download_and_prepare()
    return builder


def _builder(card: Card) -> Any:
    import tensorflow_datasets as tfds

    root = card.folder.parent.parent
    if card.url is not None:
        return tfds.builder(f"{card.name}:{card.version}", data_dir=root)
    from experiments.datasets.mnist_5k.mnist_5k_dataset_builder import Builder

    return Builder(data_dir=root)


def _read(builder: Any, split: str, rows: np.ndarray) -> Examples:
    """Returns the examples of one of our splits, in the order of its index file.

    Our builders hold a file for each split; of others' `train` and `test` we take the rows.
    """
    ours = split in builder.info.splits and builder.info.splits[split].num_examples == len(rows)
    stored = split if ours else "train"
    data = builder.as_dataset(split=stored, batch_size=-1, shuffle_files=False)
    images, labels = np.asarray(data["image"]), np.asarray(data["label"])
    if not ours:
        images, labels = images[rows], labels[rows]
    return Examples(images, labels.astype(np.int32))


def _verify(card: Card, split: str, examples: Examples) -> None:
    expected = card.digests.get(split, examples.sha256)
    if len(examples) != card.sizes[split] or examples.sha256 != expected:
        raise UserError(
            f"The {split} split of {card.name} in {card.folder} is damaged: {len(examples)} examples "
            f"with SHA-256 {examples.sha256}, expected {card.sizes[split]} with {expected}; "
            "delete that folder, and it is made again."
        )


if __name__ == "__main__":
    try:
        prepare(datasets.CARDS[sys.argv[1]])
    except UserError as problem:
        sys.exit(str(problem))
