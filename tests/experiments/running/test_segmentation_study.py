"""A whole segmentation study, from tuning to figures, in this process and on made-up slices."""

import html
import json

import pytest

from experiments.__main__ import main
from experiments.records import run_folder
from tests.experiments import tiny
from tests.experiments.figures.drawn import texts

pytestmark = pytest.mark.slow
ENDS = ("scores", "test_error", "learning_rates_relative", "best_of_k", "time_to_target", "costs")
CURVES = ("train_dice", "validation_dice", "test_dice", "loss", "learning_rates")
CASES = ("dice_by_class", "hausdorff_95", "overlay_best", "overlay_median", "overlay_worst")


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """A folder in which the tiny study was tuned and compared."""
    with pytest.MonkeyPatch.context() as patch:
        path = tiny.place(patch, tmp_path_factory.mktemp("study"))
        assert main(["tune", "tiny.toml", "--debug"]) == 0
        assert main(["compare", "tiny.toml", "--debug"]) == 0
    return path.parent


def found(folder, kind):
    """The records of a kind in a folder."""
    read = [run_folder.read(path.parent, test=True) for path in folder.glob("runs/tiny-*/trials/*/*/DONE")]
    return [record for record in read if record.run.kind == kind]


def test_every_figure_and_table_is_there(compared):
    """PNG, SVG and CSV of each figure; Markdown and CSV of each table; one page of them all."""
    figures = {f"{slug}.{kind}" for slug in (*CURVES, *CASES) for kind in ("png", "svg", "csv")}
    tables = {f"{slug}.{kind}" for slug in ("report", "metrics") for kind in ("md", "csv")} | {"report.html"}
    made = {path.name for path in (compared / "figures").iterdir()}
    assert figures | tables <= made
    drawn = {name.removesuffix(".svg") for name in made if name.endswith(".svg")}
    assert {f"{slug}.{kind}" for slug in drawn for kind in ("png", "svg", "csv")} | tables == made
    page = (compared / "figures" / "report.html").read_text(encoding="utf-8")
    assert {f'id="figure-{slug}"' in page for slug in drawn} == {True}


@pytest.mark.parametrize("slug", [*CURVES, *ENDS, *CASES])
def test_every_figure_says_what_it_rests_on(compared, slug):
    """Data and seeds in the picture; one brain only, the study and the command in the file, for whoever asks it."""
    path = compared / "figures" / f"{slug}.svg"
    words, whole = " ".join(filter(None, texts(path))), html.unescape(path.read_text(encoding="utf-8"))
    for word in ("mni152_tissue/noise06", "seed"):
        assert word in words
    for word in ("study tiny", "drawn by: python -m experiments compare tiny.toml"):
        assert word in whole
    if slug not in ("learning_rates", "learning_rates_relative"):
        assert "one averaged brain only" in whole
        assert "2 seeds" in words


def test_the_table_says_how_training_was_done(compared):
    """Augmentation, the parts of full gradients, and what the rates were chosen for."""
    text = (compared / "figures" / "report.md").read_text(encoding="utf-8")
    for word in (
        r"test Dice: mean \[95 % CI]",
        "with chance 0.3 turned by up to 15 degrees, scaled by a factor up to 1.22, shifted by up to 5% of a side",
        "Full gradients are summed over 4 slices at a time",
        "chosen on validation data in runs of 1 epoch",
    ):
        assert word in text


def test_rates_are_chosen_by_validation_dice(compared):
    """The selection says so, and tuning saw no test slice."""
    chosen = json.loads((compared / "tiny.selection.json").read_text(encoding="utf-8"))
    assert chosen["rule"] == "highest median validation Dice after the last epoch"
    assert all("validation_dice" in choice for choice in chosen["choices"].values())
    for record in found(compared, "tuning"):
        assert set(record.summary["data_sha256"]) == {"train", "validation"}
        assert record.files == {}
        assert record.run.epochs == 1


def test_every_finished_run_keeps_its_cases_and_predictions(compared):
    """What figures are drawn from without training."""
    runs = found(compared, "evaluation")
    assert len(runs) == 4
    assert all(set(record.files) == {"cases", "predictions"} for record in runs)
    scores = {key for key in runs[0].evaluations[-1] if key.startswith("test_")}
    assert scores == {"test_loss", "test_dice", "test_dice_grey_matter", "test_dice_white_matter"}


def test_drawing_again_trains_nothing_and_gives_the_same_bytes(compared, capsys):
    """All figures and tables follow from the records."""
    before = {path.name: path.read_bytes() for path in (compared / "figures").iterdir()}
    with pytest.MonkeyPatch.context() as patch:
        tiny.place(patch, compared)
        assert main(["compare", "tiny.toml"]) == 0
    assert "4 of 4 runs are recorded already." in capsys.readouterr().err
    assert before == {path.name: path.read_bytes() for path in (compared / "figures").iterdir()}


def test_a_tier_is_a_smaller_study_in_a_folder_of_its_own(compared, capsys):
    """What is typed beside it holds; an unknown preset gets its nearest match."""
    with pytest.MonkeyPatch.context() as patch:
        tiny.place(patch, compared)
        assert main(["compare", "tiny.toml", "--preset", "quick", "--seeds", "0,1", "--debug"]) == 0
        assert "2 runs of 2 epochs" in capsys.readouterr().err
        assert main(["compare", "tiny.toml", "--preset", "quik"]) == 2
        assert "Unknown preset 'quik': did you mean 'quick'?" in capsys.readouterr().err
    words = texts(compared / "quick" / "loss.svg")
    assert any(word and word.startswith("CLMR") for word in words)
    assert not any(word and word.startswith("GD") for word in words)
