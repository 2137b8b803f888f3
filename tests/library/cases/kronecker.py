"""Rows of the rules with a factor for each axis."""

from tests.library import reference
from tests.library.case import Case, known
from tests.library.refusals import BETAS, EPSILON, FRACTION, NOT_A_NUMBER, UNIT, refuses


def soap(shape):
    """Slots of SOAP: moments, and statistics and eigenvectors of each axis of a matrix."""
    axes = enumerate(shape if len(shape) > 1 else ())
    return {"m": shape, "v": shape} | {f"{x}{i}": (n, n) for i, n in axes for x in "LQ"}


def soap_of_short_axes(shape):
    """The same with factors of axes up to 4 alone."""
    return {name: of for name, of in soap(shape).items() if name in "mv" or of[0] <= 4}


def shampoo(shape):
    """Slots of Shampoo: moments, and statistics and their roots of each axis."""
    return {"m": shape, "v": shape} | {f"{x}{i}": (n, n) for i, n in enumerate(shape) for x in "LP"}


def shampoo_without_squares(shape):
    """The same without v, which only some lengths need, and with factors of axes up to 6."""
    return {"m": shape} | {f"{x}{i}": (n, n) for i, n in enumerate(shape) if n <= 6 for x in "LP"}


def kron(shape):
    """Slots of Kron: momentum, and triangles of each axis of a matrix, or a diagonal."""
    triangles = {f"Q{i}": (n, n) for i, n in enumerate(shape)} if len(shape) > 1 else {"Q0": shape or (1,)}
    return {"m": shape or (1,)} | triangles


def kron_of_diagonals(shape):
    """The same with a triangle for axes up to 3."""
    return {name: of if name == "m" or of[0] <= 3 else of[:1] for name, of in kron(shape).items()}


SLOTS_OF_SOAP = ("m", "v", "L0", "Q0", "L1", "Q1")
SIZE = "an integer >= 0"
AMPLIFIES = 100.0  # measured 23 in ten steps: eigenvectors turn by the rounding over the gap between eigenvalues
CROSSINGS = 50  # measured 49: scalars, and each of six factors to the host and back, in a branch that few steps take
EIGENVALUES = ("SelfAdjointEigV2",)

CASES = (
    Case(
        id="soap",
        name="SOAP",
        reference=reference.soap,
        learning_rate=0.2,
        rounding=1e-8,
        amplifies=AMPLIFIES,
        crossings=CROSSINGS,
        on_host=("Qr", *EIGENVALUES),
        slots=SLOTS_OF_SOAP,
        shapes=soap,
        unused=("L0", "Q0", "L1", "Q1", "shampoo_beta"),
        scale_invariant=True,
        signature="learning_rate=0.003, beta_1=0.95, beta_2=0.95, epsilon=1e-08, precondition_frequency=10, "
        "max_precondition_dim=2048, shampoo_beta=None, merge_dims=False",
        operations=70,
        bad=(
            *BETAS,
            *EPSILON,
            *refuses("precondition_frequency", 0, domain="an integer >= 1"),
            *refuses("max_precondition_dim", -1, domain=SIZE),
            *refuses("shampoo_beta", 1.0, domain=FRACTION),
            *refuses("merge_dims", None, domain="True or False", error=TypeError),
        ),
        known=(
            known(1.0000000000, 1.0029999993, 1.0023394708),
            known(1.0000000000, 1.0005000000, 1.0003034665, beta_1=0.9, beta_2=0.99, epsilon=0.1),
        ),
    ),
    Case(
        id="soap_often",
        name="SOAP",
        reference=reference.soap,
        learning_rate=0.2,
        rounding=3e-6,
        amplifies=AMPLIFIES,
        crossings=CROSSINGS,
        options={"precondition_frequency": 2, "shampoo_beta": 0.8, "merge_dims": True, "max_precondition_dim": 4},
        slots=SLOTS_OF_SOAP,
        shapes=soap_of_short_axes,
        unused=("shampoo_beta",),
    ),
    Case(
        id="shampoo",
        name="Shampoo",
        reference=reference.shampoo,
        rounding=1e-8,
        crossings=CROSSINGS,
        on_host=EIGENVALUES,
        slots=("m", "v", "L0", "P0", "L1", "P1"),
        shapes=shampoo,
        unused=("epsilon", "P0", "P1", "L0", "L1"),
        signature="learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-08, precondition_frequency=10, "
        "max_precondition_dim=1024",
        operations=70,
        bad=(
            *refuses("beta_1", 1.0, 1.5, -0.1, NOT_A_NUMBER, domain=FRACTION),
            *refuses("beta_2", 1.5, -1.0, domain=UNIT),
            *EPSILON,
            *refuses("grafting", "adagrad", domain='"adam" | "rmsprop" | "sgd"'),
            *refuses("grafting_epsilon", -1.0, domain="x >= 0"),
            *refuses("relative_epsilon", None, domain="True or False", error=TypeError),
            *refuses("precondition_frequency", 0, domain="an integer >= 1"),
            *refuses("start_step", 0, domain="an integer >= 1"),
            *refuses("max_precondition_dim", -1, domain=SIZE),
            *refuses("exponent", 0.0, domain="x > 0"),
        ),
        known=(
            known(0.9990000001, 0.9993661036, 0.9990228625),
            known(0.9999000000, 1.0000000000, 0.9998714286, grafting="sgd", beta_1=0.5),
            known(0.9900000000, 0.9957894737, 0.9883724995, grafting=None, learning_rate=0.1),
            known(0.9992402531, 0.9995808103, 0.9992371162, grafting="rmsprop", beta_2=0.9, grafting_epsilon=0.1),
            known(0.9000000100, 0.9894427251, 0.9092643547, beta_1=0.0, beta_2=1.0, learning_rate=0.1),
        ),
    ),
    Case(
        id="shampoo_often",
        name="Shampoo",
        reference=reference.shampoo,
        rounding=1e-8,
        crossings=CROSSINGS,
        on_host=EIGENVALUES,
        options={"precondition_frequency": 3, "start_step": 2, "epsilon": 1e-4},
        slots=("m", "v", "L0", "P0", "L1", "P1"),
        shapes=shampoo,
        unused=("P0", "P1"),
    ),
    Case(
        id="shampoo_of_2018",
        name="Shampoo",
        reference=reference.shampoo,
        rounding=1e-8,
        crossings=CROSSINGS,
        options={
            "beta_1": 0.0,
            "beta_2": 1.0,
            "epsilon": 1e-3,
            "relative_epsilon": False,
            "grafting": None,
            "precondition_frequency": 1,
            "max_precondition_dim": 6,
        },
        slots=("m", "L0", "P0", "L1", "P1"),
        shapes=shampoo_without_squares,
        unused=("m", "P0", "P1", "grafting_epsilon"),
    ),
    Case(
        id="kron",
        name="Kron",
        reference=reference.kron,
        crossings=CROSSINGS,
        on_host=("MatrixTriangularSolve",),
        random=True,
        slots=("m", "Q0", "Q1"),
        shapes=kron,
        signature="learning_rate=0.0003, momentum=0.9, preconditioner_learning_rate=0.1, update_probability=None, "
        "max_size_triangular=2048, seed=0",
        operations=70,
        bad=(
            *refuses("momentum", 1.0, -0.1, NOT_A_NUMBER, domain=FRACTION),
            *refuses("preconditioner_learning_rate", -1.0, domain="x >= 0"),
            *refuses("update_probability", 1.5, -0.1, domain=UNIT),
            *refuses("max_size_triangular", -1, domain=SIZE),
            *refuses("seed", -1, domain=SIZE),
        ),
        known=(
            known(0.9999637750, 0.9999891241, 0.9999502096),
            known(0.9900000000, 1.0100000000, 0.9800000000, learning_rate=0.1, momentum=0.0, update_probability=0.0),
            known(
                0.9775949193,
                1.0047075634,
                0.9543247724,
                learning_rate=0.1,
                seed=1,
                preconditioner_learning_rate=0.5,
            ),
        ),
    ),
    Case(
        id="kron_of_diagonals",
        name="Kron",
        reference=reference.kron,
        crossings=CROSSINGS,
        on_host=("MatrixTriangularSolve",),
        random=True,
        options={"max_size_triangular": 3, "update_probability": 0.5, "preconditioner_learning_rate": 0.2, "seed": 3},
        slots=("m", "Q0", "Q1"),
        shapes=kron_of_diagonals,
    ),
)
