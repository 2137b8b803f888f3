"""Rows of further optimizers with a rate for each weight."""

from tests.library import reference
from tests.library.case import Case, known
from tests.library.refusals import BETAS, EPSILON, NOT_A_NUMBER, refuses

CASES = (
    Case(
        id="yogi",
        name="Yogi",
        reference=reference.yogi,
        slots=("m", "v"),
        used_at_start=("initial_accumulator_value",),
        signature="learning_rate=0.01, beta_1=0.9, beta_2=0.999, epsilon=0.001, initial_accumulator_value=1e-06",
        bad=(*BETAS, *EPSILON, *refuses("initial_accumulator_value", -0.1, NOT_A_NUMBER, domain="x >= 0")),
        known=(known(0.9926741892, 0.9958535870, 0.9926997070),),
    ),
    Case(
        id="adabound",
        name="AdaBound",
        reference=reference.adabound,
        slots=("m", "v", "eta_0"),
        one_number=("eta_0",),
        unused=("final_lr", "gamma", "eta_0"),
        operations=34,
        signature="learning_rate=0.001, beta_1=0.9, beta_2=0.999, final_lr=0.1, gamma=0.001, epsilon=1e-08, "
        "amsbound=False",
        bad=(
            *BETAS,
            *EPSILON,
            *refuses("final_lr", -0.1, NOT_A_NUMBER, domain="x >= 0"),
            *refuses("gamma", 0.0, -1.0, domain="x > 0"),
        ),
        known=(known(0.9990000032, 0.9993661062, 0.9990228654),),
    ),
    Case(
        id="adabound_amsbound",
        name="AdaBound",
        reference=reference.adabound,
        learning_rate=0.3,
        options={"amsbound": True, "gamma": 0.05, "beta_2": 0.9, "final_lr": 0.1},
        slots=("m", "v", "v_max", "eta_0"),
        one_number=("eta_0",),
        unused=("beta_2", "epsilon", "eta_0"),
    ),
)
