"""What a step takes: time, compiling and memory of each repetition of the timing pass, with medians and quartiles."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from experiments.analysis.evidence import Evidence, origin
from experiments.analysis.timing_table import MIB, middle, rows
from experiments.figures import canvas
from experiments.figures.across import Across
from experiments.figures.base import Table, group, name_rows, room_for
from experiments.figures.canvas import Caption
from experiments.records import timings
from experiments.studies import Style
from experiments.text import from_csv, to_csv

SECONDS = Across(
    "seconds", "seconds of training: steps times the median seconds of a step", " over seconds", "_by_second"
)


@dataclasses.dataclass(frozen=True)
class Panel:
    """One column of the figure: what of a repetition it shows, in which unit, and what its axis is called."""

    column: str
    unit: float
    words: str
    log: bool = False


PANELS = (
    Panel("seconds_per_step", 1e-3, "ms a step\n(logarithmic axis)", log=True),
    Panel("seconds_compiling", 1.0, "seconds of\ncompiling"),
    Panel("peak_resident_bytes", MIB, "most memory\nof the process, MiB"),
    Panel("peak_device_bytes", MIB, "most memory\non the GPU, MiB"),
    Panel("state_bytes_per_parameter", 1.0, "bytes of state\nfor each parameter"),
)


def how(evidence: Evidence) -> str:
    """Returns how to read the figure, and on what machine its times were taken."""
    found = evidence.timings
    passes = found[0].run.epochs
    timed = "1 pass" if passes == 1 else f"{passes} passes, the first of which is not timed"
    machine = found[0].environment.get("machine") or {}
    on = f"{machine.get('cpu', 'a processor of unknown name')}, {machine.get('memory_gib', '?')} GiB"
    sgd = next((row.reference for row in rows(found, evidence.study)), "")
    times = f" Numbers with x: the median over that of {sgd}." if sgd else ""
    return (
        f"Dot: a repetition; line and bar: median and quartiles.{times} Runs of {timed}, one at a "
        f"time and each by a process of its own, with one thread, the optimizers in turn, on {on}."
    )


def table_of(evidence: Evidence) -> list[dict[str, Any]]:
    """Returns a row for each repetition; none where times may not be shown."""
    if evidence.untimed:
        return []
    sgd = rows(evidence.timings, evidence.study)[0].reference
    order = {label: place for place, label in enumerate(evidence.labels)}
    own = [(record, timings.taken(record)) for record in evidence.timings if record.run.label in order]
    return [
        {
            **origin(evidence),
            "optimizer": one.label,
            "learning_rate": record.run.learning_rate,
            **{key: value for key, value in dataclasses.asdict(one).items() if key != "label"},
            "reference": sgd,
            "machine": timings.machine_of(record),
        }
        for record, one in sorted(own, key=lambda pair: (order[pair[1].label], pair[1].seed))
    ]


def table_from(text: str) -> list[dict[str, Any]]:
    """Returns the table of the figure from its CSV."""
    numbers = {field.name: float for field in dataclasses.fields(timings.Taken) if field.name != "label"}
    return from_csv(
        text, {**numbers, **dict.fromkeys(("seed", "steps", "peak_resident_bytes"), int), "learning_rate": float}
    )


def with_seconds(table: Table, evidence: Evidence) -> list[dict[str, Any]]:
    """Returns a table of curves with the seconds to each evaluation: steps times the median seconds of a step.

    So they are those of runs that had the machine to themselves, whatever ran beside those that are drawn. There are
    none where the timing pass may not be shown.
    """
    seconds = evidence.step_seconds
    if not seconds:
        return []
    return [{**row, "seconds": row["step"] * seconds[row["optimizer"]]} for row in table]


def draw(table: Table, styles: Mapping[str, Style], caption: Caption, folder: Path) -> list[Path]:
    """Draws a row for each optimizer and a column for each of its costs.

    Args:
        table: the numbers, as `table_of` gives them.
        styles: the look of each optimizer.
        caption: the words.
        folder: where the files go.
    """
    panels = [panel for panel in PANELS if all(math.isfinite(row[panel.column]) for row in table)]
    own = group(table)
    height = max(3.6, 2.4 + 0.34 * len(own) + 0.17 * len(canvas.wrapped((*caption.lines, *caption.footer))))
    widths = [2.2, *(1.0 for _ in panels[1:])]
    with mpl.rc_context(canvas.STYLE):
        left, grid = room_for(list(own)), (1, len(panels))
        figure, axes = canvas.sheet(caption, 0, grid, (0.14, 0.28), height, left=left, share=False, widths=widths)
        for place, (one, panel) in enumerate(zip(axes, panels, strict=True)):
            name_rows(one, list(own))
            if place:
                one.tick_params(axis="y", labelleft=False)
            _scale(one, [row[panel.column] / panel.unit for row in table], log=panel.log)
            for number, (label, taken) in enumerate(own.items()):
                with canvas.of(label, one):
                    _mark(one, number, [row[panel.column] / panel.unit for row in taken], styles[label])
            one.set_xlabel(panel.words, fontsize=8.5)
        _multiples(axes[0], own)
        return canvas.save(figure, folder, "timing", caption, to_csv(table))


def _mark(axes: Axes, place: int, values: Sequence[float], style: Style) -> None:
    found = middle(values)
    axes.plot([found.low, found.high], [place] * 2, color=style.color, linewidth=5, alpha=0.35, solid_capstyle="butt")
    axes.plot(values, [place] * len(values), style.marker, color=style.color, markersize=4, mfc="none", mew=0.9)
    axes.plot([found.median] * 2, [place - 0.28, place + 0.28], color=style.color, linewidth=2)


def _scale(axes: Axes, values: Sequence[float], *, log: bool) -> None:
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,g}"))
    axes.tick_params(axis="x", labelsize=8)
    if not log:
        axes.set_xlim(0, 1.1 * max(values) or 1.0)
        axes.xaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 4, 5, 10]))
        return
    axes.set_xscale("log")
    axes.set_xlim(min(values) / 1.2, max(values) * (max(values) / min(values)) ** 0.3 * 1.2)
    subs = (1.0,) if max(values) > 300 * min(values) else (1.0, 2.0, 5.0)
    axes.xaxis.set_major_locator(LogLocator(subs=subs))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,g}"))


def _multiples(axes: Axes, own: Mapping[str, Table]) -> None:
    """Writes beside each row how many times the step of SGD it takes, where SGD takes part."""
    medians = {label: middle([row["seconds_per_step"] for row in taken]).median for label, taken in own.items()}
    sgd = next(iter(own.values()))[0]["reference"]
    for place, (label, taken) in enumerate(own.items() if sgd else ()):
        most = max(row["seconds_per_step"] for row in taken) * 1e3
        quiet: Any = {"fontsize": 8.5, "color": canvas.QUIET, "va": "center"}
        times = f"x {medians[label] / medians[sgd]:.3g}"
        with canvas.of(label, axes):
            axes.annotate(times, (most, place), xytext=(8, 0), textcoords="offset points", **quiet)
