"""Budget tiers: how much is spent on each optimizer and problem (rule B5), whatever its number of hyperparameters."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from experiments.errors import unknown


@dataclasses.dataclass(frozen=True)
class Tier:
    """How much is spent on each optimizer and problem.

    Attributes:
        name: its name in studies.
        trials: points tried in a round, K.
        seeds: evaluation seeds, S.
        rounds: complete searches, each with a scramble of its own.
        claims: whether what it gives may be claimed; else it is a look or a test of the wiring.
    """

    name: str
    trials: int
    seeds: int
    rounds: int
    claims: bool

    @property
    def tuning_seeds(self) -> int:
        """Seeds at which each point is tried: where points are few, luck would choose (rule B11)."""
        return 2 if self.trials <= 8 else 1

    @property
    def tuning_runs(self) -> int:
        """Tuning runs of an optimizer on a problem, before any widening."""
        return self.trials * self.tuning_seeds * self.rounds


TIERS: Mapping[str, Tier] = {
    tier.name: tier
    for tier in (
        Tier("smoke", trials=3, seeds=2, rounds=1, claims=False),
        Tier("laptop", trials=8, seeds=5, rounds=1, claims=False),
        Tier("standard", trials=20, seeds=10, rounds=1, claims=True),
        Tier("paper", trials=50, seeds=20, rounds=3, claims=True),
    )
}


def tier(name: str) -> Tier:
    """Returns a tier by name.

    Raises:
        UserError: there is none of that name.
    """
    if name not in TIERS:
        raise unknown("tier", str(name), TIERS)
    return TIERS[name]
