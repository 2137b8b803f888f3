"""Orthogonalization of matrices by Newton-Schulz iterations: every singular value comes near to 1."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from tfoptim.declaration.domains import Choice, Interval, Number, as_float, shown
from tfoptim.linalg import matmul, transpose
from tfoptim.ops import norm

Triple = Sequence[Any]
"""Coefficients a, b, c of the polynomial a x + b x^3 + c x^5, which maps the singular values at each iteration."""

AnyNumber = Annotated[Number, Interval(-float("inf"), closed_low=False)]

POLAR_EXPRESS = (
    (8.28721201814563, -23.595886519098837, 17.300387312530933),
    (4.107059111542203, -2.9478499167379106, 0.5448431082926601),
    (3.9486908534822946, -2.908902115962949, 0.5518191394370137),
    (3.3184196573706015, -2.488488024314874, 0.51004894012372),
    (2.300652019954817, -1.6689039845747493, 0.4188073119525673),
)
"""Amsel et al., 2025 (The Polar Express): each triple is the best for what the iterations before it leave."""

PRESETS = {"polar_express": POLAR_EXPRESS}


@dataclass(frozen=True)
class CoefficientsDomain:
    """A word for known coefficients, or a list of triples, one for each iteration."""

    live = False

    def __str__(self) -> str:
        return f"{Choice(tuple(PRESETS))} or [[a, b, c], ...]"

    def parse(self, what: str, value: Any) -> Any:
        """Returns the word, or the triples as lists of floats; raises one sentence for anything else."""
        if isinstance(value, str):
            return Choice(tuple(PRESETS)).parse(what, value)
        triples = [list(triple) for triple in value] if _is_list(value) and all(map(_is_list, value)) else []
        if not triples or any(len(triple) != 3 for triple in triples):
            got = repr(value) if len(repr(value)) <= 60 else shown(value)
            raise TypeError(f"{what} must be {self}, with at least one triple of numbers, got {got}.")
        return [[as_float(what, number, schedulable=False) for number in triple] for triple in triples]


def _is_list(value: Any) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str | bytes | dict) and getattr(value, "ndim", 1) > 0


Coefficients = Annotated[Any, CoefficientsDomain()]


def triples_of(coefficients: Any, single: Triple, steps: int) -> Sequence[Triple]:
    """Returns the triples of the argument `coefficients`; without it, a single one as often as there are steps."""
    if coefficients is None:
        return [single] * steps
    return PRESETS[coefficients] if isinstance(coefficients, str) else coefficients


def orthogonalized(x: Any, triples: Sequence[Triple], epsilon: float = 1e-7) -> Any:
    """Returns the matrix with the singular vectors of `x` and singular values near 1; 0 for 0.

    Args:
        x: matrix, whose shape is known.
        triples: coefficients of each iteration.
        epsilon: added to the norm that `x` is divided by.
    """
    if x.shape[0] > x.shape[1]:
        return transpose(orthogonalized(transpose(x), triples, epsilon))
    x = x / (norm(x) + epsilon)
    for a, b, c in triples:
        square = matmul(x, transpose(x))
        x = a * x + matmul(b * square + c * matmul(square, square), x)
    return x
