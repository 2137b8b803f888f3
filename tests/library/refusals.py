"""Values that the constructors refuse, and what the message must say."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Bad:
    """Arguments that the constructor refuses, and words that its one sentence must contain."""

    arguments: Mapping[str, Any]
    error: type[Exception]
    words: tuple[str, ...]


def refuses(argument, *values, domain, error=ValueError):
    """One Bad for each value of an argument, with the words that its message must contain."""
    return tuple(Bad({argument: value}, error, (argument, domain, f"got {value!r}")) for value in values)


NOT_A_NUMBER = float("nan")
FRACTION = "0 <= x < 1"
UNIT = "0 <= x <= 1"
BETAS = (
    *refuses("beta_1", 1.0, 1.5, -0.1, NOT_A_NUMBER, domain=FRACTION),
    *refuses("beta_2", 1.0, -1.0, domain=FRACTION),
)
EPSILON = refuses("epsilon", -1.0, NOT_A_NUMBER, domain="x >= 0")
RHO = refuses("rho", 1.0, -0.5, domain=FRACTION)
MOMENTUM = refuses("momentum", 1.5, -0.1, NOT_A_NUMBER, domain=UNIT)
CYCLE = refuses("cycle", 0, -3, domain="an integer >= 1")
