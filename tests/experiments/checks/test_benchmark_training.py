"""Training as a whole is measured with both Adams, and the plain script trains what the comparison trains."""

import keras
import numpy as np
import pytest

from experiments.checks.benchmark import plain, plan, training
from experiments.errors import RunsFailed
from tests.experiments.small import study


def test_fit_is_measured_with_both_adams():
    """The same number of epochs each, and the ratio is ours over Keras's."""

    def build():
        return keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])

    job = training.Job("small", build, np.zeros((8, 3), np.float32), np.zeros(8, np.int32), 4)
    ours, theirs = training.measure(job, 3)
    assert (ours.epochs, ours.optimizer, theirs.optimizer) == (3, "ours", "keras")
    assert ours.ratio == theirs.ratio == pytest.approx(ours.steps_per_s / theirs.steps_per_s)
    assert "small" in training.grid([ours, theirs]).markdown()


def test_the_unet_trains_on_whole_batches_of_noise_and_gives_a_class_for_each_pixel():
    """Its outputs are logits of the labels' shape."""
    job = training.segmentation()
    assert (job.images.shape, job.labels.shape) == ((40, 96, 112, 1), (40, 96, 112))
    assert job.steps * job.batch == 40
    assert job.build().output_shape == (None, *job.labels.shape[1:], training.CLASSES)


def test_the_plain_script_trains_a_study_s_entries(monkeypatch):
    """GD takes one step an epoch on all examples, the others one a batch, with Keras's classes and chosen rates."""
    made, real = [], plain.optimizer
    monkeypatch.setattr(plain, "optimizer", lambda *given, **more: made.append(real(*given, **more)) or made[-1])
    data = dict.fromkeys(("train", "test"), (np.zeros((256, 28, 28, 1), np.float32), np.zeros(256, np.int32)))
    for entry, more in zip(study(epochs=2).optimizers, ({}, {"beta_1": 0.8}), strict=True):
        assert 0 <= plain.train(study(epochs=2), entry, {"learning_rate": 0.01, **more}, 0, data) <= 1
    assert [("SGD", 2), ("Adam", 4)] == [(type(one).__name__, int(one.iterations)) for one in made]
    assert made[1].beta_1 == 0.8, "what was chosen besides the rate"
    schedule = made[0]._learning_rate
    assert (schedule.peak, schedule.steps) == (0.01, 2), "the comparison's schedule, for GD's two steps"


def test_both_ways_run_in_processes_of_their_own(monkeypatch, tmp_path, capsys):
    """The time is that of the whole process, and the ratio is the plain way's over the other's."""

    def timed(words, folder):
        if "compare" in words:
            (folder / "figures").mkdir()
            table = "optimizer,test_accuracy_mean\nAdam,0.9\nGD,\nSGD,-inf\n"
            (folder / "figures" / "report.csv").write_text(table, encoding="utf-8")
            return 10.0, "printed"
        assert words[-1] == "7,7"  # one seed, not seven
        return 25.0, '{"optimizer": "Adam", "seed": 7, "test_accuracy": 0.5}\nnoise\n'

    monkeypatch.setattr(plain, "_timed", timed)
    plain.run((7,), 1, tmp_path, "typed")
    assert "2.50" in capsys.readouterr().out
    (ours, theirs), _ = plan.read(plain.Way, (tmp_path / "benchmark_plain.csv").read_text(encoding="utf-8"))
    assert (ours.ratio, ours.test_accuracy, theirs.test_accuracy) == (2.5, "Adam 0.900", "Adam 0.500")


def test_a_way_that_fails_is_told(tmp_path, capfd):
    """The exit code of its process is in the sentence."""
    with pytest.raises(RunsFailed, match="ended with code 3"):
        plain._timed(("-c", "import sys; sys.exit(3)"), tmp_path)
    assert plain._timed(("-c", "print(1)"), tmp_path)[1] == "1\n"
