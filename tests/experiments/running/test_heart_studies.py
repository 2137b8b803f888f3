"""The studies of hearts run as a whole on folders like those that users download, with narrower U-Nets."""

import dataclasses

import pytest

from experiments.__main__ import main
from experiments.problems import tasks
from experiments.problems.unet import unet
from experiments.records import run_folder
from tests.experiments import hearts, tiny

pytestmark = pytest.mark.slow
STUDY = """
like = "{name}"
epochs = 1
batch_size = 4
micro_batch = 4
seeds = [0]
figures = "figures"
budget = "smoke"

[tuning]
seeds = [1000]
epochs = 1

[[optimizers]]
label = "Adam"
optimizer = "adam"
batch = "mini"
default_learning_rate = 0.001
style = {{ color = "#D55E00", line = "solid", marker = "v" }}

[[optimizers]]
label = "CLR"
optimizer = "clr"
batch = "mini"
default_learning_rate = 0.01
cycle_epochs = 1.0
style = {{ color = "#6A3FB5", line = "longdash", marker = "<" }}
"""


@pytest.mark.parametrize(
    ("name", "sides", "channels", "download"),
    [("msd_heart", 320, 1, hearts.heart), ("acdc", 200, 4, hearts.acdc)],
)
def test_a_study_of_hearts_runs_from_the_download_to_the_figures(
    name, sides, channels, download, tmp_path, monkeypatch
):
    """Prepare, tune, compare: what the README says to type, with two optimizers and one epoch."""
    task = tasks.get(name)

    def narrow(dropout):
        return unet((sides, sides, 1), channels, (2, 4), seed=dropout)

    small = dataclasses.replace(task, build=narrow, parameters=narrow(0).count_params())
    monkeypatch.setitem(tasks.TASKS, name, small)
    monkeypatch.setattr("experiments.running.engines.make", lambda *arguments: tiny.Inline())
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.toml").write_text(STUDY.format(name=name), encoding="utf-8")
    folder = download(tmp_path / "download")
    for words in (["prepare", name, str(folder)], ["tune", "small.toml"], ["compare", "small.toml"]):
        assert main([*words, "--debug"]) == 0
    made = {path.name for path in (tmp_path / "figures").iterdir()}
    assert {"test_dice.png", "hausdorff_95.png", "overlay_worst.png", "metrics.md", "report.md", "report.html"} <= made
    text = (tmp_path / "figures" / "metrics.md").read_text(encoding="utf-8")
    assert all(structure in text.lower() for structure in small.classes[1:])
    (first, *_) = [run_folder.read(path.parent, test=True) for path in tmp_path.glob("runs/small-*/trials/*/*/DONE")]
    assert first.run.data == name
