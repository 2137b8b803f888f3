"""Data sets that users bring themselves, since they may not be passed on: what they are and how to get them.

They are prepared once from the downloaded folder or archive. From then on a study reads them like
any other; sizes and the identity of the split come from what the preparation wrote down.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from experiments.errors import UserError
from experiments.problems.datasets.places import SPLITS, folder_of, is_prepared


@dataclasses.dataclass(frozen=True)
class OwnCard:
    """What a data set is that the user downloads.

    Attributes:
        name: its name in studies and in tensorflow-datasets.
        title: what it is, in words.
        version: version of its builder.
        source: where to get it, in words.
        archive: what the downloaded file or folder is called.
    """

    name: str
    title: str
    version: str
    source: str
    archive: str

    url = None
    digests: Mapping[str, str] = dataclasses.field(default_factory=dict, init=False)

    @property
    def folder(self) -> Path:
        """The folder that tensorflow-datasets keeps the prepared data in."""
        return folder_of(self.name, self.version)

    @property
    def prepared(self) -> bool:
        """Whether the data are on this machine, ready to be read."""
        return is_prepared(self.folder)

    @property
    def instructions(self) -> str:
        """How to get it and what to type, in one sentence."""
        return f"get {self.archive} from {self.source}, then type: python -m experiments prepare {self.name} PATH."

    def require(self) -> None:
        """Raises UserError when the data are not prepared."""
        if not self.prepared:
            raise UserError(f"The data set {self.name} is not on this machine: {self.instructions}")

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
        """What was assumed or converted when the files were read, in sentences."""
        return list(self._manifest.get("remarks", []))  # data prepared by earlier versions have none

    @property
    def split_sha256(self) -> str:
        """SHA-256 of the patients of each split and of every file that they come from."""
        content = {key: self._manifest[key] for key in ("patients", "files")}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    @property
    def _manifest(self) -> Mapping[str, Any]:
        self.require()
        found: Mapping[str, Any] = json.loads((self.folder / "metadata.json").read_text(encoding="utf-8"))
        return found


MSD_HEART = OwnCard(
    name="msd_heart",
    title="left atrium in MRI, Medical Segmentation Decathlon Task02",
    version="1.0.0",
    source="http://medicaldecathlon.com",
    archive="Task02_Heart.tar",
)
ACDC = OwnCard(
    name="acdc",
    title="heart chambers and muscle in cine MRI, ACDC challenge",
    version="1.0.0",
    source="https://www.creatis.insa-lyon.fr/Challenge/acdc/",
    archive="ACDC.zip",
)
