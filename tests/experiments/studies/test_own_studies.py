"""Studies of one's own code: four keys are enough, code runs only where it is named, its meaning is in the hash."""

import dataclasses

import pytest

from experiments import studies
from experiments.errors import UserError
from experiments.problems import datasets, own, tasks
from experiments.problems.own import outside
from experiments.studies import identity, runs
from experiments.studies.completing import COLORS
from experiments.studies.reference import page
from experiments.tuning import choosing
from tests.experiments.owned import ENTRIES, FILES, ROOT, TASK, place, toml
from tests.experiments.small import TOML

pytestmark = pytest.mark.usefixtures("unknown_after")


def test_four_keys_are_a_study(tmp_path):
    """All else has defaults: data, batch, budget, seeds, tuning, labels, rates and looks."""
    study = studies.load(place(tmp_path))
    assert (study.data, study.batch_size, study.micro_batch, study.budget, study.track) == (
        "moons.py:TASK", 32, 32, "laptop", "tuned",
    )  # fmt: skip
    assert study.figures == "runs/figures/moons"
    assert (study.seeds, study.tuning.seeds) == ((0, 1, 2, 3, 4), (1000, 1001))
    entries = study.optimizers
    assert [entry.label for entry in entries] == ["Adam", "keras Lion", "SignDescent"]
    assert [entry.default_learning_rate for entry in entries] == [0.001, 0.001, 0.01]
    assert [entry.style.color for entry in entries] == list(COLORS[:3])
    assert study.foreign == ("moons.py:TASK", "keras:Lion", "signs.py:SignDescent")


def test_a_task_of_the_project_needs_four_keys_too():
    """It has a usual data set; the rate of a rule that derives from another is that one's."""
    text = toml('"SGD", "adamw"', "mnist_mlp")
    study = studies.parse(text, "x.toml")
    assert (study.data, study.foreign) == ("mnist_5k", ())
    assert [entry.default_learning_rate for entry in study.optimizers] == [0.01, 0.001]
    assert [name for name in own.BUILT_IN if (tasks.get(name).data or name) not in datasets.CARDS] == []


def test_looks_are_no_part_of_a_study_and_a_part_of_one_may_be_given():
    """The rest of a look comes from the place in the list."""
    entry = '{ optimizer = "adam", style = { color = "#123456" } }'
    plain, coloured = (studies.parse(toml(one, "mnist_mlp"), "x.toml") for one in ('"adam"', entry))
    assert coloured.optimizers[0].style == dataclasses.replace(plain.optimizers[0].style, color="#123456")
    assert identity.study_hash(plain) == identity.study_hash(coloured)


def test_code_runs_only_for_a_study_that_is_named(tmp_path):
    """Not where studies are listed."""
    path = place(tmp_path, moons="raise SystemExit('it ran')\nTASK = 1\n")
    assert studies.declared(path).task == "moons.py:TASK"
    with pytest.raises(UserError, match=r"task: moons.py:TASK: cannot be loaded: SystemExit: it ran \(line 1 of moons"):
        studies.load(path)


def test_all_faults_of_a_study_and_its_code_are_named_at_once(tmp_path):
    """Those of the file, those that can be read off the code, and those that show when it runs."""
    entries = '"adm", "cocob", "AdaHessian", "keras:lion", "kers.x:Y", "signs.py:SignDescent"'
    more = "epoch = 3\nseeds = [-1]\n[[optimizers]]"
    path = place(
        tmp_path,
        moons=TASK.replace("Dense(2)", "Dense(2, 'softmax')") + "TASK = Task",
        signs="def SignDescent(rate): pass\n",
        **{"moons.toml": toml(entries, more=more.removesuffix("[[optimizers]]"))},
    )
    with pytest.raises(UserError) as caught:
        studies.load(path)
    said = str(caught.value)
    for fault in (
        "epoch: is not a known key; did you mean 'epochs'?",
        "seeds: must be a list without repeats",
        "optimizers[0].optimizer: Unknown optimizer 'adm': did you mean 'adam'?",
        "optimizers[1].optimizer: COCOB has no learning rate to choose",
        "optimizers[2].optimizer: AdaHessian needs the loss, and runs give it gradients alone",
        "optimizers[3].optimizer: keras.optimizers has no lion; did you mean 'Lion'?",
        "optimizers[4].optimizer: there is no module 'kers.x' for Python to import",
        "optimizers[5].optimizer: signs.py:SignDescent: its constructor has no argument learning_rate",
        "task: moons.py:TASK: model(seed) must end in logits, without the activation softmax",
    ):
        assert fault in said
    assert "moons.toml has 9 fault(s)" in said


@pytest.mark.parametrize(
    ("entries", "more", "fault"),
    [
        (
            '"adam", { optimizer = "sgd", learning_rate = 0.1 }',
            "",
            "optimizers[0].learning_rate: is missing; give every",
        ),
        ('{ optimizer = "sgd", learning_rate = 0.1 }', 'track = "tuned"\n', "optimizers[0].learning_rate: is for the"),
        ('{ optimizer = "sgd", learning_rate = 0 }', "", "optimizers[0].learning_rate: must be a number above 0"),
        ('"adam"', 'track = "given"\n', "optimizers[0].learning_rate: is missing"),
        ('"adam", "Adam"', "", "optimizers[1].label: 'Adam' is taken by another entry; give this one a label"),
        ("3", "", "optimizers: must be a list of tables"),
    ],
)
def test_a_fault_of_rates_and_entries_is_refused_in_words(entries, more, fault):
    """With what to do."""
    with pytest.raises(UserError) as caught:
        studies.parse(toml(entries, "mnist_mlp", more), "x.toml")
    assert fault in str(caught.value)


def test_an_own_task_has_its_own_data(tmp_path):
    """No other can be named for it."""
    path = place(tmp_path, **{"moons.toml": toml(more='data = "mnist_5k"\n')})
    with pytest.raises(UserError, match="data: a task of your own has its own data; leave it out"):
        studies.declared(path)


def test_rates_in_the_file_replace_the_tuning():
    """Nothing is tried; the choice is what the file says."""
    study = studies.parse(toml('{ optimizer = "sgd", learning_rate = 0.3 }', "mnist_mlp"), "x.toml")
    assert (study.track, study.tuned) == ("given", False)
    choice = choosing.documented(study)["SGD"]
    assert (choice.learning_rate, choice.trials) == (0.3, (0, 0))
    assert choosing.algorithm(study, study.optimizers[0], "cosine") == "SGD | cosine | given rates | K=0"
    assert identity.study_hash(study) != identity.study_hash(studies.parse(toml('"sgd"', "mnist_mlp"), "x.toml"))


def planned(folder, **files):
    """The first run of a study in a folder, and the hash of the study."""
    outside.version.cache_clear()
    study = studies.load(place(folder, **files))
    name = identity.study_hash(study)
    return runs.plan(name, study, runs.EVALUATION, study.optimizers[2], {"learning_rate": 0.1}, 0), name


def test_the_meaning_of_code_and_the_arrays_are_in_the_hash_and_the_place_is_not(tmp_path):
    """A moved folder finds its records; a changed optimizer, model or array trains again."""
    first, study = planned(tmp_path / "a")
    moved, same = planned(tmp_path / "b", moons=FILES["moons.py"] + "# a comment\n")
    assert (first.identity, study) == (moved.identity, same)
    assert (first.folder, moved.folder) == (str(tmp_path / "a"), str(tmp_path / "b"))
    assert first.program == moved.program
    rule, _ = planned(tmp_path / "c", signs=FILES["signs.py"].replace("rate * ", "2 * rate * "))
    model, _ = planned(tmp_path / "d", moons=FILES["moons.py"].replace("16", "17"))
    draws, _ = planned(tmp_path / "e", moons=FILES["moons.py"].replace("0.15", "0.16"))
    assert len({run.identity for run in (first, rule, model, draws)}) == 4
    assert draws.split_sha256 != first.split_sha256 == model.split_sha256
    assert runs.Run(**first.content) == first


def test_a_run_of_the_projects_own_code_is_as_it_was():
    """Committed choices, targets and records hang on it."""
    study = studies.parse(TOML, "small.toml", "/somewhere")
    run = runs.plan("x", study, runs.EVALUATION, study.optimizers[1], {"learning_rate": 0.1}, 0)
    assert not {"folder", "optimizer_version"} & set(run.content)
    assert identity.study_hash(study) == identity.study_hash(studies.parse(TOML, "small.toml"))


def test_a_study_like_one_elsewhere_finds_its_code(tmp_path):
    """Paths of code are from the file that has them."""
    model = place(tmp_path / "a")
    other = tmp_path / "b" / "other.toml"
    other.parent.mkdir()
    other.write_text(f'like = "{model}"\nepochs = 2\n')
    study = studies.load(other)
    assert (study.task, study.epochs) == ("../a/moons.py:TASK", 2)
    assert study.optimizers[2].optimizer == "../a/signs.py:SignDescent"


def test_a_study_is_like_one_in_its_own_folder(tmp_path, monkeypatch):
    """Wherever the command is typed; a path from there is found too, and each file names others from its own folder."""
    model = place(tmp_path / "a")
    (tmp_path / "a" / "longer.toml").write_text('like = "moons.toml"\nepochs = 3\n')
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "other.toml").write_text('like = "../a/longer.toml"\nbatch_size = 8\n')
    (tmp_path / "b" / "from_here.toml").write_text('like = "a/longer.toml"\nbatch_size = 8\n')
    monkeypatch.chdir(tmp_path)
    for name in ("other", "from_here"):
        study = studies.declared(tmp_path / "b" / f"{name}.toml")
        assert (study.epochs, study.batch_size) == (3, 8)
        assert study.task == "../a/moons.py:TASK"
    assert studies.declared(model).epochs == 4


def test_the_example_is_a_study_of_its_own_code():
    """What it compares are one of each kind, and one algorithm twice."""
    study = studies.load(studies.find("example"))
    assert study.foreign == ("example_task.py:TASK", "keras:Lion", "example_task.py:SignDescent")
    assert [entry.label for entry in study.optimizers] == ["Adam", "keras Lion", "Lion", "SignDescent"]
    assert study.track == "given"


def test_the_reference_of_study_files_is_made_from_the_declarations():
    """`make study-file` writes it; each key says what it means."""
    assert (ROOT / "docs" / "compare" / "study-file.md").read_text(encoding="utf-8") == page()
    for cls in (studies.Study, studies.Entry, studies.Problem, studies.Style, studies.Tuning):
        assert all(field.metadata.get("meaning") for field in dataclasses.fields(cls) if field.name != "folder")


def test_entries_named_on_the_page_are_those_of_the_tests():
    """So that both say the same."""
    assert f"optimizers = [{ENTRIES}]" in FILES["moons.toml"]
