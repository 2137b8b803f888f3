"""The example of docs/compare/own-study.md in a folder, and studies of one's own code for the tests."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "compare" / "own-study.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"```\w+\n# (\w+\.\w+)\n(.*?)```", PAGE, flags=re.DOTALL))
ENTRIES = '"adam", "keras:Lion", "signs.py:SignDescent"'
TASK = """
class Task:
    def data(self):
        import numpy as np

        x, y = np.ones((10, 3)), np.arange(10) % 2
        return [(x, y)] * 3

    def model(self, seed):
        import keras

        return keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
"""


def place(folder, **files):
    """Writes the files of the page into a folder, some of them changed or further ones, by their stem; the study."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in {**FILES, **files}.items():
        (folder / (name if "." in name else f"{name}.py")).write_text(text, encoding="utf-8")
    return folder / "moons.toml"


def toml(entries=ENTRIES, task="moons.py:TASK", more=""):
    """A study of four keys."""
    return f'title = "Own"\ntask = "{task}"\nepochs = 1\noptimizers = [{entries}]\n{more}'
