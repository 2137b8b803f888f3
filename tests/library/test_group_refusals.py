"""Groups that make no sense are refused when the optimizer is made; patterns that do not fit, when it is built."""

import numpy as np
import pytest

import tfoptim
from tests.library.harness import variables_of

REFUSED = [
    ([("a", 1)], TypeError, r"Momentum: groups must be a dictionary such as"),
    ({"a": 1}, TypeError, r"groups must be a dictionary such as .* got {'a': 1}"),
    ({"[a": {}}, ValueError, r"groups: '\[a' is no regular expression"),
    (
        {"a": {"clipnorm": 1.0}},
        ValueError,
        r"groups\['a'\]: 'clipnorm' cannot differ. Allowed: agc, learning_rate, m",
    ),
    ({"a": {"momentum": 1.5}}, ValueError, r"groups\['a'\]: momentum must satisfy"),
    ({"a": {"trainable": 0}}, TypeError, r"groups\['a'\]: trainable must be True or False, got int '0'"),
    ({"a": {"agc": 0.0}}, ValueError, r"groups\['a'\]: agc must satisfy x > 0"),
    ({"a": {"learning_rate": None}}, TypeError, r"groups\['a'\]: learning_rate must be a number"),
]


@pytest.mark.parametrize(("groups", "error", "message"), REFUSED)
def test_groups_that_make_no_sense_are_refused(groups, error, message):
    """When the optimizer is made."""
    with pytest.raises(error, match=message):
        tfoptim.Momentum(groups=groups)


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ({"weigth": {}}, r"Momentum: groups: 'weigth' fits no variable. There are: weight_0, weight_1"),
        ({"weight": {}, "_1": {}}, r"groups: 'weight' and '_1' both fit weight_1"),
    ],
)
def test_patterns_that_do_not_fit_are_refused(groups, message):
    """When the variables are known."""
    with pytest.raises(ValueError, match=message):
        tfoptim.Momentum(groups=groups).build(variables_of([np.zeros(1)] * 2))


def test_a_group_that_needs_other_slots_is_refused():
    """Without momentum, there is no velocity; a start value is read once."""
    with pytest.raises(ValueError, match=r"SGD: groups\['a'\] needs other slots than the optimizer's own numbers"):
        tfoptim.SGD(groups={"a": {"momentum": 0.5}})
    with pytest.raises(ValueError, match="'initial_accumulator_value' cannot differ"):
        tfoptim.AdaGrad(groups={"a": {"initial_accumulator_value": 0.5}})
