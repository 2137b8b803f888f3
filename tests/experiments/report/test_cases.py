"""The cases of a test split are predicted, measured, kept and tabled, each by itself."""

import dataclasses
import math

import numpy as np
import pytest

from experiments.analysis import cases
from experiments.problems.metrics import METRICS, measure
from experiments.records import attempts, run_folder
from experiments.report import cases as tables
from experiments.running.training import evaluate
from experiments.text import from_csv
from tests.experiments import tiny
from tests.experiments.small import evaluations, record, run

SLICES = tiny.slices(4, volumes=True)


def oracle(wrong=0):
    """A prediction that knows the truth; the last `wrong` rows of each slice it takes for background."""
    by_image = {image.tobytes(): label for image, label in zip(SLICES.images, SLICES.labels, strict=True)}

    def predict_(images):
        labels = np.array([by_image[image.tobytes()] for image in images])
        labels[:, labels.shape[1] - wrong :] = 0
        return labels, np.eye(3, dtype=np.float32)[labels]

    return predict_


def scores(wrong=0, slices=SLICES):
    """The scores of that prediction."""
    return evaluate.measured(oracle(wrong), tiny.TASK, slices)[0]


def seen(label="Adam", seed=0, wrong=4):
    """The cases of a made-up run."""
    return cases.Measured(record(label, seed=seed), scores(wrong))


def test_slices_of_a_case_are_measured_as_one_volume_from_the_first_to_the_last():
    """Whatever their order in the split; spacing is that of slices, rows and columns."""
    order = [2, 1, 3, 0]
    mixed = dataclasses.replace(SLICES, **{f.name: getattr(SLICES, f.name)[order] for f in dataclasses.fields(SLICES)})
    found = scores(5, mixed)
    assert [score.case for score in found] == ["case1", "case1", "case0", "case0"]
    truth = SLICES.labels[2:]
    predicted = truth.copy()
    predicted[:, -5:] = 0
    settings = {"classes": tiny.CLASSES, "spacing_mm": (3, 2, 1), "tolerance_mm": 2.0, "case": "case1"}
    assert found[:2] == measure(truth, predicted, **settings, probabilities=np.eye(3)[predicted])


def test_a_case_of_one_slice_is_measured_as_an_image():
    """In mm along rows and columns, and areas in mm^2."""
    single = tiny.slices(1)
    wrong = np.zeros_like(single.labels)
    found, predictions = evaluate.measured(lambda images: (wrong, np.eye(3)[wrong]), tiny.TASK, single)
    assert [score.missed for score in found] == [True, True]
    assert found[0].hausdorff_95_mm == pytest.approx(math.hypot(15 * 2, 11 * 1))  # the diagonal of 16 x 12 pixels
    assert found[1].size_difference == -5 * 4 * 2
    assert not predictions.any()


def test_predictions_keep_the_order_of_the_split():
    """So that they can be laid over its images."""
    order = [3, 0, 2, 1]
    mixed = dataclasses.replace(SLICES, **{f.name: getattr(SLICES, f.name)[order] for f in dataclasses.fields(SLICES)})
    _, predictions = evaluate.measured(oracle(), tiny.TASK, mixed)
    assert np.array_equal(predictions, mixed.labels)
    assert predictions.dtype == np.uint8


def test_a_record_keeps_cases_and_predictions_sealed_like_the_test_scores(tmp_path):
    """They are read back as they were, by figures and reports alone; the same content has the same bytes."""
    one = run()
    folder = run_folder.folder(tmp_path, "small", one)
    attempt = attempts.Attempt(folder, one)
    for evaluation in evaluations((0.1,)):
        attempt.append(evaluation)
    found, predictions = evaluate.measured(oracle(4), tiny.TASK, SLICES)
    files = evaluate.files(found, predictions)
    assert files == evaluate.files(found, predictions)
    for name, content in files.items():
        attempt.attach(name, content)
    attempt.finish("done", {}, {})
    assert run_folder.read(folder).files == {}
    (back,) = cases.measured([run_folder.read(folder, test=True)])
    assert list(map(repr, back.scores)) == list(map(repr, found))  # NaN is not equal to itself, but reads alike
    assert np.array_equal(back.predictions, predictions)
    assert (back.label, back.seed) == ("Adam", 0)
    (folder / "cases-1.csv").write_text("changed", encoding="utf-8")
    assert run_folder.read(folder, test=True) is None


def test_a_run_without_cases_has_none():
    """As one that diverged, or one of a problem without cases."""
    assert cases.measured([record()]) == []


@pytest.fixture
def rows():
    """The table of two optimizers: GD diverged with one seed."""
    study = tiny.study()
    runs = [cases.Measured(record("Adam", seed=seed), scores(4 + seed)) for seed in (0, 1)]
    for one in runs:
        object.__setattr__(one.record, "run", dataclasses.replace(one.record.run, label="CLMR"))
    return tables.rows(study, [*runs, seen("GD")]), runs


def test_a_number_is_the_mean_over_cases_and_then_over_seeds(rows):
    """The spread is that of the seeds."""
    found, runs = rows
    (dice,) = [r for r in found if (r["optimizer"], r["class"], r["metric"]) == ("CLMR", "white matter", "dice")]
    means = [np.mean([s.dice for s in one.scores if s.class_name == "white matter"]) for one in runs]
    assert (dice["mean"], dice["low"]) == (pytest.approx(np.mean(means)), pytest.approx(min(means)))
    assert (dice["cases"], dice["seeds"], dice["diverged"], dice["perfect"]) == (2, 2, 0, 1.0)


def test_an_optimizer_that_diverged_once_has_no_mean(rows):
    """Its surviving seeds would flatter it."""
    found, _ = rows
    assert {r["mean"] for r in found if r["optimizer"] == "GD"} == {None}
    text = tables.markdown(found, "Every metric", ["a note"])
    assert text.count("| GD | 1 of 2 diverged | -") == 3
    lines = text.splitlines()
    assert [line for line in lines if line.startswith("## ")] == [
        "## Grey matter",
        "## White matter",
        "## Mean of classes",
    ]
    assert "- a note" in lines


def test_an_optimizer_that_diverged_with_every_seed_is_told_of(rows):
    """It stays in the table."""
    found = tables.rows(tiny.study(), rows[1])
    assert tables.markdown(found, "x", []).count("| GD | 2 of 2 diverged | -") == 3


def test_every_metric_has_its_column_and_its_unrounded_number(rows):
    """In Markdown for reading, in CSV for computing."""
    found, runs = rows
    text = tables.markdown(found, "x", [])
    assert all(metric.title in text for metric in METRICS.values())
    back = from_csv(tables.as_csv(found, runs))
    assert {row["metric"] for row in back if row["optimizer"] == "CLMR"} == set(METRICS)
    assert [float(row["mean"]) for row in back if row["optimizer"] == "CLMR"] == pytest.approx(
        [row["mean"] for row in found if row["optimizer"] == "CLMR"], rel=0, abs=0, nan_ok=True
    )
    assert {(row["data"], row["model"]) for row in back} == {("mnist_5k", "mnist_mlp")}


def test_a_metric_without_definition_in_any_case_says_so():
    """Precision of structures that are never found."""
    nothing = np.zeros_like(SLICES.labels)
    found, _ = evaluate.measured(lambda images: (nothing[:2], np.eye(3)[nothing[:2]]), tiny.TASK, SLICES)
    runs = [cases.Measured(record("GD"), found)]
    text = tables.markdown(tables.rows(tiny.study(seeds=(0,)), runs), "x", [])
    assert "undefined" in text
    assert "| 2 | 0 |" in text  # two structures of each class missed, none found in vain


@pytest.mark.parametrize(
    ("seeds", "words"),
    [
        ((0, 1), "mean of the 2 test cases, then mean ± standard deviation of seeds 0, 1;"),
        ((3,), "mean of the 2 test cases, of seed 3;"),
    ],
)
def test_notes_say_what_a_number_is_the_mean_of(seeds, words):
    """Cases first, then seeds; and the tolerance of the surface Dice."""
    text = " ".join(tables.notes(tiny.study(seeds=seeds), [seen()], ["a fact"]))
    assert words in text
    assert text.startswith("a fact")
    assert "at a tolerance of 2 mm" in text
