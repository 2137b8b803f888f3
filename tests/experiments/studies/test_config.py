"""A study is data: read with every fault named, and identified by what its numbers depend on."""

import dataclasses
from pathlib import Path

import pytest

from experiments import optimizers, studies
from experiments.errors import UserError, nearest
from experiments.problems import seeds, tasks
from experiments.studies import identity, runs
from tests.experiments.small import TOML, study

OURS = [name for name in studies.names() if not studies.declared(studies.find(name)).foreign]


@pytest.mark.parametrize("name", OURS)
def test_committed_studies_have_no_fault(name):
    """Every study in the folder can be read; its hash too, or what to type to have the data that it depends on."""
    study = studies.load(studies.find(name))
    if study.data in ("msd_heart", "acdc"):
        with pytest.raises(UserError, match=f"type: python -m experiments prepare {study.data} PATH"):
            identity.study_hash(study)
    else:
        assert len(identity.study_hash(study)) == 64


@pytest.fixture(autouse=True)
def _no_data_of_the_user(tmp_path, monkeypatch):
    """Hearts that a developer has prepared are none of the tests' business."""
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))


def test_labels_are_read_in_any_case_and_spelled_as_those_of_the_entries():
    """A reference that is written otherwise is still who is compared with."""
    text = TOML.replace("epochs = 1\n", 'epochs = 1\nreference = "adam"\n', 1)
    made = studies.parse(text.replace("0.001", '0.001\ncontains = ["gd"]'), "x.toml")
    assert (made.reference, made.optimizers[1].contains) == ("Adam", ("GD",))


def test_seeds_follow_from_the_budget_where_a_study_names_none():
    """Those of the laptop: five to evaluate, two to tune; a smaller budget has fewer."""
    text = TOML.replace("seeds = [0, 1]\n", "").replace("seeds = [1000]\n", "")
    smoke, laptop = (studies.parse(text.replace("smoke", budget), "x.toml") for budget in ("smoke", "laptop"))
    assert (smoke.seeds, smoke.tuning.seeds) == ((0, 1), (1000, 1001))
    assert (laptop.seeds, laptop.tuning.seeds) == ((0, 1, 2, 3, 4), (1000, 1001))


SEVERAL = """
[[problems]]
task = "mnist_orig"
data = "mnist_5k"

[[problems]]
task = "mni152"
data = "mni152_tissue/noise06"
epochs = 7
"""


def test_a_study_of_several_problems_is_one_study_for_each():
    """What a problem leaves out is the study's; each has files of its own."""
    text = TOML.replace('task = "mnist_mlp"\ndata = "mnist_5k"\n', "") + SEVERAL
    whole = studies.parse(text, "both.toml")
    (first, digits), (second, brain) = studies.each(Path("both.toml"), whole)
    assert [path.name for path in (first, second)] == [
        "both.mnist_orig-mnist_5k.toml",
        "both.mni152-mni152_tissue-noise06.toml",
    ]
    assert (digits.task, digits.epochs, brain.task, brain.epochs) == ("mnist_orig", 1, "mni152", 7)
    assert digits.optimizers == brain.optimizers == whole.optimizers
    assert identity.study_hash(digits) != identity.study_hash(brain)
    assert studies.each(Path("small.toml"), study()) == [(Path("small.toml"), study())]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('"mni152"', '"mni"', "task: Unknown task 'mni': did you mean 'mni152'?"),
        ("epochs = 7", "epochs = 0", "problems[1].epochs: must be a whole number from 1"),
        ("epochs = 7", "epoch = 7", "problems[1].epoch: is not a known key; did you mean 'epochs'?"),
        ('task = "mni152"\ndata = "mni152_tissue/noise06"', 'task = "mnist_orig"\ndata = "mnist_5k"', "appears twice"),
    ],
)
def test_a_fault_of_a_problem_is_refused_in_words(old, new, fault):
    """With the place where it stands."""
    text = TOML.replace('task = "mnist_mlp"\ndata = "mnist_5k"\n', "") + SEVERAL.replace(old, new)
    with pytest.raises(UserError) as caught:
        studies.parse(text, "both.toml")
    assert fault in str(caught.value)


def test_a_study_like_another_has_all_that_it_does_not_say_itself():
    """The optimizers are declared once."""
    brain, heart = (studies.load(studies.find(name)) for name in ("mni152", "msd_heart"))
    assert heart.optimizers == brain.optimizers
    assert (heart.tuning, heart.seeds) == (brain.tuning, brain.seeds)
    assert (heart.task, heart.data, heart.figures) == ("msd_heart", "msd_heart", "static/msd_heart")


def test_a_study_like_none_is_refused():
    """With the nearest match."""
    with pytest.raises(UserError, match="Unknown study 'mni': did you mean"):
        studies.parse('like = "mni"', "x.toml")


def test_a_preset_of_unknown_optimizers_is_refused():
    """It is a part of the study."""
    text = TOML + '[[presets]]\nname = "quick"\noptimizers = ["Adm"]\nseeds = [0]\nepochs = 1\nfigures = "x"\n'
    with pytest.raises(UserError, match=r"presets\[0\].label: Unknown label 'adm': did you mean 'adam'"):
        studies.parse(text, "small.toml")


def test_a_cycle_in_epochs_becomes_steps_of_the_study():
    """Five passes of nine steps; a full gradient has one step a pass."""
    study = studies.load(studies.find("mni152"))
    entry = next(entry for entry in study.optimizers if entry.label == "CLMR")
    run = runs.plan("x", study, runs.EVALUATION, entry, {"learning_rate": 0.01}, 0)
    assert run.hyperparameters == {"cycle": 45}
    full = dataclasses.replace(entry, batch="full")
    assert runs.plan("x", study, runs.EVALUATION, full, {"learning_rate": 0.01}, 0).hyperparameters == {"cycle": 5}


def test_a_tuning_run_may_have_a_budget_of_its_own():
    """Evaluation runs have the study's."""
    study = studies.load(studies.find("mni152"))
    made = {
        kind: runs.plan("x", study, kind, study.optimizers[0], {"learning_rate": 0.1}, 0)
        for kind in (runs.TUNING, runs.EVALUATION)
    }
    assert {kind: run.epochs for kind, run in made.items()} == {runs.TUNING: 5, runs.EVALUATION: 40}


def test_all_faults_are_named_at_once_with_their_paths():
    """One look at the message mends the whole file."""
    text = TOML.replace("epochs = 1", "epochs = 0").replace('"adam"', '"adm"').replace("smoke", "smoky")
    text = text.replace('task = "mnist_mlp"', 'tusk = "mnist_mlp"').replace("#D55E00", "red")
    with pytest.raises(UserError) as caught:
        studies.parse(text, "bad.toml")
    message = str(caught.value)
    for fault in (
        "tusk: is not a known key; did you mean 'task'?",
        "task: is missing.",
        "epochs: must be a whole number from 1",
        "budget: must be one of smoke, laptop, standard, paper",
        "optimizers[1].style.color: must be a colour",
    ):
        assert fault in message


def test_unknown_names_get_their_nearest_match():
    """A task, a data set and an optimizer that do not exist are found before anything runs."""
    text = TOML.replace('"adam"', '"adm"').replace('"mnist_mlp"', '"mnist_mpl"').replace('"mnist_5k"', '"mnist5k"')
    with pytest.raises(UserError) as caught:
        studies.parse(text, "bad.toml")
    for match in ("'adam'", "'mnist_mlp'", "'mnist_5k'"):
        assert f"did you mean {match}?" in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (
            "seeds = [0, 1]",
            "seeds = [1000]",
            "seeds: must be a list without repeats, each a whole number from 0 to 999",
        ),
        ("seeds = [0, 1]", "seeds = [0, 0]", "seeds: must be a list without repeats"),
        (
            "seeds = [1000]",
            "seeds = [0]",
            "tuning.seeds: must be a list without repeats, each a whole number from 1000",
        ),
        ("schema = 2", "schema = 1", "schema: must be 2, got 1."),
        ("schema = 2", "schema = 3", "is of schema 3, and this version reads 2: it needs a newer tfoptim"),
        ("[[optimizers]]", "[[optimizers]]\nschedule = 'own'", "'own' is for one with cycle_epochs"),
        ('figures = "figures"', 'figures = "../x"', "figures: must be a relative folder"),
        ('label = "Adam"', 'label = "gd"', "optimizers[1].label: 'gd' is taken"),
        ('batch = "mini"', "hyperparameters = { learning_rate = 1.0 }\nbatch = 'mini'", "is chosen by tuning"),
        (
            'batch = "mini"',
            "shares = { warmup = 1.5 }\nbatch = 'mini'",
            "shares: must be a table of numbers above 0 and up",
        ),
        (
            'batch = "mini"',
            "shares = { warmup = 0.5 }\nhyperparameters = { warmup = 3 }\nbatch = 'mini'",
            "optimizers[1].shares.warmup: is in hyperparameters, too; leave out one of both.",
        ),
        ("epochs = 1", "epochs = true", "epochs: must be a whole number"),
        ("[tuning]", "[tuning", "is not valid TOML"),
    ],
)
def test_a_fault_is_refused_in_words(old, new, fault):
    """Each rule of a study is a check."""
    with pytest.raises(UserError, match=r"small\.toml") as caught:
        studies.parse(TOML.replace(old, new), "small.toml")
    assert fault in str(caught.value)


def test_evaluation_seeds_do_not_touch_the_tuning():
    """More seeds can be evaluated without choosing rates again; another budget cannot."""
    assert identity.tuning_hash(study(seeds=(5,))) == identity.tuning_hash(study())
    assert identity.tuning_hash(study(epochs=2)) != identity.tuning_hash(study())


def test_tuning_and_evaluation_seeds_are_disjoint():
    """A selected run's own score never enters a reported mean."""
    assert not set(seeds.EVALUATION) & set(seeds.TUNING)


def test_a_tuning_run_never_names_the_test_split():
    """What is not loaded cannot leak."""
    assert "test" not in runs.SPLITS_OF_KIND[runs.TUNING]
    assert "test" in runs.SPLITS_OF_KIND[runs.EVALUATION]


def test_names_known_without_tensorflow_are_the_librarys():
    """The list read from the files is the list that the classes give."""
    import tfoptim

    assert list(optimizers.available()) == list(tfoptim.available())


def test_nearest_ignores_case_and_gives_up_on_strangers():
    """A hint must be likely, or it misleads."""
    assert nearest("ADAMX", ["Adam", "Adamax", "GD"]) == "Adamax"
    assert nearest("zzz", ["Adam", "GD"]) is None


def test_unknown_task_is_refused():
    """Tasks are found by the name of their file."""
    with pytest.raises(UserError, match="did you mean 'mnist_orig'"):
        tasks.get("mnist_origin")


def test_presets_are_read_under_their_old_name():
    """As files of earlier versions have them."""
    preset = 'name = "quick"\noptimizers = ["Adam"]\nseeds = [0]\nepochs = 1\nfigures = "x"\n'
    old, new = (studies.parse(f"{TOML}[[{key}]]\n{preset}", "small.toml") for key in ("tiers", "presets"))
    assert old == new
    assert [one.name for one in old.presets] == ["quick"]
