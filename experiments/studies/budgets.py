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


POOLS: Mapping[str, Tier] = {
    name: Tier(f"{name}-pool", 5 * one.trials, seeds=20 if one.claims else 10, rounds=1, claims=one.claims)
    for name, one in TIERS.items()
}
"""What the pool that sets a study's target may spend, by the study's tier (rule B14)."""


def tier(name: str) -> Tier:
    """Returns a tier, or the one of a pool, by name.

    Raises:
        UserError: there is none of that name.
    """
    known = {**TIERS, **{pool.name: pool for pool in POOLS.values()}}
    if name not in known:
        raise unknown("tier", str(name), TIERS)
    return known[name]
