"""The memory of a rule is what its paper says: each slot is as large as its variable, or one number."""

import math

import numpy as np
import pytest

from tests.library.cases import CASES
from tests.library.harness import variables_of
from tests.library.products import every_rule

SHAPES = ((5, 7), (11,), ())
BYTES = {"float64": 8, "float32": 4, "bfloat16": 4}  # of one number of the state; half precision keeps float32


@every_rule
def test_the_state_takes_the_bytes_of_its_slots(case):
    """As many copies of the weights as slots, but for those that are one number a variable."""
    dtype = sorted(BYTES)[len(case.id) % len(BYTES)]  # in turn, from row to row
    optimizer = case.make()
    optimizer.build(variables_of([np.ones(shape) for shape in SHAPES], dtype))
    state = optimizer.variables[2:]  # after the counter and the learning rate
    elements = sum(math.prod(of_slot) for shape in SHAPES for of_slot in case.slots_of(shape).values())
    expected = BYTES[dtype] * (elements + len(case.shared_state))
    assert sum(variable.numpy().nbytes for variable in state) == expected


@pytest.mark.parametrize(
    ("name", "copies"),
    [("sgd", 0), ("momentum", 1), ("novograd", 1), ("lars", 1), ("lamb", 2), ("mars", 3), ("muon", 1)],
)
def test_copies_of_the_weights_are_those_that_users_count_with(name, copies):
    """NovoGrad's second moment costs nothing; the reason to choose a rule must not be lost with a slot."""
    (case,) = [case for case in CASES if case.id == name]
    optimizer = case.make()
    optimizer.build(variables_of([np.ones((100, 100))]))
    state = sum(variable.numpy().size for variable in optimizer.variables[2:])
    assert state == pytest.approx(copies * 100 * 100, abs=1)
