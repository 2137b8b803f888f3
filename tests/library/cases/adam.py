"""Rows of the relatives of Adam that keep its moments."""

from tests.library import reference
from tests.library.case import THREE, Case, known
from tests.library.refusals import BETAS, EPSILON, FRACTION, NOT_A_NUMBER, UNIT, refuses

THRESHOLD = refuses("sma_threshold", 4.0, NOT_A_NUMBER, domain="x > 4")
BETA_3 = refuses("beta_3", 1.0, -0.1, domain=FRACTION)

CASES = (
    Case(
        id="radam",
        name="RAdam",
        reference=reference.radam,
        slots=("m", "v"),
        signature="learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-07, amsgrad=False, sma_threshold=5.0",
        bad=(*BETAS, *EPSILON, *THRESHOLD),
        known=(
            known(0.9999000000, 0.9999578947, 0.9998837250),
            known(0.9997802855, 0.9997675603, 0.9997618172, gradients=(*THREE, *THREE, 0.1, -0.2)),
            known(0.9997040663, 0.9995764930, 0.9995185662, gradients=(*THREE, *THREE, 0.1, -0.2), beta_2=0.9),
        ),
    ),
    Case(
        id="radam_amsgrad",
        name="RAdam",
        reference=reference.radam,
        options={"amsgrad": True, "beta_2": 0.9, "sma_threshold": 4.5},
        slots=("m", "v", "v_max"),
    ),
    Case(
        id="adabelief",
        name="AdaBelief",
        reference=reference.adabelief,
        slots=("m", "s"),
        signature="learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-14, amsgrad=False, rectify=True, "
        "sma_threshold=5.0",
        bad=(*BETAS, *EPSILON, *THRESHOLD),
        known=(
            known(0.9997795719, 0.9997656777, 0.9997595562, gradients=(*THREE, *THREE, 0.1, -0.2)),
            known(0.9988888889, 0.9992799499, 0.9989125076, rectify=False),
            known(0.9988895742, 0.9992805460, 0.9989131489, rectify=False, epsilon=1e-8),
        ),
    ),
    Case(
        id="adabelief_amsgrad",
        name="AdaBelief",
        reference=reference.adabelief,
        options={"amsgrad": True, "beta_2": 0.9, "rectify": False},
        slots=("m", "s", "s_max"),
        scale_invariant=True,
    ),
    Case(
        id="nadamw",
        name="NAdamW",
        reference=reference.nadamw,
        slots=("m", "v"),
        scale_invariant=True,
        decays=True,
        signature="learning_rate=0.001, weight_decay=0.004, beta_1=0.9, beta_2=0.999, epsilon=1e-08",
        bad=(*BETAS, *EPSILON),
        known=(
            known(0.9985223159, 0.9994149745, 0.9986552441),
            known(0.9985263159, 0.9994229686, 0.9986672359, weight_decay=0.0),
        ),
    ),
    Case(
        id="adan",
        name="Adan",
        reference=reference.adan,
        slots=("m", "d", "n", "g_old"),
        scale_invariant=True,
        signature="learning_rate=0.001, beta_1=0.98, beta_2=0.92, beta_3=0.99, epsilon=1e-08",
        bad=(*BETAS, *BETA_3, *EPSILON),
        known=(known(0.9990000001, 0.9995664451, 0.9992938128),),
    ),
    Case(
        id="adopt",
        name="ADOPT",
        reference=reference.adopt,
        slots=("m", "v"),
        scale_invariant=True,
        signature="learning_rate=0.001, beta_1=0.9, beta_2=0.9999, epsilon=1e-06, clip_exponent=0.25",
        bad=(*BETAS, *EPSILON, *refuses("clip_exponent", -1.0, NOT_A_NUMBER, domain="x >= 0")),
        known=(
            known(1.0000000000, 1.0001000000, 1.0000710793),
            known(1.0000000000, 1.0002000000, 1.0000800450, clip_exponent=None),
        ),
    ),
    Case(
        id="adopt_unclipped",
        name="ADOPT",
        reference=reference.adopt,
        options={"clip_exponent": None, "beta_2": 0.9},
        slots=("m", "v"),
        scale_invariant=True,
    ),
    Case(
        id="ademamix",
        name="AdEMAMix",
        reference=reference.ademamix,
        slots=("m1", "m2", "v"),
        scale_invariant=True,
        signature="learning_rate=0.001, beta_1=0.9, beta_2=0.999, beta_3=0.9999, alpha=5.0, epsilon=1e-08, warmup=None",
        bad=(
            *BETAS,
            *BETA_3,
            *EPSILON,
            *refuses("alpha", -1.0, NOT_A_NUMBER, domain="x >= 0"),
            *refuses("warmup", 0, domain="an integer >= 1"),
        ),
        known=(
            known(0.9989995001, 0.9993659198, 0.9990222160),
            known(0.9989995006, 0.9993656048, 0.9990216701, warmup=2),
        ),
    ),
    Case(
        id="ademamix_warmed_up",
        name="AdEMAMix",
        reference=reference.ademamix,
        options={"warmup": 9, "beta_3": 0.99, "alpha": 3.0},
        slots=("m1", "m2", "v"),
        scale_invariant=True,
    ),
    Case(
        id="laprop",
        name="LaProp",
        reference=reference.laprop,
        slots=("m", "v"),
        scale_invariant=True,
        signature="learning_rate=0.0004, beta_1=0.9, beta_2=0.999, epsilon=1e-15",
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
        bad=(*BETAS, *EPSILON, *refuses("nu_1", 1.5, -0.1, domain=UNIT), *refuses("nu_2", 1.5, domain=UNIT)),
        known=(known(0.9990000001, 0.9996024068, 0.9989688577),),
    ),
)
