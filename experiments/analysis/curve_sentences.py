"""Titles of figures over epochs and over learning rates: what the curves show, and no verdict."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from experiments.analysis.curves import Curve
from experiments.analysis.evidence import Evidence
from experiments.analysis.results import Result
from experiments.analysis.sentences import NAMES, WORSE, names, percent, reference, short, span
from experiments.text import Table, group

NEAR = 1.0  # points within which a curve is near its end


def of_way(evidence: Evidence, result: Result, table: Table) -> str:
    """Returns how soon the best come near their end: from when on their mean test error stays within a point of it.

    Where that is the last evaluation, it says what they gain there.
    """
    best = [row.label for row in result.rows if row.tied] or [result.rows[0].label]
    if reference(evidence):  # what ties with it need not tie with the best
        best = [result.rows[0].label]
    ways = [means for label in best if (means := _means(group(table).get(label, []))) is not None]
    if not ways:
        return "Test error over epochs"
    near, last = list(map(_near, ways)), max(row["epoch"] for row in table)
    if len(best) == 1:
        word = "lowest" if not result.claims.allowed or reference(evidence) else "best"
        who, plural = f"{best[0]}, {word} at the end,", False
    else:
        rows = [row for row in result.rows if row.label in best]
        who, plural = f"{names(rows, NAMES)}, tied at the end,", True
    of = f"of {last:g} epoch{'s' if last != 1 else ''}"
    if min(near) == last > 0 and all(means[-2][1] > means[-1][1] for means in ways):
        gained = span([means[-2][1] - means[-1][1] for means in ways], percent)
        late = last - ways[0][-2][0]
        when = "epoch" if late == 1 else f"{late:.2g} {of}"
        return f"{who} gain{'' if plural else 's'} {gained} points in the last {when}"
    return f"{who} {'are' if plural else 'is'} within a point of it after {span(near, '{:.2g}'.format)} {of}"


def _means(rows: Sequence[Mapping[str, Any]]) -> list[tuple[float, float]] | None:
    """Returns epochs and mean test errors over seeds; None where a run diverged."""
    seeds = group(rows, "seed")
    if not seeds or len({len(own) for own in seeds.values()}) > 1:
        return None
    means = [
        (float(same[0]["epoch"]), math.fsum(row["test_error"] for row in same) / len(same))
        for same in zip(*seeds.values(), strict=True)
    ]
    return means if all(math.isfinite(value) for _, value in means) else None


def _near(means: Sequence[tuple[float, float]]) -> float:
    """Returns the first epoch from which a mean stays near its last value."""
    far = [place for place, (_, value) in enumerate(means) if abs(value - means[-1][1]) > NEAR]
    return means[far[-1] + 1][0] if far else means[0][0]


def of_curve(table: Table, curve: Curve) -> str:
    """Returns between which means a curve ends, and of which optimizers."""
    ends: dict[str, float] = {}
    for label, own in group(table).items():
        last = [seed[-1][curve.column] for seed in group(own, "seed").values()]
        mean = math.fsum(last) / len(last)
        if math.isfinite(mean) and all(row["status"] != "diverged" for row in own):
            ends[label] = mean
    lost = [label for label in group(table) if label not in ends]
    diverged = f"; {', '.join(lost) if len(lost) <= WORSE else f'{len(lost)} optimizers'} diverged" if lost else ""
    if not ends:
        return f"{curve.words}: every optimizer diverged"
    low, high = min(ends, key=lambda label: ends[label]), max(ends, key=lambda label: ends[label])
    first, last_one = (high, low) if curve.lower else (low, high)
    if len(ends) == 1:
        return f"{curve.words} ends at {short(ends[low])} ({low}){diverged}"
    return (
        f"{curve.words} ends between {short(ends[first])} ({first}) and {short(ends[last_one])} ({last_one}){diverged}"
    )


def of_rates(table: Table) -> str:
    """Returns how wide the good rates reach, from the narrowest to the widest; bounds are named as such."""
    firsts = [own[0] for own in group(table).values() if math.isfinite(own[0]["width_decades"])]
    if not firsts:
        return ""
    lost = "a point" if firsts[0]["higher_is_better"] else "1 %"
    start = f"Rates that lose less than {lost} span"
    ordered = sorted(firsts, key=lambda first: first["width_decades"])
    low, high = ordered[0], ordered[-1]
    beyond = any(_open(first) for first in ordered[:-1])  # may reach further than the widest known
    if len(ordered) == 1:
        return f"{start} {_width(low)} decades ({low['optimizer']})"
    if _width(low) == _width(high) and not beyond:
        return f"{start} {_width(low)} decades for each optimizer"
    least = _width(low) if _open(low) else f"{_width(low)} ({low['optimizer']})"
    most = f"{_width(high)} ({high['optimizer']})" if _open(high) or not beyond else f"{_width(high)} or more"
    return f"{start} {least} to {most} decades"


def _open(first: Mapping[str, Any]) -> bool:
    return bool(first["open_below"] or first["open_above"])


def _width(first: Mapping[str, Any]) -> str:
    if _open(first):
        return f"at least {first['width_decades']:.1f}"
    return f"{first['width_decades']:.1f}" if first["width_decades"] >= 0.05 else "less than 0.1"
