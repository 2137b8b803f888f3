"""A preliminary table and figure, of the first seed alone and of validation scores: those of test stay sealed."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Sequence
from pathlib import Path

from experiments.analysis import curves
from experiments.analysis.columns import Column, cells, flat, headings, markdown, number
from experiments.analysis.evidence import Evidence
from experiments.analysis.lint import Claims
from experiments.figures import canvas
from experiments.figures import curves as lines
from experiments.figures.canvas import Context
from experiments.records import files
from experiments.records.run_folder import Record
from experiments.report.captions import Captions
from experiments.text import aligned

NAME = "preliminary"


def write(evidence: Evidence, seeds: Sequence[int], folder: Path) -> str:
    """Writes both from the runs of the first of some seeds, and returns the table for the terminal, with its words."""
    curve, task = validation(evidence), evidence.task
    reason = f"preliminary: seed {seeds[0]} alone, the first of {len(seeds)}"
    captions = Captions(evidence, Claims((reason,)))
    words = f"Preliminary, {curve.words[0].lower()}{curve.words[1:]}"
    caption = captions.caption(words)
    styles = {entry.label: entry.style for entry in evidence.study.optimizers}
    context = Context(caption, styles, task.score_title, curve.step or 1e-4, kept=["GD"])
    draw = functools.partial(lines.draw, curve=curve)
    made = canvas.write(draw, curves.rows(evidence.found, curve), context, folder, NAME)
    columns = (
        Column[Record]("", "optimizer", lambda record: record.run.label),
        Column[Record]("", "rate", lambda record: record.run.learning_rate, "{:.3g}".format),
        Column[Record]("", f"training {task.score_title}", lambda record: evidence.last(record, "train"), number),
        Column[Record]("", curve.words.lower(), lambda record: evidence.last(record, "validation"), number),
        Column[Record]("", "ended", lambda record: record.status),
    )
    rows = sorted(evidence.found, key=lambda record: -task.merit(evidence.last(record, "validation")))
    text = [f"# {flat(captions.title(words))}", "", f"{flat(reason.capitalize())}.", "", *markdown(columns, rows), ""]
    files.write(folder / f"{NAME}.md", "\n".join(text))
    table = aligned(headings(columns), [cells(columns, row) for row in rows])
    return f"\n{captions.title(words)}\n\n{table}\n\nMore seeds follow; figure so far: {made[0]}\n"


def remove(folder: Path) -> None:
    """Removes both, once there is a report."""
    for path in folder.glob(f"{NAME}.*"):
        path.unlink()


def validation(evidence: Evidence) -> curves.Curve:
    """Returns the curve of the validation score, in the form of that of training."""
    own = next(curve for curve in curves.curves_of(evidence.task) if curve.column.startswith("train"))
    words, axis = (re.sub("[Tt]rain(ing)?", "validation", text) for text in (own.words, own.axis))
    return dataclasses.replace(own, slug=NAME, column=f"validation_{evidence.score}", words=words, axis=axis)
