"""Rows of the optimizers with cyclic rates."""

from tests.library import reference
from tests.library.case import Case, known
from tests.library.reference.cyclic import cyclic_rate
from tests.library.refusals import CYCLE, MOMENTUM, NOT_A_NUMBER, UNIT, refuses

CASES = (
    Case(
        id="clr",
        name="CLR",
        reference=reference.clr,
        options={"cycle": 6},
        rate=cyclic_rate,
        learning_rate=0.01,
        slots=("v",),
        linear_in_gradient=True,
        signature="learning_rate=0.01, peak_factor=10.0, cycle=1000, momentum=0.9, nesterov=False",
        operations=12,
        bad=(*refuses("peak_factor", -1.0, NOT_A_NUMBER, domain="x >= 0"), *CYCLE, *MOMENTUM),
        known=(known(0.9990000000, 1.0091000000, 0.9881900000, cycle=4),),
    ),
    Case(
        id="clr_nesterov",
        name="CLR",
        reference=reference.clr,
        options={"cycle": 7, "peak_factor": 3.0, "momentum": 0.8, "nesterov": True},
        rate=cyclic_rate,
        slots=("v",),
        linear_in_gradient=True,
    ),
    Case(
        id="clmr",
        name="CLMR",
        reference=reference.clmr,
        options={"cycle": 6},
        rate=cyclic_rate,
        learning_rate=0.01,
        slots=("v",),
        linear_in_gradient=True,
        signature="learning_rate=0.01, peak_factor=10.0, cycle=1000, momentum=0.85, peak_momentum=0.95, "
        "momentum_cycle=None",
        operations=22,
        bad=(*CYCLE, *MOMENTUM, *refuses("peak_momentum", 1.5, -0.1, NOT_A_NUMBER, domain=UNIT)),
        known=(known(0.9981000000, 1.0186950000, 0.9703305000, cycle=4),),
    ),
    Case(
        id="clmr_opposed",
        name="CLMR",
        reference=reference.clmr,
        options={"cycle": 6, "momentum_cycle": 10, "momentum": 0.9, "peak_momentum": 0.6, "peak_factor": 4.0},
        rate=cyclic_rate,
        slots=("v",),
        linear_in_gradient=True,
    ),
)
