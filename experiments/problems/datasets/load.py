"""Reads a data set through tensorflow-datasets into memory, and verifies it."""

import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np

from experiments.errors import UserError
from experiments.problems import datasets
from experiments.problems.datasets.cards import Card, OwnCard, root
from experiments.problems.datasets.examples import MASK, Examples, slices
from experiments.problems.datasets.made import MadeCard
from experiments.problems.datasets.own import OwnArrays

__all__ = ["Examples", "builder", "digests", "load", "prepare"]


def load(name: str, splits: tuple[str, ...]) -> dict[str, Examples]:
    """Returns the wanted splits of a data set of `CARDS`; the others are not even opened.

    Raises:
        UserError: the data are unavailable, or differ from the card.
    """
    card = datasets.CARDS[name]
    if isinstance(card, MadeCard | OwnArrays):
        return {split: card.examples(split) for split in splits}
    builder = prepare(card)
    if MASK in builder.info.features:
        found: dict[str, Examples] = {split: slices(_whole(builder, split)) for split in splits}
    else:
        rows = datasets.indices(card, splits)
        found = {split: _read(builder, split, rows[split]) for split in splits}
    for split, examples in found.items():
        _verify(card, split, examples)
    return found


def prepare(card: Card | OwnCard) -> Any:
    """Returns the builder of a data set, prepared on this machine; downloads it if necessary."""
    datasets.require(card)
    made = builder(card)
    if not card.prepared:
        import tensorflow_datasets as tfds

        tfds.disable_progress_bar()
        made.download_and_prepare()
    return made


def builder(card: Card | OwnCard, folder: Path | None = None) -> Any:
    """Returns what reads a data set, and prepares it in a folder."""
    import tensorflow_datasets as tfds

    name, _, config = card.name.partition("/")
    if isinstance(card, Card) and card.url is not None:
        return tfds.builder(f"{card.stored_as or card.name}:{card.version}", data_dir=root())
    module = importlib.import_module(f"experiments.problems.datasets.{name}.{name}_dataset_builder")
    return module.Builder(data_dir=folder or root(), config=config or None)


def digests(builder: Any) -> dict[str, str]:
    """Returns the SHA-256 of each split of slices that a builder has prepared."""
    return {split: slices(_whole(builder, split)).sha256 for split in datasets.SPLITS}


def _whole(builder: Any, split: str) -> Any:
    return builder.as_dataset(split=split, batch_size=-1, shuffle_files=False)


def _read(builder: Any, split: str, rows: np.ndarray) -> Examples:
    """Returns the examples of one of our splits, in the order of its index file.

    Our builders hold a file for each split; of others' `train` and `test` we take the rows.
    """
    stored = split if split in builder.info.splits else "train"
    whole = builder.info.splits[stored].num_examples == len(rows)
    data = _whole(builder, stored)
    images, labels = np.asarray(data["image"]), np.asarray(data["label"])
    if not whole:
        images, labels = images[rows], labels[rows]
    return Examples(images, labels.astype(np.int32))


def _verify(card: Card | OwnCard, split: str, examples: Examples) -> None:
    known = card.digests or card.found or (card.usual if isinstance(card, Card) else {})
    expected = known.get(split, examples.sha256)
    if len(examples) != card.sizes[split] or examples.sha256 != expected:
        raise UserError(
            f"The {split} split of {card.name} in {card.folder} is damaged: {len(examples)} examples "
            f"with SHA-256 {examples.sha256}, expected {card.sizes[split]} with {expected}; "
            f"delete that folder; {card.instructions if card.archive else 'it is then prepared again.'}"
        )


if __name__ == "__main__":
    try:
        wanted = datasets.CARDS[sys.argv[1]]
        if not isinstance(wanted, MadeCard | OwnArrays):
            prepare(wanted)
    except UserError as problem:
        sys.exit(str(problem))
