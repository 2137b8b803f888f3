"""Writes what is said of the cases of a comparison: the table of every metric, and the figures. Nothing here trains."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from experiments.analysis import cases
from experiments.figures import boxes, canvas, overlays
from experiments.figures.canvas import Context
from experiments.problems.datasets.examples import Slices
from experiments.records import files
from experiments.records.run_folder import Record
from experiments.report import case_table
from experiments.report.captions import Captions
from experiments.studies import Study


def write(study: Study, found: Sequence[Record], captions: Captions, folder: Path) -> list[Path]:
    """Writes table and figures of the cases of a comparison, and returns the files.

    Where every run diverged there are no cases, and nothing is written.

    Args:
        study: what was compared.
        found: its records, with the test scores.
        captions: what makes the captions of its figures.
        folder: where the files go.
    """
    runs = cases.measured(found)
    if not runs:
        return []
    styles = {entry.label: entry.style for entry in study.optimizers}
    every = case_table.rows(study, runs)
    paths = [folder / "metrics.md", folder / "metrics.csv"]
    notes = case_table.notes(study, runs, captions.facts)
    files.write(paths[0], case_table.markdown(every, captions.title("Every metric"), notes))
    files.write(paths[1], case_table.as_csv(every, runs))
    for one in boxes.BOXES:
        context = Context(captions.caption(one.words, one.how), styles)
        draw = functools.partial(boxes.draw, boxes=one)
        paths += canvas.write(draw, cases.rows(runs, [one.column]), context, folder, one.slug)
    return paths + _overlays(study, runs, captions, folder)


def _overlays(study: Study, runs: Sequence[cases.Measured], captions: Captions, folder: Path) -> list[Path]:
    from experiments.problems.datasets.load import load

    slices = cast(Slices, load(study.data, ("test",))["test"])
    seed = next(seed for seed in study.seeds if any(one.seed == seed for one in runs))
    paths: list[Path] = []
    for shown in cases.choose(runs, slices):
        place = "" if shown.position is None else f", slice {shown.position} of it, which has most of the structures"
        how = (
            f"Test case {shown.name}{place}: the {shown.kind} of {len(set(slices.cases))} {cases.RULE}. "
            f"Predictions of seed {seed}; Dice and HD95: of the case, mean of classes. No colour: true negative. "
            "Cut to where truth or any prediction has a structure."
        )
        context = Context(captions.caption(f"Truth and prediction, {shown.kind} case", how))
        truth = slices.labels[shown.row]
        found = {one.label: one.predictions[shown.row] for one in runs if one.seed == seed}
        tiles = overlays.Tiles(
            slices.images[shown.row, ..., 0],
            truth,
            found,
            [entry.label for entry in study.optimizers],
            captions.task.classes,
            float(slices.spacing_mm[shown.row, 0] / slices.spacing_mm[shown.row, 1]),
        )
        table = [cases.counted(shown, one, truth, found[one.label]) for one in runs if one.seed == seed]
        draw = functools.partial(overlays.draw, tiles=tiles)
        paths += canvas.write(draw, table, context, folder, f"overlay_{shown.kind}")
    return paths
