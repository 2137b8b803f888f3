"""Stopping conditions refuse what they cannot judge, in one sentence, at the earliest moment."""

import math

import pytest

from tfoptim.callbacks import (
    Budget,
    Condition,
    GradientNormBelow,
    NoImprovement,
    NonFinite,
    RelativeDecreaseBelow,
    TargetReached,
)

NAN = math.nan


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (Budget, ValueError, "Budget: give at least one of steps, gradients and seconds"),
        (lambda: Budget(steps=0), ValueError, "Budget: steps must be an integer >= 1"),
        (lambda: Budget(gradients=1.5), TypeError, "Budget: gradients must be an integer"),
        (lambda: Budget(seconds=0), ValueError, "Budget: seconds must satisfy x > 0, got 0.0"),
        (lambda: NonFinite(every_steps=0), ValueError, "NonFinite: every_steps must be an integer >= 1"),
        (lambda: NoImprovement(0), ValueError, r"NoImprovement: patience must be an integer >= 1, got 0\.$"),
        (lambda: NoImprovement(-1), ValueError, r"patience must be an integer >= 1, got -1"),
        (lambda: NoImprovement(1, mode="mx"), ValueError, "NoImprovement: mode must be one of .*Did you mean 'max'"),
        (lambda: NoImprovement(1, min_delta=-1), ValueError, "NoImprovement: min_delta must satisfy x >= 0"),
        (lambda: NoImprovement(1, "dice"), ValueError, "mode must say whether less .* or more .* of 'dice' is better"),
        (lambda: TargetReached("loss", NAN), ValueError, "TargetReached: target must satisfy .* got nan"),
        (lambda: TargetReached("loss", "low"), TypeError, "TargetReached: target must be a number"),
        (lambda: RelativeDecreaseBelow(-1e-3), ValueError, "RelativeDecreaseBelow: tolerance must satisfy x >= 0"),
        (lambda: RelativeDecreaseBelow(0, checks=0), ValueError, "RelativeDecreaseBelow: checks must be an integer"),
        (lambda: GradientNormBelow(0), ValueError, "GradientNormBelow: tolerance must satisfy x > 0"),
        (lambda: GradientNormBelow(1, norm="l2"), ValueError, 'norm must be one of "max" | "euclidean"'),
        (lambda: GradientNormBelow(1, [1]), TypeError, r"data must be \(x, y\) or a tf.data.Dataset, got list"),
        (lambda: GradientNormBelow(1, batch_size=0), ValueError, "GradientNormBelow: batch_size must be an integer"),
    ],
)
def test_bad_arguments_get_one_sentence(make, error, words):
    """Before training, with the argument and what it may be."""
    with pytest.raises(error, match=words):
        make()


@pytest.mark.parametrize(("monitor", "hint"), [("los", ""), ("val_loss", "Validation must run after the first epoch")])
def test_unknown_monitor_is_refused_at_the_first_epoch(monitor, hint):
    """With the names there are."""
    condition = TargetReached(monitor, 0.1, "min")
    with pytest.raises(ValueError, match=rf"monitor must be .* got '{monitor}'. Available: acc, loss\..*{hint}"):
        condition.after_epoch({"loss": 1.0, "acc": 0.5})


def test_value_that_is_missing_later_is_no_check():
    """With `validation_freq`, most epochs have no `val_loss`."""
    condition = NoImprovement(2)
    for logs in ({"val_loss": 1.0}, {}, {"val_loss": 2.0}, {}, {}):
        assert not condition.after_epoch(logs)
    assert condition.after_epoch({"val_loss": 1.5})


def test_a_budget_of_gradients_without_examples_is_refused():
    """A budget that could never be spent would be no budget."""
    with pytest.raises(ValueError, match=r"gradients cannot be counted: .* after_step was called without `examples`"):
        Budget(gradients=5).after_step()


def test_gradients_that_do_not_exist_are_refused():
    """Nothing is not small."""
    with pytest.raises(ValueError, match="no gradient to measure"):
        GradientNormBelow(1.0).after_step(gradients=[None])


def test_a_condition_must_define_its_check():
    """The base class has none."""
    with pytest.raises(NotImplementedError, match=r"Condition must define check\(observation\)"):
        Condition().after_step()
