"""The command line answers bad input at once, in one sentence with the nearest match."""

import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from experiments import studies
from experiments.__main__ import main
from experiments.cli import COMMANDS, page
from experiments.cli.command import GROUPS, parse
from experiments.errors import UserError
from experiments.problems import datasets
from tests.experiments.small import TOML, select, study

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["compar"], "Unknown command 'compar': did you mean 'compare'?"),
        (["compare", "mnits"], "Unknown study 'mnits': did you mean 'mnist'?"),
        (["compare", "--optimizers", "adm"], "Unknown optimizer 'adm': did you mean 'Adam'?"),
        (["compare", "--optimizers", "sgd,adamx"], "Unknown optimizer 'adamx': did you mean 'Adamax'?"),
        (["compare", "--data", "mnist_5"], "Unknown data set 'mnist_5': did you mean 'mnist_5k'?"),
        (["compare", "--epocs", "3"], "Unknown option --epocs: did you mean --epochs?"),
        (["compare", "--epocs=3"], "Unknown option --epocs=3: did you mean --epochs?"),
        (["tune", "--epochs", "3"], "Unknown option --epochs:"),
        (["--jobs", "3", "compare"], "Options such as --jobs come after the command: compare, run,"),
        (["--debgu"], "Options such as --debgu come after the command"),
        (["compare", "--epochs", "0"], "must be a whole number from 1 to 100000, got '0'"),
        (["compare", "--epochs"], "expected one argument"),
        (["compare", "--seeds", "x"], "must be a number of seeds or a list like 0,1,7, got 'x'"),
        (["compare", "--seeds", "1000,1"], "must be seeds from 0 to 999"),
        (["compare", "--seeds", "999999999999999999"], "must be seeds from 0 to 999"),
        (["compare", "--seeds", "9" * 5000], "must be a number of seeds or a list like 0,1,7"),
        (["compare", "--seeds", "0"], "at least one, got '0'"),
        (["compare", "--seeds", "4-0"], "got '4-0'; a range is 0-4"),
        (["compare", "--seeds", "0-"], "got '0-'; a range is 0-4"),
        (["compare", "--seeds", "-3"], "got '-3'; a range is 0-4"),
        (["report", "--seeds", "0-2,,5"], "got '0-2,,5'; a range is 0-4"),
        (["run", "--seeds", "998-1000"], "must be seeds from 0 to 999"),
        (["compare", "--seeds", "0-999999999999999999"], "must be seeds from 0 to 999"),
        (["report", "--target", "nan"], "must be a number such as 0.9, got 'nan'"),
        (["report", "--target", "high"], "must be a number such as 0.9, got 'high'"),
        (["compare", "--jobs", "-1"], "must be a whole number"),
        (["compare", "mnist", "more"], "Unexpected argument 'more'"),
        (["tune", "missing.toml"], "Unknown study 'missing.toml': there is no such file."),
        (
            ["report", "bare.toml", "--preset", "quick"],
            "has no presets; make it smaller with --seeds, --epochs and --optimizers",
        ),
        (["compare", "mni152", "--tier", "quik"], "Unknown preset 'quik': did you mean 'quick'?"),
        (
            ["report", "bare.toml", "--preset", "quick"],
            "Studies with presets: acdc (quick), deepobs_fmnist_2c2d (quick), deepobs_quadratic (quick), ",
        ),
        (["compare", "mnist", "--preset", "laptop"], "'laptop' is a budget, not a preset: set it in the study's file"),
        (["run", "mni152", "--preset", "paper"], "'paper' is a budget, not a preset"),
        (
            ["compare", "--optimizers", "Adam,AdamW"],
            "The study mnist has no AdamW; it has GD, SGD, Momentum, AdaGrad, Adam,",
        ),
        (
            ["compare", "--optimizers", "Adam,AdamW"],
            'with optimizer = "adamw", and choose its learning rate with: python',
        ),
        (["report", "functions", "--optimizers", "nadam"], "The study functions has no nadam; it has"),
        (["run", "--optimizers", "adam", "adadelta"], "The study mnist has no adadelta; it has"),
        (["compare", "--optimizers", "Adam,Adm"], "Unknown optimizer 'Adm': did you mean 'Adamax'? Known: GD, SGD,"),
        (["compare", "--optimizers", "adam,adamax,Adamx"], "Unknown optimizer 'Adamx': did you mean 'AdaGrad'?"),
    ],
)
def test_bad_input_gets_one_sentence_and_exit_code_2(capsys, tmp_path, monkeypatch, words, sentence):
    """No traceback, nothing on standard output, one line of help."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bare.toml").write_text(TOML, encoding="utf-8")
    assert main(words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert sentence in captured.err
    assert len(captured.err.strip().splitlines()) == 1


def test_debug_shows_the_traceback():
    """For those who mend the program."""
    with pytest.raises(UserError, match="Unknown study"):
        main(["compare", "mnits", "--debug"])


def test_an_unforeseen_error_is_told_in_one_line(capsys, monkeypatch):
    """The traceback is for those who ask."""

    def broken(path):
        raise RuntimeError("out of luck")

    monkeypatch.setattr("experiments.studies.load", broken)
    assert main(["compare"]) == 1
    assert capsys.readouterr().err == "error: RuntimeError: out of luck (--debug shows where)\n"


def test_a_study_with_faults_names_them_all(capsys, tmp_path):
    """One line for each fault."""
    path = tmp_path / "bad.toml"
    path.write_text(TOML.replace("epochs = 1", "epochs = 0").replace("smoke", "smokey"), encoding="utf-8")
    assert main(["compare", str(path)]) == 2
    error = capsys.readouterr().err
    assert "bad.toml has 2 fault(s)" in error
    assert "\n  epochs: must be" in error
    assert "\n  budget: must be one of smoke, laptop, standard, paper" in error


def test_a_study_without_rates_is_refused(capsys, tmp_path):
    """Rates are never made up, and the command that chooses them is named."""
    path = tmp_path / "small.toml"
    path.write_text(TOML, encoding="utf-8")
    assert main(["compare", str(path)]) == 2
    assert "choose them with: python -m experiments tune" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["run", "compare", "report", "time"])
@pytest.mark.parametrize("name", ["mine3.toml", "mnist.toml", "my-copy.toml"])
def test_advice_for_a_copied_study_names_its_file(capsys, tmp_path, monkeypatch, command, name):
    """Also for a copy under the name of a study that there is, whose rates are chosen and are not the copy's."""
    monkeypatch.chdir(tmp_path)
    Path(name).write_text((studies.STUDIES / "mnist.toml").read_text(encoding="utf-8"), encoding="utf-8")
    assert main([command, name]) == 2
    advice = capsys.readouterr().err.strip()
    assert advice.endswith(f"python -m experiments tune {name}")
    assert main(["tune", name, "--dry-run"]) == 0


def test_advice_for_one_problem_of_a_study_names_the_study(tmp_path):
    """Of several problems each has files of its own, and commands take the whole; a path with a space is quoted."""
    assert studies.typed(studies.STUDIES / "functions.beale-beale.toml") == "functions"
    assert studies.typed(Path("mine.beale-beale.toml")) == "mine.toml"
    assert studies.typed(tmp_path / "a b" / "mine.toml") == f"'{tmp_path / 'a b' / 'mine.toml'}'"


@pytest.mark.parametrize(
    ("text", "seeds"),
    [
        ("3", 3),
        ("0-4", (0, 1, 2, 3, 4)),
        ("0-2,5", (0, 1, 2, 5)),
        ("7,0 - 2", (7, 0, 1, 2)),
        ("3-3", (3,)),
        ("0-2,1-3", (0, 1, 2, 3)),
        ("0,1,7", (0, 1, 7)),
    ],
)
def test_seeds_are_a_number_a_list_or_ranges(text, seeds):
    """In any order, each once."""
    assert parse(["compare", "--seeds", text], COMMANDS).seeds == seeds


def test_the_help_tells_of_ranges(capsys):
    """Of every command that takes seeds."""
    for command in ("compare", "report", "run", "reproduce", "benchmark"):
        with pytest.raises(SystemExit, match="0"):
            main([command, "--help"])
        assert "N|A,B|A-B" in capsys.readouterr().out


def test_a_data_set_out_of_reach_is_refused_and_not_replaced(capsys, tmp_path, monkeypatch):
    """Asking for MNIST without a network names the embedded digits."""
    path = tmp_path / "small.toml"
    path.write_text(TOML, encoding="utf-8")
    select(path, study())
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(datasets, "_probe", lambda url: "no network")
    assert main(["compare", str(path), "--data", "mnist"]) == 2
    error = capsys.readouterr().err
    assert "mnist is not on this machine and cannot be downloaded (no network)" in error
    assert "mnist_5k" in error


def test_list_names_everything_there_is(capsys):
    """Studies, data sets, tasks and optimizers."""
    assert main(["list"]) == 0
    shown = capsys.readouterr().out
    for word in ("mnist ", "mnist_5k", "mnist_orig", "mnist_mlp", "adamax"):
        assert word in shown


def test_no_command_prints_the_help(capsys):
    """A newcomer sees an example of each command, and the exit codes."""
    assert main([]) == 0
    shown = capsys.readouterr().out
    assert "python -m experiments resume " in shown
    assert "exit codes: 0 all done, 1 something failed, 2 bad input, 3 locked by another process" in shown


@pytest.mark.parametrize("command", COMMANDS, ids=[one.name for one in COMMANDS])
def test_each_command_has_help_with_examples_that_it_takes(capsys, command):
    """Whoever copies one gets no error for a word in it."""
    with pytest.raises(SystemExit, match="0"):
        main([command.name, "--help"])
    shown = capsys.readouterr().out
    assert command.sentence in " ".join(shown.split())
    assert command.group in GROUPS
    for example, why in command.examples:
        line = f"python -m experiments {command.name} {example}".strip()
        assert re.search(rf"^  {re.escape(line)} +{re.escape(why)}$", shown, re.MULTILINE)
        assert parse([command.name, *shlex.split(example)], COMMANDS).command == command.name


def test_the_documentation_is_that_of_the_declarations():
    """`make commands` writes it."""
    assert (ROOT / "docs/compare/commands.md").read_text(encoding="utf-8") == page()


def test_the_old_name_of_a_preset_is_still_taken():
    """For one release, and no help shows it."""
    assert parse(["compare", "mni152", "--tier", "quick"], COMMANDS).preset == "quick"
    assert parse(["compare", "mni152"], COMMANDS).preset is None
    assert "--tier" not in page()


def test_answers_come_without_importing_tensorflow():
    """Help and errors must not take the seconds that TensorFlow needs."""
    code = (
        "import sys; from experiments.__main__ import main; main(['list']); main(['compare', 'mnits'])\n"
        "print(sorted({name.split('.')[0] for name in sys.modules} & {'tensorflow', 'keras', 'tensorflow_datasets'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_reader_that_has_had_enough_is_no_error():
    """As when the output goes through `head`."""
    command = [sys.executable, "-m", "experiments", "list"]
    listing = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    listing.stdout.close()
    assert listing.stderr.read() == ""
    assert listing.wait() == 128 + signal.SIGPIPE
    listing.stderr.close()
