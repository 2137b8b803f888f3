"""Where prepared data sets are, as tensorflow-datasets lays them out, and what their splits are called."""

from __future__ import annotations

import os
from pathlib import Path

SPLITS = ("train", "validation", "test")


def root() -> Path:
    """Returns the folder of all prepared data sets."""
    return Path(os.environ.get("TFDS_DATA_DIR", "~/tensorflow_datasets")).expanduser()


def folder_of(name: str, version: str) -> Path:
    """Returns the folder that tensorflow-datasets keeps a prepared data set in."""
    return root() / name / version


def is_prepared(folder: Path) -> bool:
    """Returns whether a data set is complete in a folder; its description is written last."""
    return (folder / "dataset_info.json").is_file()
