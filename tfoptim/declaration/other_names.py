"""Optimizers by their names in other libraries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ALIASES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "rectifiedadam": ("RAdam", {}),
    "lazyadam": ("Adam", {"lazy": True}),
    "adamwschedulefree": ("ScheduleFreeAdamW", {}),
    "sgdschedulefree": ("ScheduleFreeSGD", {}),
}
"""Name in another package, in lower case -> class here, and the arguments that make it the same."""

_AVERAGE = "Every optimizer averages its weights: give it use_ema=True, and ema_momentum="

HINTS: Mapping[str, str] = {
    "movingaverage": f"{_AVERAGE}0.99 or a schedule.",
    "swa": f"{_AVERAGE}tfoptim.schedules.SWA(start, period).",
    "asgd": f"{_AVERAGE}tfoptim.schedules.SWA(start, 1).",
    "decoupledweightdecayextension": "Every optimizer has weight_decay.",
    "extend_with_decoupled_weight_decay": "Every optimizer has weight_decay.",
    "sharpnessawareminimization": "It is tfoptim.SAM, made of another optimizer.",
    "sparseadam": "It is tfoptim.Adam(lazy=True).",
    "amsgrad": "It is tfoptim.Adam(amsgrad=True).",
    "nesterov": "It is tfoptim.Momentum(nesterov=True).",
    "nag": "It is tfoptim.Momentum(nesterov=True).",
    "gradientdescent": "It is tfoptim.GD.",
    "ranger": "It is tfoptim.Lookahead(tfoptim.RAdam()).",
    "lookaheadoptimizer": "It is tfoptim.Lookahead, made of another optimizer.",
}
"""Name in TensorFlow Addons, Keras 2, PyTorch or papers, in lower case -> what has it here."""


def elsewhere(name: str) -> str:
    """Returns what a name from another library is called here, after a space, or an empty string."""
    if name.lower() in ALIASES:
        cls, arguments = ALIASES[name.lower()]
        shown = f"({', '.join(f'{key}={value!r}' for key, value in arguments.items())})" if arguments else ""
        return f" It is tfoptim.{cls}{shown}."
    return f" {HINTS[name.lower()]}" if name.lower() in HINTS else ""
