"""The figure of a benchmark: step times of all contenders, measured against ours. It measures nothing."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from experiments.checks.benchmark.plan import CONTENDERS
from experiments.checks.benchmark.rows import Row, one
from experiments.checks.benchmark.rules import RULES
from experiments.checks.benchmark.sets import SETS
from experiments.checks.benchmark.tables import measured
from experiments.figures import canvas
from experiments.figures.canvas import Caption

# Colours of Okabe and Ito; form and filling tell the contenders apart without them.
LOOKS: Mapping[str, tuple[str, str, bool]] = {
    "ours": ("#000000", "|", True),
    "keras": ("#D55E00", "o", True),
    "ours-xla": ("#000000", "D", False),
    "keras-xla": ("#D55E00", "D", False),
    "torch-foreach": ("#0072B2", "^", False),
    "torch-fused": ("#0072B2", "^", True),
}
COLUMNS = 2
INCH = 72  # points
LINE = 13  # points that a rule takes


def draw(rows: Sequence[Row], about: Mapping[str, str], numbers: str, folder: Path) -> list[Path]:
    """Draws one panel a variable set, one line a rule, one mark a contender; writes PNG, SVG and CSV.

    Args:
        rows: what was measured.
        about: where and with what, as `rows.surroundings` gives it.
        numbers: the CSV that the figure is drawn from.
        folder: where the files go.
    """
    words = caption(about)
    # Eager steps would squeeze all others together; those in a loop have a table of their own.
    rows = [row for row in rows if not row.contender.endswith(("eager", "loop"))]
    _, sets, contenders = measured(rows)
    bands = [sets[start : start + COLUMNS] for start in range(0, len(sets), COLUMNS)]
    heights = [max(len(measured([r for r in rows if r.set == name])[0]) for name in band) for band in bands]
    with mpl.rc_context(canvas.STYLE):
        figure, grid = _sheet(words, heights)
        for place, name in enumerate(sets):
            alike = [row for row in rows if SETS[row.set].table == SETS[name].table]
            panel = grid[place // COLUMNS][place % COLUMNS]
            _panel(panel, [row for row in rows if row.set == name], name, _limits(alike))
        for panel in (panel for line in grid for panel in line):
            panel.set_visible(panel.has_data())
        _legend(figure, contenders)
        return canvas.save(figure, folder, "benchmark", words, numbers)


def caption(about: Mapping[str, str]) -> Caption:
    """Returns the words of the figure: what is shown, where it was measured, and the command that does it again."""
    title = "Time of an optimizer step, as a multiple of ours in graph mode"
    how = (
        "Mark: median of the repetitions' ratios; line: from the lowest to the highest. All contenders of a panel's "
        "line were called in turn in one process. Right of a panel: milliseconds of our step, median. Further left is "
        "faster. Eager mode is in the table."
    )
    versions = [f"{name} {about[key]}" for name, key in _VERSIONS if about.get(key)]
    speed = f", memory {float(about['bandwidth_gb_s']):.1f} GB/s" if about.get("bandwidth_gb_s") else ""
    machine = f"{about['cpu']}, {about['cores']} cores{speed}, {about['system']}"
    footer = (f"{machine}, {', '.join(versions)}, commit {about['commit']}, {about['date']}",)
    return Caption(title, (how,), (*footer, f"measured by: {about['command']}"), f"{title}. {how}")


_VERSIONS = (("Python", "python"), ("TensorFlow", "tensorflow"), ("Keras", "keras"), ("torch", "torch"))


def _sheet(words: Caption, heights: Sequence[int]) -> tuple[Figure, list[list[Axes]]]:
    """Returns a figure as high as its lines need, with its words and its panels."""
    lines = [part for line in words.lines for part in textwrap.wrap(line, canvas.LETTERS)]
    footer = [part for line in words.footer for part in textwrap.wrap(line, canvas.LETTERS)]
    head, foot, gap = 80 + 12 * len(lines), 56 + 12 * len(footer), 44
    body = LINE * (sum(heights) + len(heights)) + gap * (len(heights) - 1)
    points = head + body + foot
    figure = Figure(figsize=(canvas.WIDTH, points / INCH), dpi=canvas.DPI, facecolor="white")
    axes = figure.subplots(
        len(heights), COLUMNS, squeeze=False, gridspec_kw={"height_ratios": [h + 1 for h in heights]}
    )
    between = gap / (body / len(heights))
    figure.subplots_adjust(0.165, foot / points, 0.945, 1 - head / points, wspace=0.62, hspace=between)
    figure.text(0.012, 1 - 14 / points, words.title, fontsize=11.5, fontweight="bold", va="top")
    figure.text(0.012, 1 - 32 / points, "\n".join(lines), fontsize=8.2, va="top", color=canvas.QUIET)
    figure.text(0.012, 8 / points, "\n".join(footer), fontsize=8, va="bottom", color=canvas.QUIET)
    figure.text(
        0.5, (foot - 38) / points, "time of a step / time of ours in graph mode (logarithmic axis)", ha="center"
    )
    return figure, [list(line) for line in axes]


def _limits(rows: Sequence[Row]) -> tuple[float, float]:
    found = [value for row in rows for value in (row.ratio_low, row.ratio_high) if value is not None]
    return min(0.5, *found) / 1.2, max(2.0, *found) * 1.2


def _panel(axes: Axes, rows: Sequence[Row], name: str, limits: tuple[float, float]) -> None:
    rules = measured(rows)[0]
    axes.set_xscale("log")
    axes.set_xlim(*limits)
    axes.set_ylim(len(rules) - 0.4, -0.6)
    axes.set_yticks(range(len(rules)), [RULES[rule].title for rule in rules], fontsize=8)
    axes.set_title(SETS[name].words, fontsize=9.5, loc="left")
    decades = math.log10(limits[1] / limits[0])
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if decades < 3 else (1,)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axes.tick_params(axis="x", labelbottom=True, labelsize=8)
    axes.axvline(1, color=canvas.INK, linewidth=1)
    for height, rule in enumerate(rules):
        for row in (row for row in rows if row.rule == rule and row.contender != "ours"):
            if row.ratio is None or row.ratio_low is None or row.ratio_high is None:
                continue  # it failed, which the table tells
            color, marker, filled = LOOKS[row.contender]
            axes.plot([row.ratio_low, row.ratio_high], [height] * 2, color=color, linewidth=1, alpha=0.5)
            face = color if filled else "white"
            axes.plot(row.ratio, height, marker, color=color, markersize=5, mfc=face, mew=1, zorder=3)
        ours = one(rows, rule=rule, contender="ours")
        if ours is not None and ours.median_ms is not None:
            text = f"{ours.median_ms:.0f} ms" if ours.median_ms >= 10 else f"{ours.median_ms:.2g} ms"
            axes.text(1.015, height, text, transform=axes.get_yaxis_transform(), va="center", fontsize=7.5)


def _legend(figure: Figure, contenders: Sequence[str]) -> None:
    """Names the marks, above the panels."""
    entries = []
    for name in contenders:
        color, marker, filled = LOOKS[name]
        face, size = (color if filled else "white"), (11 if name == "ours" else 5)
        entries.append(
            Line2D([], [], linestyle="", marker=marker, color=color, mfc=face, markersize=size, label=CONTENDERS[name])
        )
    points = figure.get_figheight() * INCH
    top = figure.subplotpars.top + 36 / points
    figure.legend(handles=entries, loc="center left", bbox_to_anchor=(0.006, top), ncols=8, frameon=False,
                  fontsize=8, handletextpad=0.1, columnspacing=1.2)  # fmt: skip
