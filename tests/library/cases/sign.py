"""Rows of the optimizers that go by the sign of the gradient, of SGDW and of QHM."""

from tests.library import reference
from tests.library.case import Case, known
from tests.library.refusals import FRACTION, MOMENTUM, NOT_A_NUMBER, UNIT, Bad, refuses

BETAS = (
    *refuses("beta_1", 1.0, -0.1, NOT_A_NUMBER, domain=FRACTION),
    *refuses("beta_2", 1.0, -1.0, domain=FRACTION),
)
OF_SIZE = ("clipvalue", "loss_scale_factor")  # numbers that leave a sign as it is
MOMENTUM_BELOW_1 = refuses("momentum", 1.0, -0.1, NOT_A_NUMBER, domain=FRACTION)

CASES = (
    Case(
        id="lion",
        name="Lion",
        reference=reference.lion,
        keras_name="Lion",
        slots=("m",),
        scale_invariant=True,
        unused=("beta_1", *OF_SIZE),
        bad=BETAS,
        known=(
            known(0.9990000000, 1.0000000000, 0.9990000000),
            known(0.9989000000, 0.9998001100, 0.9987001300, weight_decay=0.1),
        ),
    ),
    Case(
        id="signsgd",
        name="SignSGD",
        reference=reference.signsgd,
        zero_gradient_noop=True,
        scale_invariant=True,
        unused=OF_SIZE,
        signature="learning_rate=0.001",
        known=(known(0.9990000000, 1.0000000000, 0.9990000000),),
    ),
    Case(
        id="signum",
        name="Signum",
        reference=reference.signum,
        slots=("m",),
        scale_invariant=True,
        unused=OF_SIZE,
        signature="learning_rate=0.001, momentum=0.9",
        bad=MOMENTUM_BELOW_1,
        known=(known(0.9990000000, 1.0000000000, 0.9990000000),),
    ),
    Case(
        id="rprop",
        name="Rprop",
        reference=reference.rprop,
        slots=("d", "g_old"),
        used_at_start=("learning_rate",),
        still_at_rate_zero=False,
        scale_invariant=True,
        unused=("min_step", "max_step", *OF_SIZE),
        operations=36,
        signature="learning_rate=0.01, eta_minus=0.5, eta_plus=1.2, min_step=1e-06, max_step=50.0",
        bad=(
            *refuses("eta_minus", 1.0, -0.1, NOT_A_NUMBER, domain=FRACTION),
            *refuses("eta_plus", 0.5, domain="x >= 1"),
            *refuses("min_step", -1.0, domain="x >= 0"),
            *refuses("max_step", 0.0, domain="x > 0"),
            Bad(
                {"min_step": 1.0, "max_step": 0.1},
                ValueError,
                ("min_step must be at most max_step", "min_step=1.0", "max_step=0.1"),
            ),
            Bad(
                {"max_step": 0.1, "groups": {".": {"min_step": 1.0}}},
                ValueError,
                ("groups['.']", "min_step must be at most max_step"),
            ),
            Bad(
                {"groups": {".": {"learning_rate": 0.1}}}, ValueError, ("groups['.']", "'learning_rate' cannot differ")
            ),
        ),
        known=(known(0.9900000000, 0.9900000000, 0.9850000000),),
    ),
    Case(
        id="sgdw",
        name="SGDW",
        reference=reference.sgdw,
        linear_in_gradient=True,
        decays=True,
        signature="learning_rate=0.01, weight_decay=0.004, momentum=0.0, nesterov=False",
        bad=MOMENTUM,
        known=(
            known(0.9989600000, 1.0009200416, 0.9978800048),
            known(0.9971000000, 0.9990929000, 0.9932848071, weight_decay=0.1, momentum=0.9, nesterov=True),
        ),
    ),
    Case(
        id="qhm",
        name="QHM",
        reference=reference.qhm,
        learning_rate=0.5,
        slots=("m",),
        linear_in_gradient=True,
        signature="learning_rate=1.0, momentum=0.999, nu=0.7",
        bad=(*MOMENTUM_BELOW_1, *refuses("nu", 1.5, -0.1, domain=UNIT)),
        known=(known(0.9996993000, 1.0003000007, 0.9993986007, learning_rate=0.01),),
    ),
)
