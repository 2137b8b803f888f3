"""How long each optimizer takes to a target: medians and quartiles, shares of runs that got there, and speed-ups."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from experiments.analysis.evidence import Evidence
from experiments.analysis.levels import Target
from experiments.analysis.statistics import reached, speed_up, summarise_times
from experiments.figures import canvas
from experiments.figures.base import FEW, Table, dot, group, looks, name_rows, room_for, under
from experiments.figures.canvas import Caption
from experiments.studies import Entry, Style
from experiments.text import from_csv, to_csv

REFERENCES = ("adamw", "adam", "sgd")  # of which the first that is there is what others are faster than
HOW = (
    "Bar: median over seeds of the first evaluation whose validation score meets the target; whisker: quartiles; dot: "
    "a seed. A run that never meets it takes infinitely long, and is never left out. Above: how many times faster than "
    "{reference}, at the right for each; a median that is never counts as the budget and one pass, and gives a bound."
)
SHARES = (
    "Share of runs whose validation score has met the target by a number of passes. What is missing to 1 at the end "
    "never met it, and is never left out."
)
GAP = 0.13  # share of an axis that a number above it takes


def reference_of(entries: Sequence[Entry]) -> str:
    """Returns the optimizer that others are compared with; empty where there is none that is usual."""
    return next((e.label for name in REFERENCES for e in entries if e.optimizer == name), "")


def how(table: Table) -> str:
    """Returns how to read the bars, and which levels of the target are not drawn."""
    first = HOW.split(" Above:")[0]
    told = HOW.format(reference=table[0]["reference"]) if table[0]["reference"] else first
    return " ".join((told, *missing(table)))


def missing(table: Table) -> list[str]:
    """Returns the sentences that say which levels of the target are void, for which no times are given."""
    levels = [own[0] for own in group(table, "share").values() if own[0]["void"]]
    return [f"Void, {row['share']:.0%} of the way ({row['target']:.4g}): {row['void']}." for row in levels]


def valid(table: Table) -> list[Mapping[str, Any]]:
    """Returns the rows of the levels that are not void (rule B14)."""
    return [row for row in table if not row["void"]]


def table_of(evidence: Evidence, levels: Sequence[Target]) -> list[dict[str, Any]]:
    """Returns a row for each run and level of the target."""
    run, reference = evidence.found[0].run, reference_of(evidence.study.optimizers)
    return [
        {
            "study": evidence.identity,
            "data": run.data,
            "model": run.task,
            "share": level.share,
            "target": level.value,
            "void": level.void,
            "optimizer": label,
            "seed": seed,
            "epochs": epochs,
            "budget": evidence.study.epochs,
            "reference": reference,
            **_speed_up(level, label, reference, evidence.study.epochs),
        }
        for level in levels
        for label, by_seed in level.epochs.items()
        for seed, epochs in sorted(by_seed.items())
    ]


def _speed_up(level: Target, label: str, reference: str, budget: int) -> dict[str, Any]:
    """Returns how many times faster than the reference an optimizer's median is; NaN where a level gives no times."""
    if level.void or not reference:
        return {"speed_up": math.nan, "never": False, "reference_never": False}
    one, other = (summarise_times(list(level.epochs[name].values())).median for name in (reference, label))
    never = {"never": math.isinf(other), "reference_never": math.isinf(one)}
    return {"speed_up": speed_up([one], [other], [budget]), **never}


def table_from(text: str) -> list[dict[str, Any]]:
    """Returns the table of either figure from its CSV."""
    numbers = dict.fromkeys(("share", "target", "epochs", "speed_up"), float)
    flags = dict.fromkeys(("never", "reference_never"), lambda word: word == "True")
    return from_csv(text, {**numbers, **flags, "seed": int, "budget": int})


def draw(table: Table, styles: Mapping[str, Style], caption: Caption, folder: Path) -> list[Path]:
    """Draws a panel for each level of the target that is valid, all on one axis of time.

    Args:
        table: the numbers, as `table_of` gives them.
        styles: the look of each optimizer.
        caption: the words.
        folder: where the files go.
    """
    shown = valid(table)
    labels, levels = list(group(shown)), group(shown, "share")
    with mpl.rc_context(canvas.STYLE):
        # The axis of speed-ups stands between the panels and their titles.
        height = canvas.HEIGHT + 0.3 * max(0, len(labels) - FEW)
        grid: Any = {"grid": (1, len(levels)), "gap": (0.06, 0.3), "height": height, "left": room_for(labels)}
        figure, panels = canvas.sheet(caption, room=0, **grid)
        figure.subplots_adjust(top=panels[0].get_position().y1 - 0.3 / height)
        _time_axis(panels[0], shown)
        name_rows(panels[0], labels)
        for panel, (share, rows) in zip(panels, levels.items(), strict=True):
            panel.grid(visible=False, axis="y")
            for place, (label, own) in enumerate(group(rows).items()):
                with canvas.of(label, panel):
                    _bar(panel, own, styles[label], place)
            above = 32 if _speed_axis(panel, rows) else 6
            title = canvas.plain(f"{share:.0%} of the way: {rows[0]['target']:.4g}")
            panel.set_title(title, fontsize=9.5, loc="left", pad=above)
        words = "epochs (passes over the training set) until the target is met"
        figure.supxlabel(words, y=under(caption, height), fontsize=9.5)
        return canvas.save(figure, folder, "time_to_target", caption, to_csv(table))


def draw_shares(table: Table, styles: Mapping[str, Style], caption: Caption, folder: Path) -> list[Path]:
    """Draws the share of runs that have met each valid level by a number of passes; arguments as above."""
    shown = valid(table)
    levels = group(shown, "share")
    lines = {label: [row["epochs"] for row in own] for label, own in group(shown).items()}
    seen = looks({label: -sum(map(math.isinf, epochs)) for label, epochs in lines.items()}, styles)
    with mpl.rc_context(canvas.STYLE):
        room = max(map(len, lines)) + len("  00/00")
        figure, panels = canvas.sheet(caption, room=room, grid=(1, len(levels)), gap=(0.08, 0.3))
        panels[0].set_xlim(0, table[0]["budget"])
        panels[0].set_ylim(-0.02, 1.02)
        panels[0].xaxis.set_major_locator(MaxNLocator(5, integer=True))
        panels[0].set_ylabel("share of runs that met the target")
        for panel, (share, rows) in zip(panels, levels.items(), strict=True):
            title = canvas.plain(f"{share:.0%} of the way: {rows[0]['target']:.4g}")
            panel.set_title(title, fontsize=9.5, loc="left")
            ends = [_share(panel, label, own, seen[label]) for label, own in group(rows).items()]
        canvas.label_ends(panels[-1], ends)
        figure.supxlabel("epochs (passes over the training set)", y=under(caption), fontsize=9.5)
        return canvas.save(figure, folder, "time_to_target_shares", caption, to_csv(table))


def _share(axes: Axes, label: str, own: Table, style: Mapping[str, Any]) -> Any:
    """Draws the share of an optimizer's runs as right-continuous steps; returns where they end."""
    epochs, end = [row["epochs"] for row in own], axes.get_xlim()[1]
    jumps, shares = reached(epochs)
    last = float(shares[-1]) if len(shares) else 0.0
    x, y = np.concatenate([[0], jumps, [end]]), np.concatenate([[0], shares, [last]])
    with canvas.of(label, axes):
        axes.step(x, y, where="post", **{"linewidth": 1.7, "markersize": 4, "markevery": [-1], **style})
    met = sum(map(math.isfinite, epochs))
    return end, last, f"{label}  {met}/{len(epochs)}", style


def _time_axis(axes: Axes, rows: Table) -> None:
    """Makes the axis of time cover what was reached, with room for a number at the right."""
    finite = [row["epochs"] for row in rows if math.isfinite(row["epochs"])]
    axes.set_xlim(0, 1.28 * max([*finite, 1.0]))
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))


def _speed_axis(axes: Axes, rows: Table) -> bool:
    """Draws the axis of speed-ups above a panel, and a line at the reference; returns whether there is a reference."""
    reference = [row["epochs"] for row in rows if row["optimizer"] == row["reference"]]
    if not reference:
        return False
    median = summarise_times(reference).median
    unit, end = min(median, rows[0]["budget"] + 1.0), axes.get_xlim()[1]
    above = axes.secondary_xaxis("top", functions=(lambda x: x, lambda x: x))
    kept: list[float] = []
    for mark in (1, 2, 1 / 2, 4, 1 / 4, 8, 1 / 8):  # those nearest to 1 first
        if GAP * end / 2 < unit / mark < end and all(abs(unit / mark - place) > GAP * end for place in kept):
            kept.append(unit / mark)
    above.xaxis.set_major_locator(FixedLocator(kept))
    above.xaxis.set_minor_locator(NullLocator())
    above.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{unit / x:.2g} x" if x else ""))
    above.tick_params(labelsize=8)
    above.set_xlabel(canvas.plain(f"times as fast as {rows[0]['reference']}"), fontsize=8.5, loc="left", labelpad=3)
    if unit < end:
        axes.axvline(unit, color=canvas.QUIET, linewidth=0.8, linestyle=(0, (2, 2)), zorder=1)
    return True


def speed_words(row: Mapping[str, Any]) -> str:
    """Returns a speed-up in words, a bound where one of the two medians is never; empty where there is nothing."""
    if math.isnan(row["speed_up"]) or (row["never"] and row["reference_never"]):
        return ""
    bound = "≤ " if row["never"] else "≥ " if row["reference_never"] else ""
    return f"{bound}{row['speed_up']:.2g} x"


def _bar(axes: Axes, own: Table, style: Style, place: int) -> None:
    """Draws one optimizer's times and its speed-up; what cannot be drawn is written."""
    epochs = [row["epochs"] for row in own]
    told, end = summarise_times(epochs), axes.get_xlim()[1]
    if math.isfinite(told.median):
        axes.barh(place, told.median, height=0.5, facecolor=style.color, alpha=0.35, edgecolor=style.color, zorder=2)
    if math.isfinite(told.low):
        axes.plot([told.low, min(told.high, end)], [place, place], color=canvas.INK, linewidth=1.3, zorder=4)
    alive = [value for value in epochs if math.isfinite(value)]
    heights = [place + 0.36 * (((5 * i) % 7) / 6 - 0.5) for i in range(len(alive))]
    axes.plot(alive, heights, **dot(style), markersize=4, mew=0, zorder=3)
    across = axes.get_yaxis_transform()
    paper = {"facecolor": "white", "edgecolor": "none", "pad": 0.8, "alpha": 0.85}
    said: Any = {"transform": across, "fontsize": 8, "bbox": paper, "zorder": 5}
    axes.text(0.99, place, speed_words(own[0]), ha="right", va="center", **said)
    if told.misses:
        inside = math.isinf(told.median)  # there is no bar then
        axes.text(0.02, place - (0 if inside else 0.27), f"not reached {told.misses}/{told.n}",
                  va="center" if inside else "bottom", **said)  # fmt: skip
