"""The command `benchmark`: what it writes, prints and refuses, and what stays when it is interrupted."""

import subprocess
import sys

import pytest

from experiments.__main__ import main
from experiments.checks.benchmark import plan
from experiments.checks.benchmark.plan import Row


def test_an_interrupted_benchmark_keeps_what_it_has_measured(monkeypatch, tmp_path, capsys):
    """In a table of its own, which can be drawn; tables and figure of the last whole one stay."""

    def measured(pairs, settings, bandwidth):
        yield pairs[0], [Row("sgd", "table_1k", "ours", median_ms=1.0, ratio=1.0, ratio_low=1.0, ratio_high=1.0)]
        raise KeyboardInterrupt

    monkeypatch.setattr("experiments.checks.benchmark.measure.measured", measured)
    command = ["benchmark", "--sets", "table_1k", "--contenders", "ours", "--out", str(tmp_path)]
    assert main(command) == 130
    assert [path.name for path in tmp_path.iterdir()] == ["benchmark_interrupted.csv"]
    assert "tables and figure are unchanged" in capsys.readouterr().err


@pytest.mark.slow
def test_a_process_that_dies_is_told_and_what_was_measured_stays(monkeypatch, tmp_path, capsys):
    """Each set is measured in a process of its own; one that runs out of memory is killed by the system."""
    monkeypatch.setattr("experiments.checks.benchmark.measure.serve", sys.exit)  # with its first argument for a code
    assert main(["benchmark", "--sets", "table_1k", "--out", str(tmp_path)]) == 1
    assert "The process that measured 'table_1k' ended with code 1." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--rules", "adm"], "Unknown rule 'adm': did you mean 'adam'?"),
        (["--sets", "mlp,resnet"], "Unknown variable set 'resnet': did you mean 'resnet50'?"),
        (["--contenders", "ours", "kreas"], "Unknown contender 'kreas': did you mean 'keras'?"),
        (["--rules", "adam_lazy", "--sets", "mlp"], "Nothing to measure"),
        (["--rounds", "0"], "must be a whole number"),
        (["--fit", "--plain"], "one at a time"),
        (["--fit", "--sets", "mlp"], "--sets does nothing with --fit."),
        (["--plain", "--quick"], "--quick does nothing with --plain."),
        (["--fit", "--seeds", "1"], "--seeds does nothing with --fit."),
        (["--epochs", "2"], "--epochs does nothing without --fit or --plain."),
        (["--from", "missing.csv"], "There is no table 'missing.csv'"),
        (["--quik"], "Unknown option --quik: did you mean --quick?"),
    ],
)
def test_bad_input_gets_one_sentence(capsys, words, sentence):
    """Before anything is measured."""
    assert main(["benchmark", *words]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert sentence in captured.err
    assert len(captured.err.strip().splitlines()) == 1


def test_a_table_of_something_else_is_refused(capsys, tmp_path):
    """The command that writes such tables is named."""
    (tmp_path / "other.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    assert main(["benchmark", "--from", str(tmp_path / "other.csv")]) == 2
    assert "is not a table of `python -m experiments benchmark`" in capsys.readouterr().err


@pytest.mark.slow
def test_the_command_measures_writes_and_prints(capsys, tmp_path):
    """End to end, on the smallest table."""
    words = ["--rules", "sgd", "--sets", "table_1k", "--contenders", "keras", "--rounds", "2", "--out", str(tmp_path)]
    assert main(["benchmark", *words]) == 0
    assert "SGD" in capsys.readouterr().out
    found, about = plan.read(Row, (tmp_path / "benchmark.csv").read_text(encoding="utf-8"))
    ours, theirs = found
    assert ("ours", "keras") == (ours.contender, theirs.contender)
    assert (ours.calls, theirs.calls) == (6, 6)
    assert ours.ratio == 1.0
    for one in found:
        assert one.lower_ms <= one.median_ms <= one.upper_ms
        assert one.minimum_ms <= one.lower_ms
        assert one.first_call_s > 0
        assert one.operations_per_variable > 5
    assert about["command"] == "python -m experiments benchmark " + " ".join(words)


def test_a_wrong_name_is_answered_without_importing_tensorflow():
    """The answer must not take the seconds that TensorFlow needs."""
    code = (
        "import sys; from experiments.__main__ import main; main(['benchmark', '--rules', 'adm'])\n"
        "print({name.split('.')[0] for name in sys.modules} & {'tensorflow', 'keras', 'torch', 'matplotlib'})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout == "set()\n"
