"""A study that cannot be read is refused in words, all faults at once, and nothing is made."""

import pytest

from experiments import studies
from experiments.__main__ import main
from experiments.errors import UserError
from tests.experiments.small import TOML


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A working directory that stays as it is."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(capsys, folder):
    """What is said of the study by a dry run, which makes nothing."""
    before = sorted(folder.iterdir())
    assert main(["run", "bad.toml", "--dry-run"]) == 2
    assert sorted(folder.iterdir()) == before
    return capsys.readouterr().err


def test_faults_of_all_kinds_are_named_together(capsys, folder):
    """Values out of range, keys that there are not, and names of tasks, data and optimizers that nobody knows."""
    changes = {"epochs = 1": "epochs = -1", '"mnist_mlp"': '"../../etc/passwd"', '"mnist_5k"': '"mnist_5kk"'}
    text = TOML.replace('"adam"', '"admm"').replace("seeds = [0, 1]", "seeds = [0, 0]\nwat = 3")
    for old, new in changes.items():
        text = text.replace(old, new)
    (folder / "bad.toml").write_text(text, encoding="utf-8")
    said = refused(capsys, folder)
    assert "bad.toml has 6 fault(s):" in said
    for words in (
        "wat: is not a known key",
        "epochs: must be a whole number from 1 to 100000, got -1",
        "seeds: must be a list without repeats",
        "task: Unknown task '../../etc/passwd'",
        "data: Unknown data 'mnist_5kk': did you mean 'mnist_5k'?",
        "optimizers[1].optimizer: Unknown optimizer 'admm': did you mean 'adam'?",
    ):
        assert words in said


def test_a_reference_and_what_contains_another_must_be_entries(capsys, folder):
    """With the nearest label; and a schedule of its own is for optimizers that have one."""
    text = TOML.replace("epochs = 1\n", 'epochs = 1\nreference = "Adem"\n', 1)
    text = text.replace(
        "default_learning_rate = 0.001", 'default_learning_rate = 0.001\nschedule = "own"\ncontains = ["G"]'
    )
    (folder / "bad.toml").write_text(text, encoding="utf-8")
    said = refused(capsys, folder)
    assert "reference: Unknown label 'adem': did you mean 'adam'?" in said
    assert "optimizers[1].contains: Unknown label 'g': did you mean 'gd'?" in said
    assert "'own' is for one with cycle_epochs, or made for a constant rate." in said
    text = TOML.replace('"adam"', '"schedulefreeadamw"').replace("0.001", '0.001\nschedule = "own"')
    assert studies.parse(text, "good.toml").optimizers[1].schedule == "own"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("cocob", "COCOB has no learning rate to choose; DoG and Prodigy have one"),
        (
            "adahessian",
            "AdaHessian needs the loss, and runs give it gradients alone; train with tfoptim.training.train",
        ),
    ],
)
def test_an_optimizer_that_no_study_can_have_is_refused_as_the_study_is_read(capsys, folder, name, words):
    """Before data are loaded and others are trained; with the way out."""
    (folder / "bad.toml").write_text(TOML.replace('"adam"', f'"{name}"'), encoding="utf-8")
    assert f"bad.toml has 1 fault(s):\n  optimizers[1].optimizer: {words}" in refused(capsys, folder)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xfe", "error: bad.toml cannot be read: 'utf-8' codec can't decode byte 0xff"),
        (b"x = [", "error: bad.toml is not valid TOML: "),
        (b"", "error: bad.toml has "),
        (b"schema = 99", "error: bad.toml is of schema 99, and this version reads 2: it needs a newer tfoptim."),
        (b'optimizers = "adam"\nproblems = 7', "error: bad.toml has "),
        (b'like = "bad.toml"', "error: bad.toml is like bad.toml, which is like itself."),
        (b'like = "other.toml"', "error: other.toml is not valid TOML: "),
    ],
)
def test_what_is_no_study_is_refused(capsys, folder, content, words):
    """Bytes that are no text, text that is no TOML, an empty file, a newer schema, circles."""
    (folder / "other.toml").write_text("[", encoding="utf-8")
    (folder / "bad.toml").write_bytes(content)
    assert refused(capsys, folder).startswith(words)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('"adam"', '"adam"\nhyperparameters = { epsilon = nan }', "hyperparameters: must be a table of finite numbers"),
        ('"adam"', '"adam"\nhyperparameters = { epsilon = 1' + 400 * "0" + " }", "must be a table of finite numbers"),
        ("epochs = 1", "epochs = 1" + 5000 * "0", "small.toml is not valid TOML: "),
        (
            '"adam"',
            '"adam"\nhyperparameters = { betaa_1 = 0.5 }',
            "optimizers[1].hyperparameters: Unknown argument 'betaa_1': did you mean 'beta_1'?",
        ),
        (
            '"adam"',
            '"adam"\nhyperparameters = { beta_1 = 5, beta_2 = 0.5 }',
            "optimizers[1].hyperparameters: Adam: beta_1 must satisfy 0 <= x < 1, got 5.0. Allowed: finite numbers in",
        ),
        (
            '"adam"',
            '"adam"\nhyperparameters = { clipnorm = 1.0, clipvalue = 1.0 }',
            "optimizers[1].hyperparameters: Adam: clipnorm and clipvalue exclude each other; give one of them.",
        ),
        (
            '"adam"',
            '"muon"\nhyperparameters = { lazy = true }',
            "Muon: lazy must be False, because the rule needs whole",
        ),
        ('"adam"', '"sgd"\nhyperparameters = { cautious = true }', "SGD: cautious must be False, because the rule has"),
        ('"adam"', '"adam"\ncycle_epochs = 1.0', "optimizers[1].cycle_epochs: Adam has no cycle; leave it out."),
        ('"adam"', '"adam"\nshares = { beta_1 = 0.5 }', "optimizers[1].shares: Adam: beta_1 must satisfy 0 <= x < 1"),
        ('label = "Adam"', 'label = "a, b"', "optimizers[1].label: 'a, b' has a comma, which separates labels in"),
        ('"adam"', '"adam"\nshares = { foo = 0.5 }', "optimizers[1].shares: Unknown argument 'foo'"),
        ('"adam"', '"adam"\ncontains = ["Adam"]', "optimizers[1].contains: has Adam itself; leave it out."),
    ],
    ids=[
        "nan",
        "beyond floats",
        "beyond integers",
        "argument",
        "value",
        "clips",
        "lazy",
        "cautious",
        "cycle",
        "number",
        "comma",
        "share",
        "itself",
    ],
)
def test_what_no_run_could_use_is_refused(old, new, fault):
    """When the file is read, and not by a worker, nor by an error from inside."""
    with pytest.raises(UserError) as caught:
        studies.parse(TOML.replace(old, new), "small.toml")
    assert fault in str(caught.value)


PRESET = '[[presets]]\nname = "quick"\nfigures = "x"\noptimizers = ["Adam"]\nseeds = [0]\nepochs = 1\n'


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        (PRESET * 2, "presets[1].name: 'quick' is taken by another preset"),
        (f'{PRESET}data = "mnist_5kk"\n', "presets[0].data: Unknown data 'mnist_5kk': did you mean 'mnist_5k'?"),
    ],
)
def test_presets_are_checked_before_they_are_asked_for(more, fault):
    """Of two with one name, one would never be found."""
    with pytest.raises(UserError) as caught:
        studies.parse(TOML + more, "small.toml")
    assert fault in str(caught.value)


def test_what_follows_from_a_fault_is_no_fault_of_its_own():
    """Without a task there are no usual data, and without a name of code no label."""
    for old, new in (('task = "mnist_mlp"\ndata = "mnist_5k"', 'task = "mnist_mlpp"'), ('"adam"', '"x:"')):
        text = TOML.replace(old, new)
        assert text != TOML
        with pytest.raises(UserError, match=r"has 1 fault\(s\)"):
            studies.parse(text, "small.toml")


def test_a_study_like_another_has_figures_of_its_own(folder):
    """Those of the other one would be drawn over."""
    (folder / "mine.toml").write_text('like = "mnist"\ntitle = "Mine"\n', encoding="utf-8")
    assert studies.load(folder / "mine.toml").figures == "runs/figures/mine"


@pytest.mark.parametrize("out", ["file", "file/below"])
def test_a_folder_for_figures_that_cannot_be_is_refused_before_anything_trains(capsys, folder, out):
    """And not after it."""
    (folder / "file").touch()
    assert main(["compare", "mnist", "--out", out]) == 2
    assert f"--out must be a folder, got {out}: file is a file." in capsys.readouterr().err


def test_names_stand_for_tables_and_nothing_else_does():
    """The entry that is neither is shown."""
    for given, shown in (('"adam"', "'adam'"), ("[1, 2]", "1"), ('["adam", 5]', "5")):
        with pytest.raises(UserError, match=r"optimizers: must be a list of tables, or of names") as caught:
            studies.parse(f'title = "x"\ntask = "mnist_mlp"\nepochs = 1\noptimizers = {given}\n', "small.toml")
        assert f"got {shown}." in str(caught.value)


def test_a_study_may_begin_with_a_byte_order_mark(tmp_path):
    """As some editors write it."""
    path = tmp_path / "small.toml"
    path.write_text("\ufeff" + TOML, "utf-8")
    assert studies.load(path).title == "A small study"
