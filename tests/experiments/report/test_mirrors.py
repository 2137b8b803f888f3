"""Mirrors show records elsewhere; the run directory stays the truth, and test scores stay sealed."""

import math
import sys
import types

import pytest

from experiments.__main__ import main
from experiments.errors import UserError
from experiments.report import mirrors
from tests.experiments.evidence import APART, evidence


class Kept:
    """A mirror that keeps what it is told."""

    def __init__(self):
        self.told = []

    def begin(self, name, settings):
        """Keeps the beginning."""
        self.told.append(("begin", name, settings))

    def tell(self, step, scores):
        """Keeps the scores."""
        self.told.append(("tell", step, scores))

    def end(self, status):
        """Keeps the end."""
        self.told.append(("end", status))


def test_a_mirror_is_told_what_a_record_holds_but_test_scores():
    """Name, settings, every pass in order, and how it ended."""
    (record, *_), kept = evidence(APART).found, Kept()
    assert mirrors.mirror([record], kept) == 1
    (_, name, settings), *passes, end = kept.told
    assert name.startswith("GD-evaluation-0-")
    assert settings["learning_rate"] == record.run.learning_rate
    assert [step for _, step, _ in passes] == [0, 32, 64, 96]
    assert passes[-1][2]["validation_accuracy"] == record.evaluations[-1]["validation_accuracy"]
    assert "test_accuracy" in record.evaluations[-1]
    assert not [key for _, _, scores in passes for key in scores if key.startswith("test")]
    assert end == ("end", "done")


def test_a_name_is_one_folder_whatever_the_label_holds():
    """No label leads out of the folder of a mirror."""
    (record, *_) = evidence({"../../etc/<x> & co": APART["GD"]}).found
    assert mirrors.name_of(record).startswith("______etc__x____co-evaluation-0-")


@pytest.mark.parametrize(("kind", "package"), mirrors.PACKAGES.items())
def test_a_missing_package_is_told_with_the_command_that_brings_it(kind, package, monkeypatch, tmp_path):
    """One sentence."""
    whole = mirrors.MODULES[kind].split(".")
    for end in range(1, len(whole) + 1):  # each of them, since another test may have imported some
        monkeypatch.setitem(sys.modules, ".".join(whole[:end]), None)
    with pytest.raises(UserError, match=f"pip install {package}$"):
        mirrors.opened(kind, tmp_path)


def test_tensorboard_reads_what_is_written(tmp_path):
    """Curves by pass, and the settings for the table of hyperparameters; a second mirror replaces the first."""
    loader = pytest.importorskip("tensorboard.backend.event_processing.event_file_loader")
    import tensorflow as tf

    records = evidence({"GD": [0.5, math.nan, 0.5, 0.5, 0.5]}).found[:2]
    for _ in range(2):
        assert mirrors.mirror(records, mirrors.opened("tensorboard", tmp_path)) == 2
    for record in records:
        (events,) = (tmp_path / mirrors.name_of(record)).glob("events*")
        found = [
            (value.metadata.plugin_data.plugin_name, value.tag, event.step, value.tensor)
            for event in loader.EventFileLoader(str(events)).Load()
            for value in event.summary.value
        ]
        assert [tag for plugin, tag, *_ in found if plugin == "hparams"] == ["_hparams_/session_start_info"]
        curve = [float(tf.make_ndarray(tensor)) for _, tag, _, tensor in found if tag == "validation_accuracy"]
        # TensorBoard keeps float32.
        assert curve == pytest.approx([e["validation_accuracy"] for e in record.evaluations], rel=1e-6, nan_ok=True)
        (status,) = (tf.make_ndarray(tensor) for _, tag, _, tensor in found if tag == "status")
        assert status.item().decode() == record.status


class Tracking(types.ModuleType):
    """What MLflow 3 has of the calls that are made; the real one brings 31 packages, which the tests do without."""

    def __init__(self):
        super().__init__("mlflow")
        self.runs, self.deleted, self.active = {}, [], None

    def set_tracking_uri(self, uri):
        """Keeps the address."""
        self.uri = uri

    def set_experiment(self, name):
        """Keeps the name."""
        self.experiment = name

    def search_runs(self, *, filter_string, output_format):
        """Returns the runs of a name."""
        assert output_format == "list"
        name = filter_string.removeprefix("tags.mlflow.runName = '").removesuffix("'")
        info = types.SimpleNamespace(run_id=name)
        return [types.SimpleNamespace(info=info)] if name in self.runs else []

    def delete_run(self, run_id):
        """Deletes a run."""
        self.deleted.append(run_id)
        del self.runs[run_id]

    def start_run(self, *, run_name):
        """Begins a run."""
        assert self.active is None
        self.active = self.runs[run_name] = {"metrics": []}

    def log_params(self, params):
        """Keeps settings."""
        self.active["params"] = params

    def log_metrics(self, metrics, *, step):
        """Keeps scores, finite ones only, as its data base does."""
        assert all(map(math.isfinite, metrics.values()))
        self.active["metrics"].append((step, metrics))

    def set_tag(self, key, value):
        """Keeps a word."""
        self.active[key] = value

    def end_run(self):
        """Ends the run."""
        self.active = None


def test_mlflow_is_told_each_run_once(tmp_path, monkeypatch):
    """Tried against a stand-in with the same calls: a mirror made again replaces its runs."""
    fake = Tracking()
    monkeypatch.setitem(sys.modules, "mlflow", fake)
    records = evidence({"GD": [0.5, math.nan, 0.5, 0.5, 0.5]}).found[:2]
    for _ in range(2):
        assert mirrors.mirror(records, mirrors.opened("mlflow", tmp_path / "new")) == 2
    assert fake.uri == f"sqlite:///{tmp_path / 'new' / 'mlflow.db'}"
    assert [run["status"] for run in fake.runs.values()] == ["done", "diverged"]
    assert sorted(fake.deleted) == sorted(fake.runs)
    diverged = fake.runs[mirrors.name_of(records[1])]
    assert [step for step, _ in diverged["metrics"]] == [0, 32, 64, 96]
    assert "validation_accuracy" not in diverged["metrics"][-1][1]
    assert diverged["params"]["optimizer"] == "GD"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["mirror", "mnist", "tensorbord"], "Unknown program to mirror to 'tensorbord': did you mean 'tensorboard'?"),
        (["mirror", "mnits", "tensorboard"], "Unknown study 'mnits': did you mean 'mnist'?"),
        (["mirror", "mnist", "mlflow"], "No run of the study mnist is recorded in runs"),
    ],
)
def test_bad_input_gets_one_sentence(words, sentence, capsys, monkeypatch, tmp_path):
    """Before anything is imported or written."""
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    assert sentence in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
