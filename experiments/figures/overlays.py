"""Truth and prediction of one case over its image, side by side for all optimizers."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import Patch

from experiments.analysis.cases import Measured
from experiments.figures import canvas
from experiments.figures.canvas import Caption
from experiments.problems.datasets.segmentation import Slices, cases
from experiments.text import to_csv

RULE = "by its mean Dice over classes, optimizers and seeds"
# Dark, middle and bright, so that they can be told apart without their colours.
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
class Shown:
    """A case that is shown.

    Attributes:
        name: of the case.
        row: number of its slice in the split.
        position: place of that slice in its case; None where it is the only one.
        kind: `best`, `median` or `worst`.
    """

    name: str
    row: int
    position: int | None
    kind: str


def choose(runs: Sequence[Measured], slices: Slices) -> list[Shown]:
    """Returns the best, the median and the worst case, by the mean Dice over classes, optimizers and seeds.

    Of an even number of cases the lower one in the middle is the median; of equal ones the first counts as the
    better. Of a volume, the slice is shown that has most pixels of any structure, the first of equals.
    """
    dice: dict[str, list[float]] = {}
    for one in runs:
        for score in one.scores:
            dice.setdefault(score.case, []).append(score.dice)
    order = sorted(dice, key=lambda case: -statistics.fmean(dice[case]))
    numbers = dict(cases(slices))
    shown = []
    for kind, place in (("best", 0), ("median", len(order) // 2), ("worst", len(order) - 1)):
        rows = numbers[order[place]]
        row = max(rows, key=lambda r: int((slices.labels[r] > 0).sum()))
        position = int(slices.positions[row]) if len(rows) > 1 else None
        shown.append(Shown(order[place], int(row), position, kind))
    return shown


def kinds(truth: np.ndarray, prediction: np.ndarray) -> dict[str, np.ndarray]:
    """Returns which pixels are of each of KINDS, given two label maps; the others are true negatives."""
    inside, found = truth > 0, prediction > 0
    return {
        "true_positive": inside & (truth == prediction),
        "false_positive": found & ~inside,
        "false_negative": inside & ~found,
        "wrong_class": inside & found & (truth != prediction),
    }


def draw(
    shown: Shown,
    runs: Sequence[Measured],
    labels: Sequence[str],
    slices: Slices,
    classes: Sequence[str],
    caption: Caption,
    folder: Path,
) -> list[Path]:
    """Draws image, truth and the prediction of each optimizer, and writes PNG, SVG and CSV.

    Args:
        shown: which case.
        runs: one of each optimizer that did not diverge, all of one seed.
        labels: the optimizers in the order of the study.
        slices: the test split.
        classes: names of the classes, the background first.
        caption: the words.
        folder: where the files go.
    """
    predictions = {one.label: one.predictions[shown.row] for one in runs}
    table = [_row(shown, one, slices.labels[shown.row], predictions[one.label]) for one in runs]
    window = around(np.any([slices.labels[shown.row] > 0, *(found > 0 for found in predictions.values())], axis=0))
    image, truth = slices.images[shown.row, ..., 0][window], slices.labels[shown.row][window]
    aspect = float(slices.spacing_mm[shown.row, 0] / slices.spacing_mm[shown.row, 1])
    columns = 5 if len(labels) > 6 else 4
    lines = math.ceil((len(labels) + 2) / columns)
    tile_height = canvas.WIDTH * 0.93 / columns * aspect * image.shape[0] / image.shape[1]
    words = 54 + FOOT + 12 * (len(canvas.wrapped(caption.lines)) + len(canvas.wrapped(caption.footer)))
    height = lines * tile_height + (lines - 1) * HEADING + words / 72
    with mpl.rc_context(canvas.STYLE):
        gap = (0.04, HEADING / tile_height)
        figure, tiles = canvas.sheet(caption, 0, (lines, columns), gap, height, FOOT)
        figure.subplots_adjust(left=0.012)
        for tile in tiles:
            tile.set_axis_off()
        _show(tiles[0], _grey(image), "Image", aspect)
        _show(tiles[1], painted(image, structures(truth, classes)), "Truth", aspect)
        for tile, label in zip(tiles[2:], labels, strict=False):
            if label in predictions:
                seen = kinds(truth, predictions[label][window])
                layers = [(mask, *KINDS[kind][:2]) for kind, mask in seen.items()]
                _show(tile, painted(image, layers), _heading(label, table), aspect)
            else:
                tile.set_title(f"{label}\ndiverged", fontsize=8.5)
        _legend(figure, classes, caption)
        return canvas.save(figure, folder, f"overlay_{shown.kind}", caption, to_csv(table))


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


def _row(shown: Shown, one: Measured, truth: np.ndarray, prediction: np.ndarray) -> dict[str, Any]:
    own = [score for score in one.scores if score.case == shown.name]
    run = one.record.run
    counts = {kind: int(mask.sum()) for kind, mask in kinds(truth, prediction).items()}
    return {
        "study": run.study[:8],
        "data": run.data,
        "model": run.task,
        "shown_as": shown.kind,
        "case": shown.name,
        "slice": "" if shown.position is None else shown.position,
        "optimizer": one.label,
        "seed": one.seed,
        "dice": statistics.fmean(score.dice for score in own),
        "hausdorff_95_mm": statistics.fmean(score.hausdorff_95_mm for score in own),
        **{f"{kind}_pixels": count for kind, count in counts.items()},
        "true_negative_pixels": int(truth.size) - sum(counts.values()),
    }


def _heading(label: str, table: Sequence[Mapping[str, Any]]) -> str:
    row = next(row for row in table if row["optimizer"] == label)
    return f"{label}\nDice {row['dice']:.3f}, HD95 {row['hausdorff_95_mm']:.1f} mm"


def _grey(image: np.ndarray) -> np.ndarray:
    return np.repeat(image[..., None] / 255.0, 3, axis=-1)


def _show(tile: Axes, colours: np.ndarray, title: str, aspect: float) -> None:
    tile.imshow(colours, interpolation="none", aspect=aspect)
    tile.set_title(title, fontsize=8.5)


def _legend(figure: Any, classes: Sequence[str], caption: Caption) -> None:
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
    up = (24 + 12 * len(canvas.wrapped(caption.footer))) / 72 / figure.get_figheight()
    figure.legend(handles=patches, loc="lower left", bbox_to_anchor=(0.008, up), ncols=2, fontsize=8, frameon=False,
                  borderaxespad=0, handlelength=1.4)  # fmt: skip
