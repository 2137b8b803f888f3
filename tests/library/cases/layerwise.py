"""Rows of the optimizers that take norms of a whole variable."""

from tests.library import reference
from tests.library.case import Case, known
from tests.library.refusals import BETAS, EPSILON, MOMENTUM, NOT_A_NUMBER, refuses

NOVOGRAD = {"beta_1": 0.95, "beta_2": 0.98, "weight_decay": 0.1}

CASES = (
    Case(
        id="novograd",
        name="NovoGrad",
        reference=reference.novograd,
        slots=("m", "v"),
        one_number=("v",),
        scale_invariant=True,
        own_decay=True,
        signature="learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-07, grad_averaging=False",
        operations=35,
        bad=(*BETAS, *EPSILON),
        known=(
            known(0.9990000010, 1.0000970066, 0.9981006754),
            known(0.9989000010, 0.9996976818, 0.9976381021, **NOVOGRAD),
            known(0.9989000010, 0.9979471359, 0.9969010541, **NOVOGRAD, grad_averaging=True),
        ),
    ),
    Case(
        id="novograd_averaged",
        name="NovoGrad",
        reference=reference.novograd,
        options={"grad_averaging": True, "beta_1": 0.95, "beta_2": 0.98},
        slots=("m", "v"),
        one_number=("v",),
        scale_invariant=True,
        own_decay=True,
    ),
    Case(
        id="lamb",
        name="Lamb",
        reference=reference.lamb,
        keras_name="Lamb",
        slots=("m", "v"),
        scale_invariant=True,
        operations=39,
        bad=(*BETAS, *EPSILON),
        known=(
            known(0.9990000000, 0.9999990000, 0.9989990010),
            known(0.9989001000, 0.9997990102, 0.9986993313, weight_decay=0.1),
        ),
    ),
    Case(
        id="lamb_of_the_paper",
        name="Lamb",
        reference=reference.lamb,
        options={"decay_in_ratio": True, "beta_2": 0.99},
        slots=("m", "v"),
        scale_invariant=True,
        own_decay=True,
    ),
    Case(
        id="lars",
        name="LARS",
        reference=reference.lars,
        learning_rate=20.0,
        slots=("v",),
        scale_invariant=True,
        own_decay=True,
        signature="learning_rate=0.1, momentum=0.9, nesterov=False, trust_coefficient=0.001, epsilon=0.0",
        operations=33,
        bad=(*MOMENTUM, *EPSILON, *refuses("trust_coefficient", -1.0, NOT_A_NUMBER, domain="x >= 0")),
        known=(
            known(0.9999000000, 0.9999099900, 0.9998189900),
            known(0.9999000000, 0.9998433344, 0.9996923511, weight_decay=0.1),
            known(0.9998100000, 0.9997923373, 0.9995564785, weight_decay=0.1, nesterov=True),
        ),
    ),
    Case(
        id="lars_nesterov",
        name="LARS",
        reference=reference.lars,
        options={"momentum": 0.8, "nesterov": True, "trust_coefficient": 0.5, "epsilon": 0.01},
        slots=("v",),
        scale_invariant=True,
        own_decay=True,
    ),
    Case(
        id="stable_adamw",
        name="StableAdamW",
        reference=reference.stable_adamw,
        slots=("m", "v"),
        scale_invariant=True,
        decays=True,
        own_decay=True,
        signature="learning_rate=0.001, weight_decay=0.004, beta_1=0.9, beta_2=0.99, epsilon=1e-08",
        operations=34,
        bad=(*BETAS, *EPSILON),
        known=(
            known(0.9989960001, 0.9992823099, 0.9990321909),
            known(0.9990000001, 0.9992894738, 0.9990422413, weight_decay=0.0),
        ),
    ),
    Case(
        id="mars",
        name="MARS",
        reference=reference.mars,
        slots=("m", "v", "g_old"),
        unused=("g_old", "gamma"),
        signature="learning_rate=0.003, beta_1=0.95, beta_2=0.99, gamma=0.025, epsilon=1e-08, optimize_1d=False",
        operations=26,
        bad=(*BETAS, *EPSILON, *refuses("gamma", -1.0, NOT_A_NUMBER, domain="x >= 0")),
        known=(
            known(0.9970000003, 0.9980201225, 0.9970480006),
            known(0.9970000003, 0.9985060321, 0.9976551165, optimize_1d=True),
        ),
    ),
    Case(
        id="mars_everywhere",
        name="MARS",
        reference=reference.mars,
        options={"optimize_1d": True, "gamma": 0.05, "beta_1": 0.9},
        slots=("m", "v", "g_old"),
    ),
)
