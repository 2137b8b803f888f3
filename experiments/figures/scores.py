"""Where the runs of each optimizer end: a dot a seed with intervals and ties, and differences seed by seed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from experiments.analysis.evidence import Evidence, origin
from experiments.analysis.lint import Claims
from experiments.analysis.results import Result
from experiments.analysis.statistics import centres, generator
from experiments.figures import canvas, scales
from experiments.figures.base import Table, dot, group, name_rows, room_for, under
from experiments.figures.canvas import Caption
from experiments.studies import Style
from experiments.text import from_csv, to_csv

SPLITS = ("train", "test")
DOTS = "Dot: a seed; diamond and bar: mean with its 95 % interval (expanded bootstrap over seeds);"
TIED = "line at the right: not told apart from the best mean on the test set;"
BREAK = "strokes across an axis: it does not begin at 0."
PAIRED = (
    "Dot: the best mean less this optimizer, in one seed; diamond and bar: mean of the differences with its 95 % "
    "interval (expanded paired bootstrap);"
)
VERDICT = "right: the verdict on this optimizer, p corrected for all pairs, P(the best is better)."
NUMBERS_ALONE = "right: p corrected for all pairs and P(the best is better), from which nothing is claimed."
NUMBERS = {"seed": int, "score": float, "mean": float, "low": float, "high": float, "difference": float}


def dots_how(claims: Claims) -> str:
    """Returns how to read the dots; ties are drawn only where claims may be made."""
    return " ".join((DOTS, TIED, BREAK) if claims.allowed else (DOTS, BREAK))


def paired_how(claims: Claims) -> str:
    """Returns how to read the differences."""
    return f"{PAIRED} {VERDICT if claims.allowed else NUMBERS_ALONE}"


def dots_table(evidence: Evidence, result: Result) -> list[dict[str, Any]]:
    """Returns a row for each run and split, with the mean and interval of its optimizer; the best mean first."""
    rows = []
    for split in SPLITS:
        finals = evidence.final(split)
        whole = {label: [v[seed] for seed in sorted(v)] for label, v in evidence.complete(finals).items()}
        found = centres(whole, generator(evidence.identity, f"dots {split}")) if whole else {}
        for row in result.rows:
            mean = found[row.label].mean if row.label in found else None
            rows += [
                {
                    **origin(evidence),
                    "split": split,
                    "optimizer": row.label,
                    "seed": seed,
                    "score": value,
                    "mean": mean.value if mean else math.nan,
                    "low": mean.expanded.low if mean else math.nan,
                    "high": mean.expanded.high if mean else math.nan,
                    "tied": row.tied,
                    "higher_is_better": evidence.higher,
                }
                for seed, value in sorted(finals[row.label].items())
            ]
    return rows


def table_from(text: str) -> list[dict[str, Any]]:
    """Returns the table of either figure from its CSV."""
    return from_csv(text, {**NUMBERS, "tied": _true, "higher_is_better": _true})


def _true(word: str) -> bool:
    return word == "True"


def draw_dots(table: Table, styles: Mapping[str, Style], score: str, caption: Caption, folder: Path) -> list[Path]:
    """Draws the scores after the last pass, training beside test, each with an axis of its own.

    Args:
        table: the numbers, as `dots_table` gives them.
        styles: the look of each optimizer.
        score: what the score is called.
        caption: the words.
        folder: where the files go.
    """
    labels = list(group(table))
    with mpl.rc_context(canvas.STYLE):
        figure, panels = canvas.sheet(caption, room=0, grid=(1, 2), gap=(0.1, 0.3), share=False, left=room_for(labels))
        for panel, (split, rows) in zip(panels, group(table, "split").items(), strict=True):
            panel.set_title(f"{'training' if split == 'train' else split} {score}", fontsize=10, loc="left")
            name_rows(panel, labels if panel is panels[0] else [""] * len(labels))
            seen = [row[key] for row in rows for key in ("score", "low", "high")]
            axis = scales.score_scale(panel.xaxis, seen, rows[0]["higher_is_better"])
            scales.mark_break(panel)
            for place, (label, own) in enumerate(group(rows).items()):
                with canvas.of(label, panel):
                    _points(panel, own, "score", styles[label], place)
        tied = [place for place, (_, own) in enumerate(group(table).items()) if own[0]["tied"]]
        if len(tied) > 1:
            _bracket(panels[1], tied)
        text = f"{score} after the last pass ({axis})"
        figure.supxlabel(text, y=under(caption), fontsize=9.5)
        return canvas.save(figure, folder, "scores", caption, to_csv(table))


def differences_table(evidence: Evidence, result: Result) -> list[dict[str, Any]]:
    """Returns a row for each seed and optimizer but the best: how far it is behind; none where there is no mean."""
    finals, best = evidence.final("test"), result.rows[0].label
    told = [row for row in result.rows if row.lag is not None]
    return [
        {
            **origin(evidence),
            "optimizer": row.label,
            "best": best,
            "seed": seed,
            "difference": 0.0 if finals[best][seed] == value else finals[best][seed] - value,
            "mean": row.lag.difference,
            "low": row.lag.expanded.low,
            "high": row.lag.expanded.high,
            "says": f"{row.verdict:<6} p {row.lag.corrected_p:<8.2g}P {row.lag.superiority:.2f}",
        }
        for row in told
        if row.lag is not None
        for seed, value in sorted(finals[row.label].items())
    ]


def draw_differences(
    table: Table, styles: Mapping[str, Style], score: str, caption: Caption, folder: Path
) -> list[Path]:
    """Draws the difference between the best and each other optimizer, seed by seed; arguments as above."""
    labels, best = list(group(table)), table[0]["best"]
    with mpl.rc_context(canvas.STYLE):
        figure, (panel,) = canvas.sheet(caption, room=34, left=room_for(labels))
        panel.axvline(0, color=canvas.INK, linewidth=1)
        for place, (label, own) in enumerate(group(table).items()):
            with canvas.of(label, panel):
                _points(panel, own, "difference", styles[label], place)
                panel.annotate(own[0]["says"], (1.015, place), xycoords=("axes fraction", "data"), va="center",
                               fontsize=8.5, family="monospace", annotation_clip=False)  # fmt: skip
        name_rows(panel, labels)
        axis = _differences_scale(panel, [row[key] for row in table for key in ("difference", "low", "high")])
        panel.set_xlabel(f"test {score} of {canvas.plain(best)} less that of the optimizer, seed by seed{axis}")
        return canvas.save(figure, folder, "differences", caption, to_csv(table))


def _points(axes: Axes, own: Table, column: str, style: Style, place: int) -> None:
    """Draws one optimizer's seeds, its mean and its interval."""
    look = dot(style)
    alive = [row[column] for row in own if math.isfinite(row[column])]
    heights = [place + 0.3 * (((5 * i) % 7) / 6 - 0.5) for i in range(len(alive))]  # apart, always in the same way
    axes.plot(alive, heights, **look, markersize=5, alpha=0.75, mew=0, zorder=3)
    lost = len(own) - len(alive)
    if lost:
        axes.annotate(f"{lost} of {len(own)} diverged", (0.99, place + 0.32), xycoords=("axes fraction", "data"),
                      fontsize=8, va="center", ha="right", color=style.color)  # fmt: skip
    mean, low, high = own[0]["mean"], own[0]["low"], own[0]["high"]
    if math.isfinite(mean) and math.isfinite(low):
        axes.plot([low, high], [place + 0.32] * 2, color=style.color, linewidth=2.2, zorder=4, solid_capstyle="butt")
        axes.plot(mean, place + 0.32, "D", color=style.color, markersize=5.5, mec="white", zorder=5)


def _differences_scale(axes: Axes, values: list[float]) -> str:
    """Makes an axis cover differences of very different size, and returns what to say of it."""
    ends = [value for value in values if math.isfinite(value)] or [0.0]
    sizes = sorted(abs(value) for value in ends if value) or [0.01]
    low, high = min(0.0, *ends), max(0.0, *ends)
    middle = sizes[len(sizes) // 2]
    if sizes[-1] <= 8 * middle:
        room = 0.06 * (high - low) or 0.01
        axes.set_xlim(low - room, high + room)
        axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
        words = ""
    else:
        linear = float(f"{middle:.1g}")
        axes.set_xscale("symlog", linthresh=linear, linscale=1.2)
        axes.set_xlim(1.4 * low - linear / 4, 1.4 * high + linear / 4)
        decades = range(math.floor(math.log10(linear)), math.ceil(math.log10(sizes[-1])) + 1)
        beyond = [tick for k in decades for m in (1, 2, 5) if (tick := m * 10.0**k) >= linear]
        axes.xaxis.set_major_locator(FixedLocator([*(-tick for tick in beyond), 0.0, *beyond]))
        axes.xaxis.set_minor_locator(NullLocator())
        words = f" (axis logarithmic beyond {linear:g})"
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    return words


def _bracket(axes: Axes, tied: list[int]) -> None:
    """Draws what holds the rows of the tie group together, right of the axes; other rows may lie between them."""
    for place in tied:
        first, last = place - 0.36, place + (0.64 if place + 1 in tied else 0.4)
        axes.plot([1.015] * 2, [first, last], color=canvas.INK, linewidth=2.2, transform=axes.get_yaxis_transform(),
                  clip_on=False, solid_capstyle="butt")  # fmt: skip
