"""The loops in `reference/`, and the rules, give numbers that were worked out beforehand, to ten decimals."""

import numpy as np
import pytest

from tests.library import reference
from tests.library.cases import CASES, CLASSES
from tfoptim import simulate

KNOWN = [pytest.param(case, *row, id=f"{case}-{i}") for case in CASES for i, row in enumerate(case.known)]


@pytest.mark.parametrize(("case", "options", "gradients", "expected"), KNOWN)
def test_loop_and_rule_give_the_printed_numbers(case, options, gradients, expected):
    """From w = 1, with the defaults but for the options; the tolerance is half of the last printed digit."""
    rule = type(case.make())(**options)
    for weights in (case.reference(1.0, gradients, **options), simulate(rule, 1.0, gradients)):
        np.testing.assert_allclose(weights[-len(expected) :], expected, rtol=0, atol=0.51e-10)


def test_every_loop_and_every_class_has_a_known_answer():
    """No loop is used by other tests without numbers that it was held against."""
    assert set(reference.__all__) == {case.reference.__name__ for case in CASES if case.known}
    assert {case.name for case in CLASSES} == {case.name for case in CASES if case.known}
