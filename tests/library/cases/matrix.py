"""Rows of the rules that take matrices as such."""

from tests.library import reference
from tests.library.case import Case, known
from tests.library.refusals import EPSILON, FRACTION, MOMENTUM, NOT_A_NUMBER, refuses


def factored(shape):
    """The slots of Adafactor: means of rows and columns of a matrix, else squares."""
    return {"v": shape} if len(shape) < 2 else {"r": shape[:-1], "c": (*shape[:-2], shape[-1])}


def with_momentum(shape):
    """The same, and a mean of the directions."""
    return factored(shape) | {"m": shape}


def routed(shape):
    """The slots of Muon: Adam's for what is no matrix."""
    return {"m": shape, "v": shape} if len(shape) < 2 else {"m": shape}


CASES = (
    Case(
        id="adafactor",
        name="Adafactor",
        reference=reference.adafactor,
        keras_name="Adafactor",
        slots=("r", "c", "v"),
        shapes=factored,
        unused=("epsilon_1", "epsilon_2"),
        scale_invariant=True,
        operations=60,
        bad=(
            *refuses("beta_2_decay", 0.5, NOT_A_NUMBER, domain="x <= 0"),
            *refuses("epsilon_1", -1.0, domain="x >= 0"),
            *refuses("epsilon_2", -1.0, NOT_A_NUMBER, domain="x >= 0"),
            *refuses("clip_threshold", 0.0, domain="x > 0"),
            *refuses("beta_1", 1.0, domain=FRACTION),
        ),
        known=(
            known(0.9990000000, 0.9999990000, 0.9989990010),
            known(0.1000000000, 0.1707106781, 0.0721508222, learning_rate=0.9),
            known(0.1000000000, 1.0000000000, 0.1000000000, learning_rate=0.9, relative_step=False, epsilon_2=None),
            known(0.9999500000, 0.9999549998, 0.9999095018, beta_1=0.9, clip_threshold=0.5),
        ),
    ),
    Case(
        id="adafactor_with_momentum",
        name="Adafactor",
        reference=reference.adafactor,
        options={
            "beta_2_decay": -0.6,
            "epsilon_2": None,
            "clip_threshold": 0.8,
            "relative_step": False,
            "beta_1": 0.8,
        },
        slots=("r", "c", "v", "m"),
        shapes=with_momentum,
        unused=("epsilon_1",),
        scale_invariant=True,
    ),
    Case(
        id="muon",
        name="Muon",
        reference=reference.muon,
        keras_name="Muon",
        slots=("m", "v"),
        shapes=routed,
        unused=("weight_decay", "muon_a", "muon_b", "muon_c", "momentum", "rms_rate"),  # they are of matrices
        scale_invariant=True,
        decays=True,
        operations=90,
        bad=(
            *EPSILON,
            *MOMENTUM,
            *refuses("adam_beta_1", 1.0, -0.1, domain=FRACTION),
            *refuses("adam_beta_2", 1.5, NOT_A_NUMBER, domain=FRACTION),
            *refuses("adam_weight_decay", -1.0, domain="x >= 0"),
            *refuses("adam_lr_ratio", -1.0, domain="x >= 0"),
            *refuses("rms_rate", -0.2, domain="x >= 0"),
            *refuses("ns_steps", 0, domain="an integer >= 1"),
            *refuses("muon_a", NOT_A_NUMBER, domain="finite numbers"),
            *refuses("exclude_layers", "head", ["head", 3], domain="a list of regular expressions", error=TypeError),
            *refuses("axes", ["kernel"], {3: 1}, domain='{"pattern": number', error=TypeError),
            *refuses("coefficients", 3, [], [[1.0, 2.0]], domain='"polar_express" or', error=TypeError),
            *refuses("coefficients", "polar", domain='one of "polar_express"'),
        ),
        known=(
            known(0.9989960316, 0.9993581340, 0.9990108984),
            known(0.9999000032, 0.9999366130, 0.9999022892, adam_weight_decay=None, adam_lr_ratio=0.1),
            known(0.9989960100, 0.9994130150, 0.9990231022, adam_beta_1=0.8, adam_beta_2=0.99),
        ),
    ),
    Case(
        id="muon_unscaled",
        name="Muon",
        reference=reference.muon,
        options={
            "nesterov": False,
            "momentum": 0.8,
            "rms_rate": None,
            "ns_steps": 3,
            "adam_lr_ratio": 0.5,
            "adam_weight_decay": 0.0,
            "weight_decay": None,
        },
        keras_name="Muon",
        slots=("m", "v"),
        shapes=routed,
        unused=("weight_decay", "muon_a", "muon_b", "muon_c", "momentum"),
        scale_invariant=True,
        decays=True,
    ),
)
