"""Mails as bags of words: sparse gradients, and separate results for rare and frequent words."""

import dataclasses
import io
import tarfile

import numpy as np
import pytest
import tensorflow as tf

from experiments.errors import UserError
from experiments.problems import datasets, tasks
from experiments.problems.datasets import load, taking
from experiments.problems.datasets.cards import LENGTH, VOCABULARY
from experiments.problems.datasets.examples import Examples
from experiments.problems.datasets.spam_assassin import spam_assassin_dataset_builder as spam
from experiments.running.training import frequencies
from experiments.text import from_csv

MAILS = {
    "easy-ham-1/00001.a.txt": b"From: secret@spam.example\nSubject: Lunch\n\nlunch today",
    "easy-ham-1/00002.b.txt": b"Subject: Lunch\n\nlunch today",  # the words of the first
    "easy-ham-1/00003.c.txt": b"Subject: Meeting\n\ntoday, or tomorrow",
    "spam-1/00001.d.txt": b"Subject: Gold\n\nbuy gold today",
    "spam-1/00002.e.txt": b"Subject: Watches\n\nbuy watches",
    "other/00001.f.txt": b"Subject: None\n\nof them",
}


def package(path):
    """Writes an npm package of a few mails."""
    with tarfile.open(path, "w:gz") as archive:
        for name, content in MAILS.items():
            member = tarfile.TarInfo(f"package/data/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def test_mails_are_read_from_the_package_and_only_training_words_are_known(tmp_path, monkeypatch):
    """No header but the subject, no mail twice; the words of test mails alone have no number."""
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "data"))
    path = package(tmp_path / "spam.tgz")
    with pytest.raises(UserError, match=r"its 5 mails have SHA-256 \w{64}, expected none\.") as caught:
        spam.read(path, "none")
    digest = str(caught.value).split("SHA-256 ")[1][:64]
    sizes = {"train": 2, "validation": 1, "test": 1}
    card = dataclasses.replace(datasets.CARDS["spam_assassin"], sizes=sizes, digests={}, contents={"mails": digest})
    rows = {"train": np.array([0, 2]), "validation": np.array([1]), "test": np.array([3])}
    monkeypatch.setattr(datasets, "CARDS", {"spam_assassin": card})
    monkeypatch.setattr(datasets, "indices", lambda card, splits: {split: rows[split] for split in splits})
    taking.take("spam_assassin", path)
    found = load.load("spam_assassin", datasets.SPLITS)
    assert found["train"].images[:, :4].tolist() == [[4, 1, 0, 0], [3, 2, 1, 0]]  # today; buy, gold, lunch
    assert found["test"].images[0, :3].tolist() == [2, 0, 0]  # buy alone is known
    assert {split: part.labels.tolist() for split, part in found.items()} == {
        "train": [0, 1], "validation": [0], "test": [1]
    }  # fmt: skip


@pytest.mark.parametrize("name", ["spam_linear", "spam_embedding"])
def test_gradients_are_those_of_the_batch_s_words_alone(name):
    """They arise as rows, so that an optimizer may leave all others as they are; padding has none."""
    task = tasks.get(name)
    model = task.model(0, 0)
    numbers = np.zeros((2, LENGTH), np.int32)
    numbers[0, :3], numbers[1, 0] = (7, 5, 9), 5
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(task.loss(tf.constant([0, 1]), model(tf.constant(numbers), training=True)))
    gradient = tape.gradient(loss, model.trainable_variables)[0]
    assert isinstance(gradient, tf.IndexedSlices)
    dense = tf.convert_to_tensor(gradient).numpy()
    assert set(np.flatnonzero(np.abs(dense).sum(axis=1))) <= {5, 7, 9}
    assert frequencies.embedding(model).shape[0] == VOCABULARY + 1


def test_an_example_has_length_one():
    """The sum of the rows over the root of their number: two equal mails of other length have the same norm."""
    task = tasks.get("spam_linear")
    model = task.model(0, 0)
    model.set_weights([np.ones((VOCABULARY + 1, 2))])
    numbers = np.zeros((2, LENGTH), np.int32)
    numbers[0, :4], numbers[1, 0] = (1, 2, 3, 4), 5
    assert model(numbers).numpy().tolist() == [[2, 2], [1, 1]]


def test_bands_of_frequency_have_their_words_updates_and_errors():
    """Word 1 is in three training mails, word 2 in one; the model is right wherever it sees word 1, else never."""
    train = np.array([[1, 0], [1, 2], [1, 0]], np.int32)
    test = Examples(np.array([[1, 2], [2, 0], [1, 0]], np.int32), np.array([0, 1, 0], np.int32))
    start = np.zeros((VOCABULARY + 1, 2))
    end = start.copy()
    end[1], end[2] = (3, 4), (0, 1)

    def scores(images, labels):
        return {"accuracy": float((images == 1).any(axis=1).sum())}

    rare, frequent = from_csv(frequencies.measured(start, end, train, test, scores).decode())
    assert (rare["mails_from"], rare["words"], rare["update"], rare["test_mails"], rare["error"]) == (
        "1", "1", "1.0", "2", "1.0"
    )  # fmt: skip
    assert (frequent["mails_from"], frequent["mails_to"], frequent["update"], frequent["error"]) == (
        "3", "3", "5.0", "0.0"
    )  # fmt: skip
    assert (rare["majority_error"], frequent["majority_error"]) == ("0.5", "0.0")  # mails 0 and 1; mails 0 and 2
