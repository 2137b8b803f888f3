"""Cases of a segmentation: their metrics as box and points, and truth and prediction of one over its image."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator, MaxNLocator

from experiments.analysis.cases import kinds
from experiments.figures import canvas, scales
from experiments.figures.canvas import WIDTH, Caption, Context, wrapped
from experiments.figures.looks import name_rows, of, room_for, under
from experiments.studies import Style
from experiments.text import Table


@dataclasses.dataclass(frozen=True)
class Boxes:
    """One figure of boxes: one row an optimizer, one panel a class."""

    column: str  # which metric
    axis: str  # name of the horizontal axis
    distance: bool = False  # whether it is a distance, on a logarithmic axis, whose misses lie at the image's diagonal


BOXES = {
    "dice_by_class": Boxes("dice", "Dice"),
    "hausdorff_95": Boxes("hausdorff_95_mm", "Hausdorff distance, 95 %, mm (logarithmic axis)", distance=True),
}


def draw_boxes(table: Table, context: Context, boxes: Boxes) -> Figure:
    """Draws a row for each optimizer, in the order of the study, and says which lack runs, missing or diverged."""
    classes = list(dict.fromkeys(row["class"] for row in table))
    seeds = max(row["seeds"] for row in table)
    left = room_for(list(context.styles))
    figure, panels = canvas.sheet(context.caption, room=0, grid=(1, len(classes)), left=left)
    _scale(panels[0], boxes, [row[boxes.column] for row in table])
    name_rows(panels[0], list(context.styles))
    for panel, name in zip(panels, classes, strict=True):
        panel.set_title(name, fontsize=10, loc="left")
        panel.grid(visible=False, axis="y")
        for place, (label, style) in enumerate(context.styles.items()):
            with of(label, panel):
                own = [row for row in table if row["optimizer"] == label and row["class"] == name]
                _row(panel, boxes, own, style, place)
                lost, missed = seeds - (own[0]["seeds"] if own else 0), sum(row["missed"] for row in own)
                _say(panel, place, "left", f"{lost} of {seeds} without cases" if lost else "")
                _say(panel, place, "right", f"{missed} missed" if missed else "")
        if boxes.distance:
            _cap(panel, boxes, table)
    figure.supxlabel(boxes.axis, y=under(context.caption), fontsize=9.5)
    return figure


def _row(axes: Axes, boxes: Boxes, own: Table, style: Style, place: int) -> None:
    """Draws one optimizer's box and points."""
    if not own:
        return
    edge = axes.get_xlim()[0]
    values = [max(row[boxes.column], edge) for row in own]
    low, first, middle, third, high = np.percentile(values, [0, 25, 50, 75, 100])
    axes.plot([low, high], [place, place], color=canvas.INK, linewidth=0.9)
    axes.barh(
        place, third - first, left=first, height=0.62, facecolor="white", edgecolor=canvas.INK, linewidth=0.9, zorder=2
    )
    axes.barh(place, third - first, left=first, height=0.62, facecolor=style.color, alpha=0.25, linewidth=0, zorder=2)
    axes.plot([middle, middle], [place - 0.31, place + 0.31], color=canvas.INK, linewidth=1.8, zorder=4)
    heights = [place + 0.42 * (((7 * i) % 16) / 15 - 0.5) for i in range(len(own))]  # apart, and always in the same way
    wrong = [row["missed"] or row["false_alarms"] for row in own]
    zero = [boxes.distance and row[boxes.column] <= edge for row in own]
    for marker, size, chosen in (
        ("o", 2.6, [not (w or z) for w, z in zip(wrong, zero, strict=True)]),
        ("x", 5.5, wrong),
        ("<", 4.0, zero),
    ):
        points = [(x, y) for x, y, this in zip(values, heights, chosen, strict=True) if this]
        if points:
            axes.plot(*zip(*points, strict=True), marker, color=style.color, markersize=size, zorder=3, clip_on=False)


def _say(axes: Axes, place: int, side: Literal["left", "right"], text: str) -> None:
    """Writes over the box of an optimizer, at one side of the axes."""
    axes.annotate(text, (float(side == "right"), place - 0.33), xycoords=("axes fraction", "data"), ha=side,
                  va="bottom", fontsize=7.5, xytext=(0, -1.5), textcoords="offset points")  # fmt: skip


def _scale(axes: Axes, boxes: Boxes, values: Sequence[float]) -> None:
    if not boxes.distance:
        axes.set_xlim(math.floor(10 * min(values)) / 10, 1.005)
        scales.ticks(axes.xaxis, MaxNLocator(5, steps=[1, 2, 5, 10]))
        return
    positive = [value for value in values if value > 0] or [1.0]
    axes.set_xscale("log")
    axes.set_xlim(min(positive) / 1.6, max(positive) * 1.25)
    scales.ticks(axes.xaxis, LogLocator(subs=(1, 2, 5)))


def _cap(axes: Axes, boxes: Boxes, table: Table) -> None:
    """Draws the distance of a miss, where a case was missed with every seed; of cases of several sizes, a band."""
    found = [row[boxes.column] for row in table if row["missed"] + row["false_alarms"] == row["seeds"]]
    if found and min(found) < max(found):
        axes.axvspan(min(found), max(found), color=canvas.QUIET, alpha=0.15, linewidth=0, zorder=0)
    elif found:
        axes.axvline(found[0], color=canvas.QUIET, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)


# Dark, middle and bright, so that they differ without their colours.
KINDS: Mapping[str, tuple[str, float, str]] = {
    "true_positive": ("#009E73", 0.38, "true positive: a structure where it is"),
    "false_positive": ("#F0E442", 0.95, "false positive: a structure where there is none"),
    "false_negative": ("#0B3C8C", 0.95, "false negative: a structure not found"),
    "wrong_class": (
        "#D55E00",
        0.9,
        "one structure taken for another: false negative of the one, false positive of the other",
    ),
}
STRUCTURES = ("#56B4E9", "#CC79A7", "#E69F00", "#009E73")
MARGIN = 0.05  # around what is shown, share of the longer side
HEADING = 0.5  # inches over each row of tiles
FOOT = 64  # points for the legend


@dataclasses.dataclass(frozen=True)
class Tiles:
    """What is shown of one slice."""

    image: np.ndarray  # grey values 0 .. 255, [height, width].
    truth: np.ndarray  # the class of each pixel, uint8 [height, width]
    predictions: Mapping[str, np.ndarray]  # as each optimizer has it; none where it is missing or diverged
    labels: Sequence[str]  # all optimizers, in the order of the study
    classes: Sequence[str]  # names of the classes, the background first
    aspect: float  # height of a pixel over its width


def draw_tiles(table: Table, context: Context, tiles: Tiles) -> Figure:
    """Draws image, truth and the prediction of each optimizer, whose scores are the rows."""
    window = around(np.any([tiles.truth > 0, *(found > 0 for found in tiles.predictions.values())], axis=0))
    image, truth = tiles.image[window], tiles.truth[window]
    columns = 5 if len(tiles.labels) > 6 else 4
    lines = math.ceil((len(tiles.labels) + 2) / columns)
    tile_height = WIDTH * 0.93 / columns * tiles.aspect * image.shape[0] / image.shape[1]
    words = 54 + FOOT + 12 * (len(wrapped(context.caption.lines)) + len(wrapped(context.caption.footer)))
    height = lines * tile_height + (lines - 1) * HEADING + words / 72
    figure, panels = canvas.sheet(context.caption, 0, (lines, columns), (0.04, HEADING / tile_height), height, FOOT)
    figure.subplots_adjust(left=0.012)
    for panel in panels:
        panel.set_axis_off()
    _show(panels[0], _grey(image), "Image", tiles.aspect)
    _show(panels[1], painted(image, structures(truth, tiles.classes)), "Truth", tiles.aspect)
    rows = {row["optimizer"]: row for row in table}
    for panel, label in zip(panels[2:], tiles.labels, strict=False):
        if label in rows:
            seen = kinds(truth, tiles.predictions[label][window])
            layers = [(mask, *KINDS[kind][:2]) for kind, mask in seen.items()]
            scores = f"Dice {rows[label]['dice']:.3f}, HD95 {rows[label]['hausdorff_95_mm']:.1f} mm"
            _show(panel, painted(image, layers), f"{label}\n{scores}", tiles.aspect)
        else:
            panel.set_title(f"{label}\nno prediction", fontsize=8.5)
    _legend(figure, tiles.classes, context.caption)
    return figure


def painted(image: np.ndarray, layers: Sequence[tuple[np.ndarray, str, float]]) -> np.ndarray:
    """Returns an image in colours, float [height, width, 3], with layers of (pixels, colour, opacity 0 .. 1) on it."""
    colours = _grey(image)
    for mask, colour, opacity in layers:
        colours[mask] = (1 - opacity) * colours[mask] + opacity * np.array(to_rgb(colour))
    return colours


def structures(truth: np.ndarray, classes: Sequence[str]) -> list[tuple[np.ndarray, str, float]]:
    """Returns a layer for each structure of a label map."""
    return [(truth == number, STRUCTURES[number - 1], 0.75) for number in range(1, len(classes))]


def around(inside: np.ndarray) -> tuple[slice, slice]:
    """Returns the window of an image that holds all pixels of a mask, with a margin; all of it where there are none."""
    found = np.argwhere(inside) if inside.any() else np.argwhere(~inside)
    margin = max(2, round(MARGIN * max(inside.shape)))
    low, high = np.maximum(found.min(axis=0) - margin, 0), found.max(axis=0) + margin + 1
    return slice(int(low[0]), int(high[0])), slice(int(low[1]), int(high[1]))


def _grey(image: np.ndarray) -> np.ndarray:
    return np.repeat(image[..., None] / 255.0, 3, axis=-1)


def _show(tile: Axes, colours: np.ndarray, title: str, aspect: float) -> None:
    tile.imshow(colours, interpolation="none", aspect=aspect)
    tile.set_title(title, fontsize=8.5)


def _legend(figure: Figure, classes: Sequence[str], caption: Caption) -> None:
    few = len(classes) < 3
    patches = [
        Patch(facecolor=(colour, opacity), edgecolor=canvas.INK, linewidth=0.6, label=words)
        for kind, (colour, opacity, words) in KINDS.items()
        if not (few and kind == "wrong_class")
    ]
    patches += [
        Patch(facecolor=STRUCTURES[i], edgecolor=canvas.INK, linewidth=0.6, label=f"in the truth: {name}")
        for i, name in enumerate(classes[1:])
    ]
    up = (24 + 12 * len(wrapped(caption.footer))) / 72 / figure.get_figheight()
    figure.legend(handles=patches, loc="lower left", bbox_to_anchor=(0.008, up), ncols=2, fontsize=8, frameon=False,
                  borderaxespad=0, handlelength=1.4)  # fmt: skip
