"""Rows of the optimizers whose moments are others than Adam's, or are used at other times."""

from tests.library import reference
from tests.library.case import Case, known
from tests.library.refusals import BETAS, EPSILON, FRACTION, NOT_A_NUMBER, refuses

BETA_3 = refuses("beta_3", 1.0, -0.1, NOT_A_NUMBER, domain=FRACTION)

CASES = (
    Case(
        id="adan",
        name="Adan",
        reference=reference.adan,
        slots=("m", "d", "n", "g_old"),
        settled=3,
        scale_invariant=True,
        signature="learning_rate=0.001, beta_1=0.98, beta_2=0.92, beta_3=0.99, epsilon=1e-08",
        operations=40,
        bad=(*BETAS, *BETA_3, *EPSILON),
        known=(
            known(0.9990000001, 0.9995664451, 0.9992938128),
            known(0.9989000001, 0.9993665551, 0.9989939861, weight_decay=0.1),
        ),
    ),
    Case(
        id="adopt",
        name="ADOPT",
        reference=reference.adopt,
        learning_rate=0.2,
        settled=3,
        slots=("m", "v"),
        scale_invariant=True,
        idle=("epsilon", "clip_exponent"),
        signature="learning_rate=0.001, beta_1=0.9, beta_2=0.9999, epsilon=1e-06, clip_exponent=0.25",
        operations=32,
        bad=(*BETAS, *EPSILON, *refuses("clip_exponent", -0.1, NOT_A_NUMBER, domain="x >= 0")),
        known=(
            known(1.0000000000, 1.0001000000, 1.0000710793),
            known(1.0000000000, 1.0002000000, 1.0000800450, clip_exponent=None),
        ),
    ),
    Case(
        id="adopt_unclipped",
        name="ADOPT",
        reference=reference.adopt,
        learning_rate=0.2,
        settled=3,
        options={"clip_exponent": None, "beta_2": 0.9},
        slots=("m", "v"),
        scale_invariant=True,
        idle=("epsilon",),
    ),
    Case(
        id="ademamix",
        name="AdEMAMix",
        reference=reference.ademamix,
        slots=("m1", "m2", "v"),
        scale_invariant=True,
        signature="learning_rate=0.001, beta_1=0.9, beta_2=0.999, beta_3=0.9999, alpha=5.0, epsilon=1e-08, warmup=None",
        operations=31,
        bad=(
            *BETAS,
            *BETA_3,
            *EPSILON,
            *refuses("alpha", -0.1, NOT_A_NUMBER, domain="x >= 0"),
            *refuses("warmup", 0, domain="an integer >= 1"),
        ),
        known=(
            known(0.9989995001, 0.9993659198, 0.9990222160),
            known(0.9989995006, 0.9993656048, 0.9990216701, warmup=2),
        ),
    ),
    Case(
        id="ademamix_warmup",
        name="AdEMAMix",
        reference=reference.ademamix,
        options={"warmup": 5, "beta_3": 0.99, "alpha": 8.0},
        slots=("m1", "m2", "v"),
        scale_invariant=True,
    ),
    Case(
        id="adabound",
        name="AdaBound",
        reference=reference.adabound,
        options={"gamma": 0.1},
        slots=("m", "v"),
        shared_state=("first_rate",),
        fixed_slots=("first_rate",),
        idle=("beta_2", "epsilon"),  # where the bounds act
        signature="learning_rate=0.001, beta_1=0.9, beta_2=0.999, final_lr=0.1, gamma=0.001, epsilon=1e-08, "
        "amsbound=False",
        operations=26,
        bad=(
            *BETAS,
            *EPSILON,
            *refuses("final_lr", -0.1, NOT_A_NUMBER, domain="x >= 0"),
            *refuses("gamma", 0.0, -0.1, domain="x > 0"),
        ),
        known=(known(0.9990000032, 0.9993661062, 0.9990228654),),
    ),
    Case(
        id="amsbound",
        name="AdaBound",
        reference=reference.adabound,
        options={"amsbound": True, "beta_2": 0.9, "gamma": 0.02},
        slots=("m", "v", "v_max"),
        shared_state=("first_rate",),
        fixed_slots=("first_rate",),
        idle=("beta_2", "epsilon"),  # where the bounds act
    ),
)
