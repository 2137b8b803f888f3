"""Rows of the optimizers that need no schedule, or no learning rate."""

from tests.library import reference
from tests.library.case import Case, known
from tests.library.refusals import EPSILON, FRACTION, NOT_A_NUMBER, refuses

INSIDE = "0 < x < 1"
MEAN = ("n", "most", "averaged")  # of the weights of the mean, the largest rate, and whether the weights are the mean

CASES = (
    Case(
        id="schedule_free_adamw",
        name="ScheduleFreeAdamW",
        reference=reference.schedule_free_adamw,
        slots=("z", "v"),
        shared_state=MEAN,
        unused=("weight_lr_power", "most", "averaged"),
        scale_invariant=True,
        own_decay=True,
        signature="learning_rate=0.0025, beta_1=0.9, beta_2=0.999, epsilon=1e-08, warmup_steps=0",
        operations=40,
        crossings=21,  # and whether it is the first step
        bad=(
            *refuses("beta_1", 0.0, 1.0, NOT_A_NUMBER, domain=INSIDE),
            *refuses("beta_2", 1.0, -0.1, domain=FRACTION),
            *EPSILON,
            *refuses("warmup_steps", -1, domain="an integer >= 0"),
            *refuses("r", -1.0, domain="x >= 0"),
            *refuses("weight_lr_power", -1.0, domain="x >= 0"),
        ),
        known=(
            known(0.9975000002, 0.9992389919, 0.9983249291),
            known(0.9972500002, 0.9988518700, 0.9978005251, weight_decay=0.1),
            known(0.9987500001, 1.0015956228, 0.9996442140, warmup_steps=2, r=1.0),
            known(0.9991666667, 1.0007475682, 0.9986093352, beta_1=0.5, warmup_steps=3, weight_lr_power=0.0),
        ),
    ),
    Case(
        id="schedule_free_adamw_warm",
        name="ScheduleFreeAdamW",
        reference=reference.schedule_free_adamw,
        options={"beta_1": 0.5, "warmup_steps": 7, "r": 1.0},
        slots=("z", "v"),
        shared_state=MEAN,
        unused=("averaged",),
        scale_invariant=True,
        own_decay=True,
        operations=40,
        crossings=21,  # and whether it is the first step
    ),
    Case(
        id="schedule_free_sgd",
        name="ScheduleFreeSGD",
        reference=reference.schedule_free_sgd,
        slots=("z",),
        shared_state=MEAN,
        unused=("weight_lr_power", "most", "averaged"),
        linear_in_gradient=True,
        own_decay=True,
        signature="learning_rate=1.0, momentum=0.9, warmup_steps=0",
        bad=(
            *refuses("momentum", 0.0, 1.0, NOT_A_NUMBER, domain=INSIDE),
            *refuses("warmup_steps", -1, domain="an integer >= 0"),
        ),
        known=(
            known(0.9, 1.01, 0.92),
            known(0.95, 0.99305, 0.89742375, learning_rate=0.5, warmup_steps=2, weight_decay=0.1),
        ),
    ),
    Case(
        id="dog",
        name="DoG",
        reference=reference.dog,
        options={"reps_rel": 0.05},
        learning_rate=1.0,
        slots=("w_0",),
        fixed_slots=("w_0",),
        shared_state=("r", "G"),
        unused=("reps_rel", "r"),
        scale_invariant=True,
        own_decay=True,
        signature="learning_rate=1.0, reps_rel=1e-06, epsilon=1e-08",
        operations=30,
        crossings=23,  # three sums of each variable, and whether it is the first step
        bad=(
            *refuses("reps_rel", 0.0, -1.0, NOT_A_NUMBER, domain="x > 0"),
            *EPSILON,
        ),
        known=(
            known(0.9999980000, 0.9999997889, 0.9999981853),
            known(0.8000001000, 0.9788855203, 0.8185287809, reps_rel=0.1),
            known(0.8000000250, 0.9028991651, 0.7312192317, reps_rel=0.1, weight_decay=0.1),
        ),
    ),
    Case(
        id="prodigy",
        name="Prodigy",
        reference=reference.prodigy,
        options={"d0": 0.02},
        learning_rate=1.0,
        slots=("m", "v", "s", "w_0"),
        fixed_slots=("w_0",),
        shared_state=("d", "d_max", "a"),
        used_at_start=("d0",),
        unused=("s", "w_0", "d", "d_max", "a", "beta_3", "d_coef", "d0"),
        scale_invariant=True,
        own_decay=True,
        signature=(
            "learning_rate=1.0, beta_1=0.9, beta_2=0.999, beta_3=None, epsilon=1e-08, d0=1e-06, d_coef=1.0, "
            "growth_rate=None, use_bias_correction=False, safeguard_warmup=False"
        ),
        operations=60,
        crossings=29,  # two sums of each variable, and whether it is the first step
        bad=(
            *refuses("beta_1", 1.0, -0.1, domain=FRACTION),
            *refuses("beta_3", 1.0, domain=FRACTION),
            *refuses("d0", 0.0, -1.0, NOT_A_NUMBER, domain="x > 0"),
            *refuses("d_coef", 0.0, domain="x > 0"),
            *refuses("growth_rate", 1.0, 0.5, domain="x > 1"),
        ),
        known=(
            known(0.9683773234, 0.9839352064, 0.9669439795, d0=0.01),
            known(0.9900000316, 0.9936610617, 0.9902286538, d0=0.01, use_bias_correction=True),
            known(0.9673773234, 0.9819678291, 0.9639946344, d0=0.01, safeguard_warmup=True, weight_decay=0.1),
        ),
    ),
    Case(
        id="prodigy_growing",
        name="Prodigy",
        reference=reference.prodigy,
        options={
            "beta_3": 0.9,
            "d0": 0.01,
            "d_coef": 4.0,
            "growth_rate": 1.1,
            "use_bias_correction": True,
            "safeguard_warmup": True,
        },
        learning_rate=2.0,
        slots=("m", "v", "s", "w_0"),
        fixed_slots=("w_0",),
        shared_state=("d", "d_max", "a"),
        used_at_start=("d0",),
        unused=("s", "w_0", "d", "d_max", "a", "beta_3", "d_coef", "d0", "growth_rate"),
        scale_invariant=True,
        own_decay=True,
        operations=60,
        crossings=29,  # two sums of each variable, and whether it is the first step
    ),
    Case(
        id="cocob",
        name="COCOB",
        reference=reference.cocob,
        options={"alpha": 4.0},
        slots=("L", "G", "R", "T", "w_0"),
        fixed_slots=("w_0",),
        zero_gradient_noop=True,
        used_at_start=("epsilon",),
        scale_invariant=True,
        own_decay=True,
        still_at_rate_zero=False,
        signature="alpha=100.0, epsilon=1e-08",
        operations=36,
        bad=(
            *refuses("alpha", 0.0, 0.9, NOT_A_NUMBER, domain="x >= 1"),
            *EPSILON,
        ),
        known=(
            known(0.9900000000, 1.0050000000, 0.9933333333, alpha=100.0),
            known(0.5000000000, 1.2000000000, 0.7777777778, alpha=1.0),
            known(0.9900000000, 0.9950500000, 0.9874601670, weight_decay=0.1, alpha=100.0),
        ),
    ),
)
