"""What the benchmark times is the same work everywhere, on the variables it names, for those who were asked for."""

import functools
import importlib.util
import math
import subprocess
import sys

import keras
import numpy as np
import pytest

import tfoptim
from experiments.__main__ import main
from experiments.checks.benchmark import plan
from experiments.checks.benchmark.contenders import Arrays, contenders
from experiments.checks.benchmark.plan import Row
from experiments.checks.benchmark.subjects import LEARNING_RATE, RULES, SETS, VariableSet
from experiments.errors import UserError
from tfoptim import native

TINY = VariableSet("tiny", "Tiny", ((7, 5), (5,)))
TABLE = VariableSet("tiny_table", "Tiny table", ((1000, 4),), table=True)
DENSE = [rule for rule in RULES.values() if not rule.ours_only]
TORCH = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is optional")


def moved(rule, variables, name, scale=1.0, steps=3):
    """The way that the weights of a contender go in some steps, on its own, with gradients times a scale."""
    arrays = Arrays(variables)
    arrays.gradients = [gradient * np.float32(scale) for gradient in arrays.gradients]
    contender = contenders(rule, arrays, [name])[name]
    for _ in range(steps):
        contender.step()
    return [after - before for after, before in zip(contender.weights(), arrays.weights, strict=True)]


@functools.cache
def moved_by_ours(rule, variables, scale):
    """The way of our own, which is that of all others."""
    return moved(RULES[rule], variables, "ours", scale)


def assert_same_way(rule, name, variables=TINY, scale=1.0):
    """A contender goes the way that ours goes."""
    ours = moved_by_ours(rule.name, variables, scale)
    assert all(np.abs(way).max() > 0 for way in ours)
    # The weights, up to 0.2, are rounded at each of 3 steps, to 2^-24 of their size; libraries order their
    # operations differently, which makes a few roundings more of a step.
    for one, other in zip(ours, moved(rule, variables, name, scale), strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize(
    ("rule", "name"),
    [
        pytest.param(rule, name, id=f"{rule.name}-{name}")
        for rule in DENSE
        for name in ("keras", "ours-eager", "keras-eager")
        if rule.keras or not name.startswith("keras")
    ],
)
def test_contenders_compute_the_same_weights(rule, name):
    """A time is worth nothing beside that of other work."""
    assert_same_way(rule, name)


@pytest.mark.parametrize("name", ["ours-xla", "keras-xla"])
@pytest.mark.parametrize("rule", ["adam", "nadam"])
def test_steps_compiled_as_a_whole_compute_the_same_weights(rule, name):
    """XLA is asked for by the same function."""
    assert_same_way(RULES[rule], name)


@pytest.mark.parametrize("library", ["ours", "keras"])
def test_a_call_of_a_loop_is_ten_steps(library):
    """What is divided by ten is ten steps, also with a rule that counts them."""
    once, often = (
        moved(RULES["adam"], TINY, name, steps=steps) for name, steps in ((f"{library}-loop", 1), (library, 10))
    )
    for one, other in zip(once, often, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.skipif(not native.available(), reason=native.status())
@pytest.mark.parametrize("name", ["native", "native-loop"])
def test_the_native_operation_computes_the_same_weights(name):
    """And what is called ours does not use it."""
    steps = 10 if name == "native" else 1
    actual = moved(RULES["momentum"], TINY, name, steps=steps)
    for one, other in zip(moved(RULES["momentum"], TINY, "ours", steps=10), actual, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-4, atol=1e-7)
    many = VariableSet("many", "Many", ((3,),) * 20)
    step = contenders(RULES["momentum"], Arrays(many), ["ours", "native"])
    for contender in step.values():
        contender.step()
    assert step["native"].operations() < step["ours"].operations()


def test_without_the_native_operation_its_contender_says_why(monkeypatch):
    """A row with the reason, as for any step that a library cannot take."""
    monkeypatch.setenv("TFOPTIM_NATIVE", "0")
    with pytest.raises(RuntimeError, match="native operation: off"):
        contenders(RULES["sgd"], Arrays(TINY), ["native"])["native"].step()


@TORCH
@pytest.mark.parametrize("rule", [rule for rule in DENSE if rule.torch], ids=lambda rule: rule.name)
def test_torch_computes_the_same_weights(rule):
    """Each rule is mapped to torch's with the same arguments.

    The gradients are large, because torch adds epsilon elsewhere: outside of a root, or after the bias correction.
    """
    for way in ("foreach", "fused") if rule.fused else ("foreach",):
        assert_same_way(rule, f"torch-{way}", scale=1e3)


def test_rows_of_a_table_are_stepped_in_all_ways():
    """The gradient of a table has repeated rows; plain descent sums them in every library."""
    for name in ("keras", "ours-eager", "keras-eager"):
        assert_same_way(RULES["sgd"], name, TABLE)
    touched = np.any(moved(RULES["adam_lazy"], TABLE, "ours")[0], axis=1).sum()
    assert touched * TABLE.shapes[0][1] == TABLE.touched


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.name)
def test_slots_are_those_of_the_optimizers(rule):
    """The least traffic is counted from the slots that both libraries keep."""
    made = [getattr(tfoptim, rule.ours)(LEARNING_RATE, **rule.options, **rule.ours_only)]
    if rule.keras is not None:
        made.append(getattr(keras.optimizers, rule.keras)(LEARNING_RATE, **rule.options, **rule.keras_only))
    for optimizer in made:
        optimizer.build([keras.Variable(np.zeros((3, 5), np.float32))])
        assert rule.slots == sum(tuple(v.shape) == (3, 5) for v in optimizer.variables)


@pytest.mark.parametrize(
    ("name", "count", "elements"),
    [
        ("mlp", 8, 1_336_610),
        ("resnet50", 161, 25_557_032),  # as torchvision counts it
        ("bert_base", 199, 109_482_240),  # as Hugging Face counts bert-base-uncased
        ("unet", 82, 7_759_521 + 2 * (4 * (32 + 64 + 128 + 256) + 2 * 512)),  # the plain U-Net, and norms
        ("table", 1, 64_000_000),
    ],
)
def test_sets_have_the_shapes_of_the_models(name, count, elements):
    """The sizes are those that others publish."""
    assert (count, elements) == (len(SETS[name].shapes), SETS[name].elements)


def test_small_variables_are_small():
    """Four hundred, of a few to two thousand elements."""
    sizes = [math.prod(shape) for shape in SETS["small"].shapes]
    assert (400, 2000, 2000) == (len(sizes), min(sizes), max(sizes))


def test_default_pairs_leave_out_what_takes_long():
    """All rules on the sets of the mean, those of matrices on networks; the largest set, tables and XLA with some."""
    found = {(pair.rule.name, pair.set.name): pair.contenders for pair in plan.pairs()}
    assert {name for name, where in found if where == "small"} == {rule.name for rule in DENSE if not rule.sets}
    assert {name for name, where in found if where == "unet"} == {rule.name for rule in DENSE}
    assert {name for name, where in found if where == "bert_base"} == set(plan.LEADING)
    assert {name for name, where in found if where == "table"} == set(plan.OF_TABLES)
    assert "keras-xla" in found["adam", "mlp"]
    assert "keras-xla" not in found["adamax", "mlp"]
    assert {"keras-eager", "keras-xla"}.isdisjoint(found["adam", "small"])
    assert {"keras-loop", "keras"} <= set(found["adam", "small"])
    assert "keras-xla" in plan.pairs(["adamax"], ["mlp"], ["keras-xla"])[0].contenders


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


def test_torch_is_optional(monkeypatch):
    """Without it its contenders are left out, and asking for them is refused."""
    monkeypatch.setattr(plan, "has_torch", lambda: False)
    assert not any("torch" in name for pair in plan.pairs() for name in pair.contenders)
    with pytest.raises(UserError, match="torch is not installed"):
        plan.pairs(contenders=["torch-fused"])


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
