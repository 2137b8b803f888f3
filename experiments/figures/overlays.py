"""Truth and prediction of one case over its image, side by side for all optimizers."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from experiments.analysis.cases import kinds
from experiments.figures import canvas
from experiments.figures.canvas import WIDTH, Caption, Context, wrapped
from experiments.text import Table

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
    predictions: Mapping[str, np.ndarray]  # the same as each optimizer has it; one that is missing diverged
    labels: Sequence[str]  # all optimizers, in the order of the study
    classes: Sequence[str]  # names of the classes, the background first
    aspect: float  # height of a pixel over its width


def draw(table: Table, context: Context, tiles: Tiles) -> Figure:
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
            panel.set_title(f"{label}\ndiverged", fontsize=8.5)
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
