"""What the hyperparameters were chosen from: validation scores of all trials, and what to expect of k of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator

from experiments.analysis import tuning_rows
from experiments.figures import canvas, scales
from experiments.figures.canvas import Context, plain
from experiments.figures.looks import FEW, LIT, ended, label_ends, looks, of, under
from experiments.studies import Style
from experiments.text import Table, group


def draw_rates(table: Table, context: Context) -> Figure:
    """Draws what a hyperparameter was chosen from: a panel for each optimizer that has it."""
    lines = group(table)
    columns = min(len(lines), math.ceil(len(lines) / 2) if len(lines) <= FEW else 4)
    grid = (math.ceil(len(lines) / columns), columns)
    height = 3.6 + 1.3 * grid[0]
    figure, axes = canvas.sheet(context.caption, room=0, grid=grid, gap=(0.08, 0.42), height=height)
    if grid == (1, 1):  # a single axes has no title of its own elsewhere, and stands higher
        figure.subplots_adjust(top=axes[0].get_position().y1 - 0.35 / height)
    axes[0].set_xscale("log")
    words = _score_scale(axes[0], table, context.score, context.step)
    for panel, (label, own) in zip(axes, lines.items(), strict=False):
        with of(label, panel):
            _panel(panel, own, context.styles[label])
    values = [row["value"] for row in table]
    axes[0].set_xlim(min(values) / 1.8, max(values) * 1.8)
    low, high = axes[0].get_xlim()
    margin = (high / low) ** 0.06  # the words of a number at the end of a panel would meet the next panel's
    places = scales.round_places(low * margin, high / margin, most=5 if columns < 4 else 3)
    scales.ticks(axes[0].xaxis, FixedLocator(places))
    for panel in axes[len(lines) :]:
        panel.set_visible(False)
    for panel in axes[max(0, len(lines) - columns) : len(lines)]:
        panel.tick_params(labelbottom=True)
    figure.supxlabel(f"{words_of(table[0])} (logarithmic axis)", y=under(context.caption, height), fontsize=9.5)
    figure.supylabel(f"validation {context.score} after the last epoch\n({words})", x=0.012, y=0.5, fontsize=9.5)
    return figure


def words_of(first: Mapping[str, Any]) -> str:
    """Returns what a hyperparameter is called on an axis, as it was searched."""
    name = str(first["hyperparameter"]).replace("_", " ")
    return f"1 - {name}" if first["one_minus"] else name


def _score_scale(axes: Axes, table: Table, score: str, step: float) -> str:
    """Sets the axis of scores up, and returns what to say of it."""
    good = [row["score"] for row in table if math.isfinite(row["score"])] or [1.0]
    if not 0 <= min(good) <= max(good) <= 1 and (table[0]["higher_is_better"] or min(good) <= 0):
        return scales.plain_scale(axes.yaxis, good)
    if table[0]["higher_is_better"]:
        scales.accuracy_scale(axes, good, step)
        return f"axis logarithmic in 1 - {score}"
    scales.loss_scale(axes, good)
    return "logarithmic axis"


def _panel(axes: Axes, own: Table, style: Style) -> None:
    """Draws the values tried and their scores; crosses of diverged runs stand at the end that is worst."""
    first, color = own[0], style.color
    axes.axvspan(first["low"], first["lower_zone"], color="#EFEFEF", linewidth=0, zorder=0)
    axes.axvspan(first["upper_zone"], first["high"], color="#EFEFEF", linewidth=0, zorder=0)
    if first["default"] > 0:
        axes.axvline(first["default"], color=canvas.QUIET, linewidth=0.8, linestyle=(0, (2, 2)))
    middle = [(value, score) for value, score in tuning_rows.tried(own) if math.isfinite(score)]
    if first["tuned"] == 1 and middle:  # among other hyperparameters, neighbours differ in those as well
        axes.plot(*zip(*middle, strict=True), color=color, linewidth=1.4)
    worst = axes.get_ylim()[0 if first["higher_is_better"] else 1]
    for row in own:
        if math.isfinite(row["score"]):
            axes.plot(row["value"], row["score"], ".", color=color, markersize=4)
        else:
            axes.plot(row["value"], worst, "x", color=color, mew=2, clip_on=False)
    at = first["chosen_score"]
    if math.isfinite(at):
        axes.plot(first["chosen"], at, "o", color=color, markersize=9, mfc="none", mew=1.6)
        if first["outermost"]:
            arrow = {"arrowstyle": "<|-", "color": color, "linewidth": 1.4}  # its head is at the text, which is empty
            away = (24 * first["outermost"], 0)
            axes.annotate("", (first["chosen"], at), away, textcoords="offset points", arrowprops=arrow)
    _bar(axes, first, color)
    title, room = f"{first['optimizer']}: {first['chosen']:.3g}", 72 * canvas.WIDTH * axes.get_position().width
    axes.set_title(plain(title), fontsize=10 * min(1, room / canvas.width_of(title, 10)), loc="left", pad=15)
    axes.text(0, 1.035, _said(first), transform=axes.transAxes, fontsize=8, color=canvas.QUIET)


def _bar(axes: Axes, first: Mapping[str, Any], color: str) -> None:
    """Draws how far the good values reach, at the foot of the panel."""
    if math.isfinite(first["width_decades"]):
        ends, foot = (first["good_from"], first["good_to"]), axes.get_xaxis_transform()
        axes.plot(ends, (0.05, 0.05), color=color, linewidth=4, solid_capstyle="butt", transform=foot, zorder=2)
        axes.plot(ends, (0.05, 0.05), "|", color=color, markersize=8, mew=1.5, transform=foot, zorder=2)


def _said(first: Mapping[str, Any]) -> str:
    """Returns how wide the good values are, and whether the best is the outermost tried."""
    wide = f"{decades(first)} decades" if decades(first) else ""
    return ", ".join(filter(None, (wide, "best: the outermost" if first["outermost"] else "")))


def decades(first: Mapping[str, Any]) -> str:
    """Returns the width of the good values in decades, at least so many where they reach to the end; empty if none."""
    if not math.isfinite(first["width_decades"]):
        return ""
    if first["open_below"] or first["open_above"]:
        return f"≥ {first['width_decades']:.1f}"
    return f"{first['width_decades']:.1f}" if first["width_decades"] >= 0.05 else "< 0.1"


def draw_best_of(table: Table, context: Context) -> Figure:
    """Draws the expected best of k trials against k."""
    lines = group(table)
    figure, (axes,) = canvas.sheet(context.caption, room=max(map(len, lines)) + len("  0.000"))
    axes.set_xlim(1, max(row["k"] for row in table))
    words = scales.score_scale(axes.yaxis, [row["expected"] for row in table], table[0]["higher_is_better"])
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("number of trials, k")
    axes.set_ylabel(f"validation {context.score} expected of the best of k\n({words})")
    shade = 0.13 if len(lines) <= LIT else 0.05
    sign = 1 if table[0]["higher_is_better"] else -1
    seen = looks({label: sign * own[-1]["expected"] for label, own in lines.items()}, context.styles, context.kept)
    ends = [_line(axes, own, seen[label], shade) for label, own in lines.items()]
    label_ends(axes, [end for end in ends if end is not None])
    return figure


def _line(axes: Axes, own: Table, style: Mapping[str, Any], shade: float) -> Any:
    alive = [row for row in own if math.isfinite(row["expected"])]
    if not alive:
        return None
    k = [row["k"] for row in alive]
    floor, top = axes.get_ylim()
    low, high = ([min(max(row[end], floor), top) for row in alive] for end in ("low", "high"))
    with of(own[0]["optimizer"], axes):
        axes.fill_between(k, low, high, color=style["color"], alpha=shade, linewidth=0)
        look = {"linewidth": 1.8, "markersize": 5, "zorder": 3, **style}
        axes.plot(k, [row["expected"] for row in alive], **look)
    last = alive[-1]
    return last["k"], last["expected"], f"{last['optimizer']}  {ended(last['expected'])}", style
