"""Performance profiles of times and of test errors, and data profiles: shares of problems solved within a budget."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from experiments.analysis.profiles import Profile, of_rows, scores
from experiments.figures import canvas, scales
from experiments.figures.canvas import Context, plain
from experiments.figures.looks import label_ends, look, looks, of, under
from experiments.text import Table


def draw(table: Table, context: Context, unit: str = "epochs") -> Figure:
    """Draws performance profiles with and without the best, and the data profile, over a unit of cost."""
    shown = of_rows(table)
    points = scores(next(iter(shown.values())))
    room = max(map(len, points)) + len("  0.00")
    figure, panels = canvas.sheet(context.caption, room=room, grid=(1, len(shown)), gap=(0.14, 0.3), share=False)
    for panel, (title, profile) in zip(panels, shown.items(), strict=True):
        panel.set_title(plain(title), fontsize=9.5, loc="left")
        panel.set_xlabel("times the fastest (log)" if profile.kind == "performance" else unit, fontsize=9)
        panel.tick_params(labelleft=panel is panels[0])
        ends = _curves(panel, profile, looks(points, context.styles))
    panels[0].set_ylabel("share of problems solved")
    label_ends(panels[-1], [(x, y, f"{label}  {points[label]:.2f}", style) for x, y, label, style in ends])
    return figure


def draw_errors(table: Table, context: Context) -> Figure:
    """Draws performance profiles of test errors, one under the other: each is of other optimizers and problems."""
    shown = of_rows(table)
    room = max(len(row["optimizer"]) for row in table) + len("  0.00")
    height, grid = 1.3 + 2.9 * len(shown), (len(shown), 1)
    figure, panels = canvas.sheet(context.caption, room=room, grid=grid, gap=(0.1, 0.55), share=False, height=height)
    room_points = 72 * canvas.WIDTH * canvas.SLACK * panels[0].get_position().width
    titles = [canvas.broken(title, room_points, 9) for title in shown]
    heading = 0.16 * len(titles[0]) + (0.12 if len(panels) == 1 else -0.1)  # inches over the first panel
    figure.subplots_adjust(top=panels[0].get_position().y1 - max(0.0, heading) / height)
    for panel, lines, profile in zip(panels, titles, shown.values(), strict=True):
        points = scores(profile)
        panel.set_title(plain("\n".join(lines)), fontsize=9, loc="left")
        ends = _curves(panel, profile, looks(points, context.styles))
        panel.set_ylabel("share of problems", fontsize=9)
        label_ends(panel, [(x, y, f"{label}  {points[label]:.2f}", style) for x, y, label, style in ends])
    panels[-1].set_xlabel("multiple of the lowest test error shown of the problem (log)", fontsize=9)
    return figure


def draw_pairs(table: Table, context: Context) -> Figure:
    """Draws profiles of two optimizers at a time; of many, those with the best one."""
    pairs = list(of_rows(table).values())
    columns = min(5, len(pairs)) if len(pairs) > 4 else len(pairs)
    lines = math.ceil(len(pairs) / columns)
    height = 4.6 if lines == 1 else 6.4
    figure, panels = canvas.sheet(
        context.caption, room=0, grid=(lines, columns), gap=(0.14, 0.5), share=False, height=height
    )
    for panel, profile in zip(panels, pairs, strict=False):
        wins = profile.at(1.0)
        _curves(panel, profile, {label: look(context.styles[label]) for label in wins})
        title = "\n".join(f"{label} ({share:.0%})" for label, share in wins.items())
        panel.set_title(plain(title), fontsize=8.5, loc="left")
        panel.tick_params(labelleft=panel in panels[::columns])
    figure.supxlabel(
        "multiple of the faster one's epochs (logarithmic axis)", y=under(context.caption, height), fontsize=9.5
    )
    panels[0].set_ylabel("share solved")
    for panel in panels[len(pairs) :]:
        panel.set_visible(False)
    return figure


def _curves(axes: Axes, profile: Profile, seen: Mapping[str, Any]) -> list[tuple[float, float, str, Any]]:
    """Draws the curves of a profile as steps that are right-continuous; returns where they end."""
    ratios = profile.kind == "performance"
    start, end = (1.0, profile.end) if ratios else (0.0, profile.end)
    if ratios:
        axes.set_xscale("log", base=2)
        marks = [2.0**k for k in range(math.ceil(math.log2(end)) + 1) if 2.0**k <= end]
        scales.ticks(axes.xaxis, FixedLocator(marks))
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
        with of(label, axes):
            axes.step(x, y, where="post", **{"linewidth": 1.7, "markersize": 4, **seen[label]})
        ends.append((end, float(y[-1]), label, seen[label]))
    return ends
