"""MNIST and Fashion-MNIST from files that a user has, by the SHA-256 of their four IDX files, whatever they come in.

That may be the files themselves, in gzip or not, the arrays of `mnist.npz`, or a pickle; of a pickle nothing but three
names of NumPy is looked up, so that it cannot execute anything.
"""

import hashlib
import io
import math
import pickle  # noqa: TID251  of a reader that looks up nothing but arrays
import tokenize
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from experiments.errors import UserError
from experiments.problems.datasets import archives

NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
ARRAYS = dict(zip(("x_train.npy", "y_train.npy", "x_test.npy", "y_test.npy"), NAMES, strict=True))
PICKLE = "mnist.pkl.gz"
MOST_BYTES = 240 * 2**20  # 70,000 images of 784 float32 are 219 million
LEVELS = 256.0  # that pickled grey levels are divided by
HARMLESS = ("_reconstruct", "ndarray", "dtype")


def read(path: Path, known: Mapping[str, str]) -> dict[str, bytes]:
    """Returns the four files of a folder or package, by their name, if their SHA-256 are the known ones.

    Raises:
        UserError: it lists what is missing, or different.
    """
    right: dict[str, bytes] = {}
    wrong: dict[str, str] = {}
    for place, content in archives.read(path, lambda place: bool(_named(place))).items():
        try:
            for name, file in _files(PurePosixPath(place), content):
                digest = hashlib.sha256(file).hexdigest()
                if digest == known[name]:
                    right[name] = file
                else:
                    wrong[name] = f"has SHA-256 {digest}, expected {known[name]}"
        except ValueError as error:
            wrong[_named(PurePosixPath(place))] = str(error)
    faults = [f"{name} {wrong.get(name, 'is missing')}" for name in known if name not in right]
    faults += [f"{name} {why}" for name, why in wrong.items() if name not in known and faults]
    if faults:
        raise UserError(f"{path} cannot be used, {len(faults)} fault(s):" + "".join(f"\n  {one}" for one in faults))
    return right


def _named(place: PurePosixPath) -> str:
    """Returns what a file is called here; empty if it is none of those that are read."""
    plain = place.name.removesuffix(".gz").replace(".idx", "-idx")
    return plain if plain in NAMES else place.name if place.name in (*ARRAYS, PICKLE) else ""


def _files(place: PurePosixPath, content: bytes) -> Iterator[tuple[str, bytes]]:
    """Yields the names and bytes of the IDX files that a file stands for; a ValueError says what is wrong with it."""
    if place.name == PICKLE:
        yield from zip(NAMES, map(encoded, _unpickled(content)), strict=True)
    elif place.name in ARRAYS:
        yield ARRAYS[place.name], encoded(_array(content))
    else:
        yield _named(place), archives.gunzip(content, MOST_BYTES) if place.suffix == ".gz" else content


def encoded(values: np.ndarray) -> bytes:
    """Returns uint8 values, [n] or [n, rows, columns], as an IDX file: a head with the sizes, then the bytes."""
    return bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">i4").tobytes() + values.tobytes()


def _array(content: bytes) -> np.ndarray:
    """Returns the array of a .npy file, whose sizes must be those of its bytes."""
    file = io.BytesIO(content)
    version = np.lib.format.read_magic(file)
    head = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    try:
        shape, by_column, dtype = head(file)
    except BROKEN as error:
        raise ValueError(f"holds no array ({type(error).__name__} in its head)") from error
    rest = content[file.tell() :]
    if dtype != np.uint8 or by_column or len(rest) != math.prod(shape):
        raise ValueError("holds no array of uint8")
    return np.frombuffer(rest, np.uint8).reshape(shape)


BROKEN = (SyntaxError, tokenize.TokenError, TypeError, OverflowError, MemoryError, RecursionError)
"""What reading hostile bytes can end in besides a ValueError."""


class _Reader(pickle.Unpickler):
    """Reads arrays and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        """Returns one of three names of NumPy, and refuses any other."""
        if module.partition(".")[0] != "numpy" or name not in HARMLESS:
            raise ValueError(f"asks for {module}.{name}, which is no array")
        return np.zeros(0).__reduce__()[0] if name == HARMLESS[0] else getattr(np, name)


def _unpickled(packed: bytes) -> Sequence[np.ndarray]:
    """Returns images and labels of training and test, from pairs of training, validation and test as float32."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of names that NumPy has moved
            pairs = _Reader(io.BytesIO(archives.gunzip(packed, MOST_BYTES)), encoding="latin1").load()
        train, validation, test = [(_levels(images), _levels(labels)) for images, labels in pairs]
    except (pickle.UnpicklingError, AttributeError, EOFError, IndexError, *BROKEN) as error:
        raise ValueError(f"holds no digits ({error or type(error).__name__})") from error
    first = (np.concatenate(both) for both in zip(train, validation, strict=True))
    return [*first, *test]


def _levels(values: np.ndarray) -> np.ndarray:
    """Returns labels as they are, and grey levels 0 .. 1 as bytes in rows of 28."""
    if values.ndim == 1:
        return values.astype(np.uint8)
    return np.rint(values * LEVELS).astype(np.uint8).reshape(-1, 28, 28)
