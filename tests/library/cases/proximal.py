"""Rows of the proximal and projected optimizers."""

from tests.library import reference
from tests.library.case import Case, known
from tests.library.refusals import EPSILON, NOT_A_NUMBER, UNIT, refuses

PENALTIES = {"l1_regularization_strength": 0.1, "l2_regularization_strength": 0.2}
PENALTY = refuses("l1_regularization_strength", -0.1, NOT_A_NUMBER, domain="x >= 0")
START = refuses("initial_accumulator_value", -0.1, NOT_A_NUMBER, domain="x >= 0")

CASES = (
    Case(
        id="ftrl",
        name="Ftrl",
        reference=reference.ftrl,
        keras_name="Ftrl",
        slots=("n", "z"),
        used_at_start=("initial_accumulator_value",),
        still_at_gradient_zero=False,
        operations=5,
        bad=(*START, *PENALTY, *refuses("learning_rate_power", 0.5, NOT_A_NUMBER, domain="x <= 0")),
        known=(
            known(0.0462358994, 0.0467522972, 0.0461399248),
            known(0.0163862763, 0.0680260542, 0.0067888107, learning_rate=0.1),
        ),
    ),
    Case(
        id="ftrl_penalized",
        name="Ftrl",
        reference=reference.ftrl,
        options={**PENALTIES, "l2_shrinkage_regularization_strength": 0.05, "beta": 0.3, "learning_rate_power": -0.6},
        keras_name="Ftrl",
        slots=("n", "z"),
        used_at_start=("initial_accumulator_value",),
        still_at_gradient_zero=False,
    ),
    Case(
        id="proximal_adagrad",
        name="ProximalAdagrad",
        reference=reference.proximal_adagrad,
        learning_rate=0.2,
        slots=("G",),
        used_at_start=("initial_accumulator_value",),
        zero_gradient_noop=True,
        operations=3,
        signature="learning_rate=0.001, initial_accumulator_value=0.1, l1_regularization_strength=0.0, "
        "l2_regularization_strength=0.0",
        bad=(*START, *PENALTY),
        known=(
            known(0.9996984887, 1.0002148864, 0.9996025140),
            known(0.8862545697, 0.8672879039, 0.7548227366, learning_rate=0.1, **PENALTIES),
        ),
    ),
    Case(
        id="proximal_adagrad_penalized",
        name="ProximalAdagrad",
        reference=reference.proximal_adagrad,
        options=PENALTIES,
        learning_rate=0.2,
        slots=("G",),
        used_at_start=("initial_accumulator_value",),
        still_at_gradient_zero=False,
    ),
    Case(
        id="conditional_gradient",
        name="ConditionalGradient",
        reference=reference.conditional_gradient,
        options={"lambda_": 2.0},
        learning_rate=0.9,
        scale_invariant=True,
        still_at_rate_zero=False,
        still_at_gradient_zero=False,
        signature="learning_rate=0.99, lambda_=0.01, epsilon=1e-07, ord='fro'",
        bad=(
            *refuses("learning_rate", 1.5, -0.1, domain=UNIT),
            *refuses("lambda_", -1.0, NOT_A_NUMBER, domain="x >= 0"),
            *EPSILON,
        ),
        known=(
            known(0.9899000001, 0.9801010000, 0.9701999901),
            known(0.7000002000, 0.8300000800, 0.5470001387, learning_rate=0.9, lambda_=2.0),
        ),
    ),
)
