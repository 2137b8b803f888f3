"""The pages that are made at each build of the site, from classes, declarations and measured files."""

import shutil
from pathlib import Path

TARGET = Path(__file__).parents[1] / "generated"


def write(target: Path = TARGET) -> None:
    """Writes them into a folder, which is emptied first."""
    from docs.pages import objects, optimizers, studies

    shutil.rmtree(target, ignore_errors=True)
    for part in (objects, optimizers, studies):
        part.write(lambda name, text: save(target / name, text))


def save(path: Path, text: str) -> None:
    """Writes one file and the folders that it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
