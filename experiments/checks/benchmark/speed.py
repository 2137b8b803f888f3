"""The figure of the README: steps of Keras and of torch, as multiples of ours, inside compiled training."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes

from experiments.checks.benchmark.plan import Row
from experiments.checks.benchmark.subjects import RULES
from experiments.checks.benchmark.tables import mean_over, measured
from experiments.figures import canvas
from experiments.figures.canvas import Caption
from experiments.text import Table, to_csv

OTHERS = {
    "keras-loop": ("Keras", "#D55E00", "o"),
    "torch-fused": ("torch, fused", "#0072B2", "^"),
    "ours-loop": ("ours without the native operation", "#000000", "|"),
}
"""Contender -> its label, colour (of Okabe and Ito) and marker."""


def times(rows: Sequence[Row]) -> dict[str, dict[str, float]]:
    """Returns by rule and contender the time of a step over that of ours, in a compiled loop.

    It is the geometric mean over the sets of `MEAN_OVER`; a contender that was not measured on all of them is left out,
    and so is a rule without Keras's.
    """
    found = {}
    for rule in measured(rows)[0]:
        means = {other: mean_over(rows, rule, other, "native-loop") for other in OTHERS}
        known = {other: mean for other, mean in means.items() if mean is not None}
        if "keras-loop" in known:
            found[rule] = known
    return dict(sorted(found.items(), key=lambda pair: -pair[1]["keras-loop"]))


def draw(rows: Sequence[Row], about: Mapping[str, str], footer: Sequence[str], folder: Path) -> list[Path]:
    """Draws a line per rule and a mark per contender, where the native operation was measured; writes PNG, SVG, CSV."""
    found = times(rows)
    if not found:
        return []
    words = _caption(found, footer)
    with mpl.rc_context(canvas.STYLE):
        height = 2.1 + 0.24 * len(found) + 0.17 * len(footer)
        figure, [axes] = canvas.sheet(words, 0, height=height, foot=42, left=0.15)
        _lines(axes, found)
    table: Table = [{"rule": rule, **{other: means.get(other) for other in OTHERS}} for rule, means in found.items()]
    return canvas.save(figure, folder, "speed", words, to_csv(table))


def _lines(axes: Axes, found: Mapping[str, Mapping[str, float]]) -> None:
    axes.set_ylim(len(found) - 0.4, -0.6)
    axes.set_xlim(0, 1.08 * max(ratio for means in found.values() for ratio in means.values()))
    axes.set_yticks(range(len(found)), [RULES[rule].title for rule in found])
    axes.axvline(1, color=canvas.INK, linewidth=1)
    axes.set_xlabel("time of a step / time of ours", loc="left")
    for other, (label, color, marker) in OTHERS.items():
        marks = [(means[other], place) for place, means in enumerate(found.values()) if other in means]
        if marks:
            axes.plot(*zip(*marks, strict=True), marker, color=color, label=label, markersize=6.5, mew=1.5)
    # Below the axes, at the height of their name, where it covers no mark.
    axes.legend(loc="upper right", bbox_to_anchor=(1, 0), borderaxespad=2.2, ncols=3, frameon=False, fontsize=8.5)


def _caption(found: Mapping[str, Mapping[str, float]], footer: Sequence[str]) -> Caption:
    title = f"Keras's step takes {_range(found, 'keras-loop')} times as long as ours"
    if any("torch-fused" in means for means in found.values()):
        title += f", torch's fused step {_range(found, 'torch-fused')} times"
    how = (
        "Ours with the native operation, in a compiled loop of ten steps as Keras's; torch's step is called from "
        "Python. Geometric means over the variables of a "
        "perceptron, a U-Net, 400 small layers and ResNet-50; all contenders of a rule were called in turn in one "
        "process. Further left is faster."
    )
    return Caption(title, (how,), tuple(footer), f"{title}. {how}")


def _range(found: Mapping[str, Mapping[str, float]], other: str) -> str:
    known = sorted((means[other], RULES[rule].title) for rule, means in found.items() if other in means)
    return " to ".join(dict.fromkeys(f"{ratio:.1f} ({title})" for ratio, title in (known[0], known[-1])))
