"""The range test grows the rate as it says, stops when the loss diverges, and reads two rates off by its rule."""

import csv
import math

import pytest

from experiments.__main__ import main
from experiments.cli import COMMANDS, find_lr
from experiments.cli.command import parse
from experiments.errors import UserError
from experiments.problems import seeds
from experiments.running import range_test
from experiments.tuning.range_test import KEEP, WINDOW, Plan, Reading, read_off, sentences, smooth, until_divergence
from tests.experiments.small import TOML


def plan(**changes):
    """Thirty-one rates over three decades."""
    usual = {"name": "small", "task": "mnist_mlp", "data": "mnist_5k", "optimizer": "momentum", "hyperparameters": {}}
    numbers = {"batch_size": 128, "low": 0.001, "high": 1.0, "steps": 31, "linear": False, "seed": 1000}
    return Plan(**{**usual, **numbers, **changes})


def parsed(*words):
    """The options as the command line reads them."""
    return parse(["find-lr", *words], COMMANDS)


def test_rates_grow_by_equal_ratios_or_by_equal_differences():
    """From the first to the last, both included."""
    rates, linear = plan().rates, plan(linear=True).rates
    assert (rates[0], rates[10], rates[-1]) == pytest.approx((0.001, 0.01, 1.0), rel=1e-12)
    assert (linear[0], linear[10], linear[-1]) == pytest.approx((0.001, 0.334, 1.0), rel=1e-12)


def test_average_weighs_the_past_less_and_sums_to_one():
    """Each value is the mean of all losses so far, weighted by 0.9 to the power of their age."""
    losses = [3.0, 1.0, 2.0, 5.0]
    for n, value in enumerate(smooth(losses), 1):
        weights = [KEEP ** (n - 1 - i) for i in range(n)]
        expected = sum(w * x for w, x in zip(weights, losses, strict=False)) / sum(weights)
        assert value == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("losses", "taken"),
    [([2.0] * 20, 20), ([2.0] * 15 + [math.nan] * 5, 16), ([2.0] * 12 + [30.0] * 8, 13), ([1.0] + [50.0] * 9, 10)],
    ids=["steady", "nan", "twice the start", "still starting"],
)
def test_test_ends_when_the_loss_diverges(losses, taken):
    """And asks for no loss after that, since each costs a step."""
    source = iter(losses)
    assert taken == len(until_divergence(source))
    assert len(losses) - taken == len(list(source))


RATES = [10.0**i for i in range(30)]


@pytest.mark.parametrize(
    ("averages", "reading"),
    [
        ([2.0] * WINDOW + [1.85, 1.75, 1.0, 0.25, 0.15, 0.0, 9.0], Reading(1e11, 1e14, False)),
        ([2.0] * WINDOW + [1.0, 0.0, math.nan], Reading(1e10, 1e11, False)),
        ([2.0] * 29 + [1.0], Reading(1e29, 1e29, True)),
        ([2.0] * 20, None),
        ([2.0] * 20 + [1.97, 8.0], None),
        ([2.0] * WINDOW, None),
    ],
    ids=["fall", "nan", "open end", "flat", "noise", "short"],
)
def test_base_and_peak_are_the_first_with_a_tenth_and_nine_tenths_of_the_fall(averages, reading):
    """From the value after ten steps to the lowest."""
    assert reading == read_off(RATES, averages)


def test_words_say_what_was_found():
    """The rates, their rule, how it ended, and what could be missed."""
    found = [(2.0, 2.0)] * 20
    assert sentences(plan(), found, None)[0].startswith("20 of 31 steps, until the loss diverged at ")
    assert "nothing is suggested" in sentences(plan(), found, None)[1]
    first, suggested, missed = sentences(plan(), [(2.0, 2.0)] * 31, Reading(0.01, 0.2, True))
    assert first.endswith("until the last rate was reached at 1.")
    assert "base 0.01, max 0.2" in suggested
    assert "Cyclic(0.01, 0.2, cycle), or peak_factor=20." in suggested
    assert "--high" in missed


def test_plan_takes_the_entry_of_a_study_or_a_task(tmp_path):
    """With the entry's arguments and the study's batches; a task alone has the embedded data."""
    (tmp_path / "mine.toml").write_text(
        TOML.replace('batch = "mini"', 'batch = "mini"\nhyperparameters = { beta_1 = 0.8 }'), encoding="utf-8"
    )
    of_study = find_lr.plan(parsed(str(tmp_path / "mine.toml"), "--optimizer", "Adam", "--low", "0.01"))
    assert ("mine", "mnist_mlp", "adam", {"beta_1": 0.8}) == (
        of_study.name,
        of_study.task,
        of_study.optimizer,
        of_study.hyperparameters,
    )
    of_task = find_lr.plan(parsed("mnist_mlp", "--optimizer", "rmsprop"))
    assert ("mnist_mlp", "mnist_5k", "rmsprop", {}) == (
        of_task.name,
        of_task.data,
        of_task.optimizer,
        of_task.hyperparameters,
    )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["mnits"], "Unknown study 'mnits': did you mean 'mnist'?"),
        (["--optimizer", "momentun"], "Unknown optimizer 'momentun': did you mean 'momentum'?"),
        (["--optimizer", "cocob"], "COCOB has no learning rate to choose; DoG and Prodigy have one"),
        (["--data", "mnist_6k"], "Unknown data set 'mnist_6k': did you mean 'mnist_5k'?"),
        (["--low", "1", "--high", "0.1"], "--low must be less than --high, got 1 and 0.1"),
        (["--low", "0"], "must be a number above 0, got '0'"),
        (["--high", "much"], "must be a number above 0, got 'much'"),
        (["--steps", "5"], "must be a whole number from 20 to 100000, got '5'"),
        (["--seed", "0"], "must be a tuning seed from 1000 to 1999, got '0'"),
        (["--hi", "1"], "Unknown option --hi: did you mean --high?"),
    ],
)
def test_bad_input_gets_one_sentence(words, sentence, capsys):
    """Before TensorFlow is imported."""
    assert main(["find-lr", *words]) == 2
    assert sentence in capsys.readouterr().err


def test_an_optimizer_that_cycles_by_itself_is_refused():
    """Two rates at once would say nothing about either."""
    with pytest.raises(UserError, match="CLMR changes its rate by itself; test momentum in its place"):
        range_test.measure(plan(optimizer="clmr"))


def test_batches_are_those_of_a_training_run():
    """Whole ones, in the order of the seed, pass after pass."""
    batches = range_test._batches(plan(batch_size=4), 10)
    taken = [list(next(batches)) for _ in range(3)]
    orders = [seeds.order("mnist_mlp", 1000, epoch, 10) for epoch in (1, 2)]
    assert taken == [list(orders[0][:4]), list(orders[0][4:8]), list(orders[1][:4])]


@pytest.mark.slow
def test_the_command_writes_figure_and_numbers(tmp_path, capsys):
    """A perceptron on the embedded digits: from no progress through a fall; the same losses when done again."""
    words = ["find-lr", "mnist_mlp", "--optimizer", "Adam", "--steps", "60", "--low", "1e-5", "--high", "0.1"]
    tables = []
    for folder in (tmp_path / "first", tmp_path / "second"):
        assert main([*words, "--out", str(folder)]) == 0
        assert "Suggested: base " in capsys.readouterr().out
        assert (folder / "find_lr_mnist_mlp_adam.png").read_bytes().startswith(b"\x89PNG")
        assert "<title>Learning-rate range test" in (folder / "find_lr_mnist_mlp_adam.svg").read_text()
        with (folder / "find_lr_mnist_mlp_adam.csv").open(encoding="utf-8") as text:
            tables.append(list(csv.DictReader(text)))
    assert tables[0] == tables[1]
    losses = [float(row["smoothed_loss"]) for row in tables[0]]
    assert losses[0] == pytest.approx(math.log(10), abs=0.1)  # ten classes, small first weights
    assert min(losses) < 1.5
    rates = [float(row["learning_rate"]) for row in tables[0]]
    assert rates == plan(low=1e-5, high=0.1, steps=60).rates[: len(rates)]


def test_figure_of_a_test_without_a_fall_marks_nothing(tmp_path):
    """And one on a linear axis has one."""
    found = [(2.0, 2.0)] * 12
    find_lr.draw(plan(linear=True), found, None, tmp_path, "a command")
    svg = (tmp_path / "find_lr_small_momentum.svg").read_text(encoding="utf-8")
    assert "learning rate (linear axis)" in svg
    assert "nothing is suggested" in svg
    assert ">base " not in svg
