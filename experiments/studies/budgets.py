"""Budgets: trials and seeds of each optimizer on each problem (rule B5), whatever its number of hyperparameters."""

import dataclasses
from collections.abc import Mapping

from experiments.errors import unknown


@dataclasses.dataclass(frozen=True)
class Budget:
    """Trials and seeds of each optimizer on each problem."""

    name: str  # its name in studies
    trials: int  # points tried in a round, K
    seeds: int  # evaluation seeds, S
    rounds: int  # complete searches, each with a scramble of its own
    claims: bool  # whether its results may be claimed; else they are exploratory, or a test of the wiring

    @property
    def tuning_seeds(self) -> int:
        """Seeds of each point: two where points are few and luck would decide (rule B11)."""
        return 2 if self.trials <= 8 else 1


BUDGETS: Mapping[str, Budget] = {
    budget.name: budget
    for budget in (
        Budget("smoke", trials=3, seeds=2, rounds=1, claims=False),
        Budget("laptop", trials=8, seeds=5, rounds=1, claims=False),
        Budget("standard", trials=20, seeds=10, rounds=1, claims=True),
        Budget("paper", trials=50, seeds=20, rounds=3, claims=True),
    )
}

POOLS: Mapping[str, Budget] = {
    name: Budget(f"{name}-pool", 5 * one.trials, seeds=20 if one.claims else 10, rounds=1, claims=one.claims)
    for name, one in BUDGETS.items()
}
"""Budgets of the pool that sets a study's target, by the study's budget (rule B14)."""


def budget_named(name: str) -> Budget:
    """Returns the budget of a study or of a pool."""
    known = {**BUDGETS, **{pool.name: pool for pool in POOLS.values()}}
    if name not in known:
        raise unknown("budget", str(name), BUDGETS)
    return known[name]
