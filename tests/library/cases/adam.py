"""Rows of the optimizers that keep Adam's two moments and change how they make the step."""

from tests.library import reference
from tests.library.case import THREE, Case, known
from tests.library.refusals import BETAS, EPSILON, NOT_A_NUMBER, UNIT, refuses

TWICE = THREE * 2
THRICE = (*TWICE, *THREE[:2])
THRESHOLD = refuses("sma_threshold", 4.0, 3.0, NOT_A_NUMBER, domain="x > 4")

CASES = (
    Case(
        id="radam",
        name="RAdam",
        reference=reference.radam,
        slots=("m", "v"),
        settled=6,
        signature="learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-07, amsgrad=False, sma_threshold=5.0",
        operations=30,
        bad=(*BETAS, *EPSILON, *THRESHOLD),
        known=(
            known(0.9999000000, 0.9999578947, 0.9998837250),
            known(0.9997802855, 0.9997675603, 0.9997618172, gradients=THRICE),
            known(0.9997040663, 0.9995764930, 0.9995185662, gradients=THRICE, beta_2=0.9),
        ),
    ),
    Case(
        id="radam_amsgrad",
        name="RAdam",
        reference=reference.radam,
        options={"amsgrad": True, "beta_2": 0.9, "sma_threshold": 4.5},
        slots=("m", "v", "v_max"),
        settled=6,
    ),
    Case(
        id="nadamw",
        name="NAdamW",
        reference=reference.nadamw,
        slots=("m", "v"),
        scale_invariant=True,
        decays=True,
        signature="learning_rate=0.001, weight_decay=0.004, beta_1=0.9, beta_2=0.999, epsilon=1e-08",
        operations=28,
        bad=(*BETAS, *EPSILON),
        known=(
            known(0.9985223159, 0.9994149745, 0.9986552441),
            known(0.9985263159, 0.9994229686, 0.9986672359, weight_decay=0.0),
        ),
    ),
    Case(
        id="adabelief",
        name="AdaBelief",
        reference=reference.adabelief,
        slots=("m", "s"),
        settled=6,
        signature="learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-14, amsgrad=False, rectify=True, "
        "sma_threshold=5.0",
        operations=34,
        bad=(*BETAS, *EPSILON, *THRESHOLD),
        known=(
            known(0.9999000000, 0.9999578947, 0.9998837250),
            known(0.9997795719, 0.9997656777, 0.9997595562, gradients=THRICE),
            known(0.9988888889, 0.9992799499, 0.9989125076, rectify=False),
            known(0.9988895742, 0.9992805460, 0.9989131489, rectify=False, epsilon=1e-8),
        ),
    ),
    Case(
        id="adabelief_of_the_paper",
        name="AdaBelief",
        reference=reference.adabelief,
        options={"rectify": False, "epsilon": 1e-8, "beta_2": 0.9, "amsgrad": True},
        slots=("m", "s", "s_max"),
        scale_invariant=True,
        idle=("sma_threshold",),
    ),
    Case(
        id="yogi",
        name="Yogi",
        reference=reference.yogi,
        slots=("m", "v"),
        used_at_start=("initial_accumulator_value",),
        signature="learning_rate=0.01, beta_1=0.9, beta_2=0.999, epsilon=0.001, initial_accumulator_value=1e-06",
        operations=26,
        bad=(
            *BETAS,
            *EPSILON,
            *refuses("initial_accumulator_value", -0.1, NOT_A_NUMBER, domain="x >= 0"),
        ),
        known=(known(0.9926741892, 0.9958535870, 0.9926997070),),
    ),
    Case(
        id="laprop",
        name="LaProp",
        reference=reference.laprop,
        options={"epsilon": 1e-8},  # one that float64 sees
        slots=("m", "v"),
        scale_invariant=True,
        signature="learning_rate=0.0004, beta_1=0.9, beta_2=0.999, epsilon=1e-15",
        operations=25,
        bad=(*BETAS, *EPSILON),
        known=(known(0.9996000000, 0.9996767834, 0.9995203134),),
    ),
    Case(
        id="qhadam",
        name="QHAdam",
        reference=reference.qhadam,
        options={"nu_2": 0.9},
        slots=("m", "v"),
        scale_invariant=True,
        signature="learning_rate=0.001, beta_1=0.995, beta_2=0.999, nu_1=0.7, nu_2=1.0, epsilon=1e-08",
        operations=35,
        bad=(
            *BETAS,
            *EPSILON,
            *refuses("nu_1", 1.5, -0.1, NOT_A_NUMBER, domain=UNIT),
            *refuses("nu_2", 1.5, -0.1, domain=UNIT),
        ),
        known=(known(0.9990000001, 0.9996024068, 0.9989688577),),
    ),
)
