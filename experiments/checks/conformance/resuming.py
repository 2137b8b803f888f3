"""Training that is interrupted and started again: Keras's BackupAndRestore, and tfoptim's Resume."""

import contextlib
import functools
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

import tfoptim
from experiments.checks.conformance.rows import Library, number, row

EPOCHS, BATCHES = 3, 3


class Interrupted(Exception):
    """Stands for a power cut."""


class _StopAfter(keras.callbacks.Callback):
    """Raises once so many batches are done; listed last, so that the others have saved."""

    def __init__(self, batches: int) -> None:
        super().__init__()
        self.left = batches

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Counts; within an epoch, stops."""
        self.left -= 1
        if self.left == 0 and batch + 1 < BATCHES:
            raise Interrupted

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Stops at the end of an epoch."""
        if self.left == 0:
            raise Interrupted


def _model(library: Library, dropout: float) -> Any:
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(8), keras.layers.Dropout(dropout), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input((4,)), *layers])
    model.compile(library.make("Adam", 0.01), "mse", run_eagerly=True)
    return model


def _train(library: Library, folder: Path, stop: int = 0, dropout: float = 0.0, every: int | None = None) -> Any:
    """Starts the same program, from the beginning or from what is in the folder; returns the model."""
    model = _model(library, dropout)
    x, y = np.random.default_rng(0).normal(size=(2, 4 * BATCHES, 4)).astype("float32")
    if library.module is tfoptim:
        saving = tfoptim.callbacks.Resume(folder, every)
    else:
        saving = keras.callbacks.BackupAndRestore(folder, save_freq=every or "epoch")
    with contextlib.suppress(Interrupted):
        model.fit(
            x,
            y[:, :1],
            batch_size=4,
            epochs=EPOCHS,
            initial_epoch=getattr(saving, "epoch", 0),
            callbacks=[saving, _StopAfter(stop or -1)],
            shuffle=False,
            verbose=0,
        )
    return model


def _weights(model: Any) -> np.ndarray:
    return np.concatenate([value.ravel() for value in model.get_weights()])


@functools.cache
def _whole(library: Library, dropout: float = 0.0) -> np.ndarray:
    with tempfile.TemporaryDirectory() as name:
        return _weights(_train(library, Path(name), dropout=dropout))


def _newest(folder: Path) -> list[Path]:
    """Returns the files of the newest backup, which tfoptim keeps in a folder of its own."""
    inner = sorted(path for path in folder.iterdir() if path.is_dir())
    return sorted(path for path in (inner[-1] if inner else folder).rglob("*") if path.is_file())


def _flip(path: Path, kernel: np.ndarray) -> bool:
    """Flips the highest bit of the exponent of a saved weight; tells whether the file has it."""
    data = bytearray(path.read_bytes())
    at = data.find(kernel.tobytes())
    if at < 0:
        return False
    data[at + 3] ^= 0x40
    path.write_bytes(data)
    return True


@row(
    "D18",
    "one bit flipped in the saved weights",
    "never loaded: training goes on from the checkpoint before",
    slow=True,
)
def bit_flipped(library: Library) -> tuple[bool, str]:
    """Interrupted after two of three epochs; then one weight on the disk is 1e38 times larger."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kernel = _train(library, folder, stop=2 * BATCHES).get_weights()[0]
        assert sum(_flip(path, kernel) for path in _newest(folder)) == 1
        ends = _weights(_train(library, folder))
    return np.array_equal(_whole(library), ends), f"largest weight at the end {number(np.max(np.abs(ends)))}"


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


FAULTS: dict[str, Callable[[Path], None]] = {"cut": _cut, "missing": Path.unlink}


@row("D19a", "a file of the backup cut in half, or missing", "training goes on from the checkpoint before", slow=True)
def backup_damaged(library: Library) -> tuple[bool, str]:
    """Interrupted after two of three epochs; each file is damaged in turn, and the program started again."""
    outcomes = {}
    with tempfile.TemporaryDirectory() as name:
        left = Path(name) / "left"
        _train(library, left, stop=2 * BATCHES)
        for fault, damage in FAULTS.items():
            for path in _newest(left):
                folder = shutil.copytree(left, Path(name) / f"{fault}_{path.name}")
                damage(folder / path.relative_to(left))
                outcomes[f"{path.name} {fault}"] = _outcome(library, folder)
    bad = {what: outcome for what, outcome in outcomes.items() if outcome}
    faults = "; ".join(f"{what}: {outcome}" for what, outcome in bad.items())
    return not bad, faults or f"equal to uninterrupted training after each of {len(outcomes)} faults"


def _outcome(library: Library, folder: Path) -> str:
    """Starts the program again; returns what went wrong, or nothing."""
    try:
        model = _train(library, folder)
    except Exception as error:
        return type(error).__name__
    return (
        ""
        if np.array_equal(_whole(library), _weights(model))
        else f"{int(model.optimizer.iterations)} steps, other weights"
    )


@row("D19b", "training interrupted in the middle of an epoch", "goes on with the next batch", slow=True)
def in_mid_epoch(library: Library) -> tuple[bool, str]:
    """Saved after every second batch, interrupted after the fifth of nine."""
    with tempfile.TemporaryDirectory() as name:
        _train(library, Path(name), stop=5, every=2)
        model = _train(library, Path(name), every=2)
    count, same = int(model.optimizer.iterations), np.array_equal(_whole(library), _weights(model))
    return same, f"{count} steps in place of {EPOCHS * BATCHES}, {'equal' if same else 'other'} weights"


@row(
    "D20",
    "training with Dropout interrupted between epochs",
    "equal to uninterrupted training, to the last bit",
    slow=True,
)
def with_dropout(library: Library) -> tuple[bool, str]:
    """The state of the seed generator belongs to the state of training."""
    with tempfile.TemporaryDirectory() as name:
        _train(library, Path(name), stop=2 * BATCHES, dropout=0.5)
        ends = _weights(_train(library, Path(name), dropout=0.5))
    off = np.max(np.abs(_whole(library, 0.5) - ends))
    return not off, f"weights off by {off:.0e}" if off else "equal to the last bit"
