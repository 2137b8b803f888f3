"""A study of one's own code from a folder elsewhere, by what docs/compare/own-study.md says."""

import json
import re
import shutil

import pytest

from experiments import studies
from experiments.__main__ import main
from experiments.problems.own import outside
from experiments.records import attempts, run_folder
from experiments.studies import identity, runs
from experiments.text import from_csv
from experiments.tuning import choosing
from tests.experiments import tiny, whole
from tests.experiments.owned import FILES, PAGE, place, toml

FAST = 'budget = "smoke"\n'  # as the page says
NOT_RUN = "raise SystemExit('it ran')\n"


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working directory, and an engine without processes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("experiments.running.engines.make", lambda *arguments: tiny.Inline())
    return tmp_path


@pytest.mark.slow
def test_the_study_of_the_page_is_made_by_one_command(here, unknown_after, capsys):
    """Rates are chosen first, then all runs are made; the lint says that it is no evidence of this project."""
    path = place(here / "mine", **{"moons.toml": FILES["moons.toml"].replace("epochs = 4", "epochs = 1") + FAST})
    assert main(["compare", str(path), "--dry-run"]) == 0
    assert "moons: 18 runs, 0 recorded, 18 to make" in capsys.readouterr().out
    assert main(["compare", str(path), "--no-report"]) == 0
    said = capsys.readouterr()
    assert "moons has no learning rates yet; they are chosen first." in said.err
    assert re.search(r"SignDescent: 0\.\d+, validation accuracy 0\.\d+, out of", said.out)
    assert sorted(one.name for one in path.parent.glob("moons.*")) == [
        "moons.py", "moons.selection.json", "moons.toml", "moons.tuning.csv",
    ]  # fmt: skip
    assert "/" not in re.sub(r"float32|\d/\d", "", (path.parent / "moons.tuning.csv").read_text())
    study = studies.load(path)
    records = [one for one in run_folder.finished(here.glob("runs/moons-*")) if one.run.kind == runs.EVALUATION]
    assert {(one.run.label, one.run.seed) for one in records} == {
        (e.label, s) for e in study.optimizers for s in (0, 1)
    }
    assert main(["compare", str(path), "--no-report"]) == 0
    assert "6 of 6 runs are recorded already." in capsys.readouterr().err


def test_rates_of_the_page_need_no_tuning(here, unknown_after, capsys):
    """The entries with learning rates, as they stand on the page; the lint says that it is no evidence of ours."""
    (entries,) = re.findall(r"  optimizers = \[\n(.*?)\n  \]", PAGE, flags=re.DOTALL)
    path = place(here, **{"moons.toml": toml(entries.rstrip(" ,"), more=FAST)})
    assert main(["compare", str(path), "--dry-run"]) == 0
    assert "moons: 4 runs, 0 recorded, 4 to make" in capsys.readouterr().out
    choices = choosing.documented(studies.load(path))
    assert {label: choice.learning_rate for label, choice in choices.items()} == {"Adam": 0.01, "SignDescent": 0.003}
    assert main(["compare", str(path), "--no-report", "--seeds", "1"]) == 0
    assert "] SignDescent, rate 0.003, seed 0: validation accuracy 0." in capsys.readouterr().err
    main(["lint", str(path)])
    assert (
        "moons: outside the committed evidence, with code of its own: moons.py:TASK, signs.py:SignDescent."
    ) in capsys.readouterr().out
    assert main(["tune", str(path)]) == 2
    assert "The track 'given' tunes nothing: its learning rates are those of its file." in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["list"], ["lint"], ["compare", "mnist", "--preset", "other"], ["compare", "--help"]]
)
def test_code_of_a_study_does_not_run_for_other_commands(here, monkeypatch, capsys, words):
    """It stands among the studies, and nobody named it."""
    path = place(here / "studies", moons=NOT_RUN + "TASK = 1\n", signs=NOT_RUN + "SignDescent = 1\n")
    shutil.copy(studies.find("mnist"), path.with_name("mnist.toml"))
    for place_ in ("reading.STUDIES", "STUDIES"):
        monkeypatch.setattr(f"experiments.studies.{place_}", path.parent)
    if "--help" in words:
        with pytest.raises(SystemExit):
            main(words)
    else:
        main(words)
    said = capsys.readouterr()
    assert "it ran" not in said.out + said.err
    assert words != ["lint"] or "moons: outside the committed evidence: its own code (moons.py:TASK" in said.out


def test_rates_are_chosen_again_once_the_code_has_changed(here, unknown_after, monkeypatch, capsys):
    """As the page says of code that changed; a comment is no change."""
    path = place(here, **{"moons.toml": FILES["moons.toml"] + FAST})
    chosen = []
    monkeypatch.setattr("experiments.cli.tune.choose", lambda own, study, options: chosen.append(own.stem))
    (here / "moons.selection.json").write_text(json.dumps({"tuning_hash": identity.tuning_hash(studies.load(path))}))
    for new, times in (("rate *", 0), ("2 * rate *", 1)):
        (here / "signs.py").write_text("# a rule\n" + FILES["signs.py"].replace("rate *", new))
        outside.version.cache_clear()
        assert main(["compare", str(path), "--dry-run"]) == (0 if times else 2)  # the file here has no choices to read
        assert len(chosen) == times
    assert "moons has changed since its learning rates were chosen; they are chosen again." in capsys.readouterr().err


def interrupted(path, entry=2):
    """A study, and a run of one of its entries that was interrupted."""
    study = studies.load(path)
    name, chosen = identity.study_hash(study), study.optimizers[entry]
    run = runs.plan(name, study, runs.EVALUATION, chosen, {"learning_rate": 0.1}, 0)
    attempt = attempts.Attempt(run_folder.folder(run_folder.ROOT, "moons", run), run)
    attempt.append({"step": 0, "epoch": 0, "seconds": 0.0, "example_gradients": 0, "validation_loss": 1.0})
    attempt.give_up("interrupted", "")


def test_runs_of_code_that_has_changed_or_gone_are_skipped_and_the_others_resumed(here, unknown_after, capsys):
    """After an edit of its optimizer, and after its file is gone; the run of Adam is resumed."""
    path = place(here / "mine")
    interrupted(path)
    interrupted(path, entry=0)
    place(here / "mine", signs=FILES["signs.py"].replace("rate * ", "2 * rate * "))
    outside.version.cache_clear()
    assert main(["resume", "moons", "--dry-run"]) == 0
    said = capsys.readouterr()
    assert "is skipped: its problem, data or optimizer have changed since." in said.err
    assert "moons: 1 runs, 0 recorded, 1 to make" in said.out
    (here / "mine" / "signs.py").unlink()
    outside.version.cache_clear()
    assert main(["resume", "moons", "--dry-run"]) == 0
    said = capsys.readouterr()
    assert "SignDescent, seed 0 is skipped: signs.py:SignDescent: there is no file " in said.err
    assert "moons: 1 runs, 0 recorded, 1 to make" in said.out


@pytest.mark.slow
def test_interrupted_runs_of_own_code_wait_until_their_study_is_named(here, unknown_after, capsys):
    """A bare `resume` runs no code of anybody's."""
    interrupted(place(here))
    assert main(["resume"]) == 0
    said = capsys.readouterr()
    assert "SignDescent, seed 0 is skipped: moons.py:TASK, signs.py:SignDescent runs only when its" in said.err
    assert "There is nothing to resume." in said.out
    assert main(["resume", "moons", "--dry-run"]) == 0
    assert "moons: 1 runs, 0 recorded, 1 to make" in capsys.readouterr().out


def test_own_data_cannot_be_exchanged(here, unknown_after, capsys):
    """In one sentence."""
    assert main(["compare", str(place(here, **{"moons.toml": toml('{optimizer="adam", learning_rate=0.1}')})),
                 "--data", "mnist_5k"]) == 2  # fmt: skip
    assert "--data is for a task of this project; a task of your own has its own data." in capsys.readouterr().err


@pytest.mark.slow
def test_the_example_is_compared_from_another_folder_by_worker_processes(tmp_path):
    """With its report; Lion of Keras and of tfoptim have the same scores, and a cluster makes the same records."""
    for name in ("example.toml", "example_task.py"):
        shutil.copy(studies.STUDIES / name, tmp_path / name)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    code, said = whole.program(elsewhere, "compare", "../example.toml", real=True)
    assert code == 0, said
    report = elsewhere / "runs" / "figures" / "example"
    assert (report / "report.html").is_file()
    rows = {row["optimizer"]: row for row in from_csv((report / "report.csv").read_text())}
    assert set(rows) == {"Adam", "Lion", "keras Lion", "SignDescent"}
    assert rows["Lion"]["test_accuracy_mean"] == rows["keras Lion"]["test_accuracy_mean"]
    first = {one.run.identity: one.summary["state_sha256"] for one in run_folder.finished(elsewhere.glob("runs/ex*"))}
    (elsewhere / "runs").rename(elsewhere / "before")
    words = ("run", "../example.toml", "--engine", "slurm", "--engine-option", "cluster=local", "--jobs", "2")
    code, said = whole.program(elsewhere, *words, real=True)
    assert code == 0, said
    again = {one.run.identity: one.summary["state_sha256"] for one in run_folder.finished(elsewhere.glob("runs/ex*"))}
    assert len(again) == 8
    assert again.items() <= first.items()
