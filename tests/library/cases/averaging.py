"""Rows of the optimizers that average around the weights at the start."""

from tests.library import reference
from tests.library.case import Case, known
from tests.library.refusals import FRACTION, NOT_A_NUMBER, refuses

CASES = (
    Case(
        id="madgrad",
        name="MADGRAD",
        reference=reference.madgrad,
        slots=("s", "v", "x_0"),
        fixed_slots=("x_0",),
        own_decay=True,
        signature="learning_rate=0.01, momentum=0.9, epsilon=1e-06",
        operations=32,
        bad=(
            *refuses("momentum", 1.0, -0.1, NOT_A_NUMBER, domain=FRACTION),
            *refuses("epsilon", 0.0, -1.0, NOT_A_NUMBER, domain="x > 0"),
        ),
        known=(
            known(0.9978454681, 1.0001550914, 0.9975596035),
            known(0.9784546810, 1.0209417008, 0.9742002130, momentum=0.0),
        ),
    ),
    Case(
        id="madgrad_plain",
        name="MADGRAD",
        reference=reference.madgrad,
        options={"momentum": 0.0, "epsilon": 1e-3},
        slots=("s", "v", "x_0"),
        fixed_slots=("x_0",),
        own_decay=True,
    ),
)
