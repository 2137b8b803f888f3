"""Performance profiles, all and two by two, and data profiles: shares of problems solved within a budget."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from experiments.analysis import profiles
from experiments.analysis.profiles import Profile
from experiments.figures import canvas
from experiments.figures.base import Table, group, look, looks, under
from experiments.figures.canvas import Caption
from experiments.studies import Style
from experiments.text import to_csv

UNIT = "A problem is here one seed of the only problem there is."
HOW = (
    f"{UNIT} Left: share of them that an optimizer brings to the target within a multiple of the fastest's passes; "
    "middle: the same without the best, since with it only the best one is named; right: within a number of passes, "
    "which refers to nobody. What is never solved lies beyond the axis."
)
PAIRS = (
    f"{UNIT} Performance profiles of two optimizers at a time, which no third can change: share of problems brought to "
    "the target within a multiple of the faster one's passes. In brackets: share on which it is the fastest."
)

REFUSED = "Profiles: refused, since the target tells nothing between two optimizers here."


def solved_of(table: Table) -> dict[str, list[float]]:
    """Returns the passes to the whole target of each optimizer, seed by seed or problem by problem, void ones apart."""
    return {label: [row["epochs"] for row in own] for label, own in group(_whole(table)).items()}


def _whole(table: Table) -> list[Mapping[str, Any]]:
    """Returns the rows of the whole target, which gives no times where it is void (rule B14)."""
    whole = max(row["share"] for row in table)
    return [row for row in table if row["share"] == whole and not row["void"]]


def drawable(table: Table) -> bool:
    """Returns whether profiles say something: there are two optimizers, none solves at the start, one solves at all."""
    times = [value for own in solved_of(table).values() for value in own]
    return len(solved_of(table)) > 1 and min(times) > 0 and any(map(math.isfinite, times))


def draw(table: Table, styles: Mapping[str, Style], caption: Caption, folder: Path) -> list[Path]:
    """Draws performance profiles with and without the best, and the data profile.

    Args:
        table: times to target, as `times.table_of` gives them.
        styles: the look of each optimizer.
        caption: the words.
        folder: where the files go.
    """
    found = solved_of(table)
    whole = profiles.performance_profile(found)
    points = profiles.scores(whole)
    shown = [("all", whole)]
    if len(set(points.values())) > 1:
        best, rest = profiles.without_best(found)
        shown.append((f"without {', '.join(best)}", rest))
    shown.append(("data profile", profiles.data_profile(found)))
    with mpl.rc_context(canvas.STYLE):
        room = max(map(len, found)) + len("  0.00")
        figure, panels = canvas.sheet(caption, room=room, grid=(1, len(shown)), gap=(0.14, 0.3), share=False)
        for panel, (title, profile) in zip(panels, shown, strict=True):
            panel.set_title(canvas.plain(title), fontsize=9.5, loc="left")
            panel.set_xlabel("times the fastest (log)" if profile.kind == "performance" else "passes", fontsize=9)
            panel.tick_params(labelleft=panel is panels[0])
            ends = _curves(panel, profile, looks(points, styles))
        panels[0].set_ylabel("share of problems solved")
        canvas.label_ends(panels[-1], [(x, y, f"{label}  {points[label]:.2f}", style) for x, y, label, style in ends])
        return canvas.save(figure, folder, "profiles", caption, to_csv(rows(shown, table)))


def draw_pairs(table: Table, styles: Mapping[str, Style], caption: Caption, folder: Path) -> list[Path]:
    """Draws profiles of two optimizers at a time; of many, those with the best one; arguments as above."""
    found = solved_of(table)
    pairs = profiles.pairwise_profiles(found)
    if len(found) > 4:
        points = profiles.scores(profiles.performance_profile(found))
        best = max(points, key=points.__getitem__)
        pairs = {pair: profile for pair, profile in pairs.items() if best in pair}
    columns = min(5, len(pairs)) if len(pairs) > 4 else len(pairs)
    lines = math.ceil(len(pairs) / columns)
    height = 4.6 if lines == 1 else 6.4
    with mpl.rc_context(canvas.STYLE):
        figure, panels = canvas.sheet(
            caption, room=0, grid=(lines, columns), gap=(0.14, 0.5), share=False, height=height
        )
        for panel, (pair, profile) in zip(panels, pairs.items(), strict=False):
            _curves(panel, profile, {label: look(styles[label]) for label in pair})
            wins = profile.at(1.0)
            title = "\n".join(f"{label} ({wins[label]:.0%})" for label in pair)
            panel.set_title(canvas.plain(title), fontsize=8.5, loc="left")
            panel.tick_params(labelleft=panel in panels[::columns])
        figure.supxlabel(
            "multiple of the faster one's passes (logarithmic axis)", y=under(caption, height), fontsize=9.5
        )
        panels[0].set_ylabel("share solved")
        for panel in panels[len(pairs) :]:
            panel.set_visible(False)
        shown = [(" and ".join(pair), profile) for pair, profile in pairs.items()]
        return canvas.save(figure, folder, "profiles_pairwise", caption, to_csv(rows(shown, table)))


def rows(shown: Sequence[tuple[str, Profile]], table: Table) -> list[dict[str, Any]]:
    """Returns the numbers drawn: a row for each problem, optimizer and panel, with its ratio or cost."""
    first = _whole(table)[0]
    return [
        {
            **{key: first[key] for key in ("study", "data", "model", "target")},
            "panel": title,
            "kind": profile.kind,
            "optimizer": label,
            "problem": number,
            "cost": float(cost),
        }
        for title, profile in shown
        for label, costs in profile.costs.items()
        for number, cost in enumerate(costs)
    ]


def _curves(axes: Axes, profile: Profile, seen: Mapping[str, Any]) -> list[tuple[float, float, str, Any]]:
    """Draws the curves of a profile as steps that are right-continuous; returns where they end."""
    ratios = profile.kind == "performance"
    start, end = (1.0, profile.end) if ratios else (0.0, profile.end)
    if ratios:
        axes.set_xscale("log", base=2)
        marks = [2.0**k for k in range(math.ceil(math.log2(end)) + 1) if 2.0**k <= end]
        axes.xaxis.set_major_locator(FixedLocator(marks))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axes.set_xlim(start, end)
    axes.set_ylim(-0.02, 1.02)
    axes.tick_params(labelsize=8)
    ends = []
    for label in profile.costs:
        jumps, shares = profile.steps(label)
        x, y = (
            np.concatenate([[start], jumps, [end]]),
            np.concatenate([[0.0], shares, shares[-1:] if len(shares) else [0.0]]),
        )
        with canvas.of(label, axes):
            axes.step(x, y, where="post", **{"linewidth": 1.7, "markersize": 4, **seen[label]})
        ends.append((end, float(y[-1]), label, seen[label]))
    return ends
