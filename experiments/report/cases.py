"""Writes what is said of the cases of a comparison: the table of every metric, and the figures. Nothing here trains."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from experiments.analysis import cases
from experiments.figures import boxes, overlays
from experiments.problems.datasets.segmentation import Slices
from experiments.records import run_folder
from experiments.records.run_folder import Record
from experiments.report import case_table
from experiments.report.captions import Words
from experiments.studies import Study


def write(study: Study, found: Sequence[Record], words: Words, folder: Path) -> list[Path]:
    """Writes table and figures of the cases of a comparison, and returns the files.

    Where every run diverged there are no cases, and nothing is written.

    Args:
        study: what was compared.
        found: its records, with the test scores.
        words: the words of its figures.
        folder: where the files go.
    """
    runs = cases.measured(found)
    if not runs:
        return []
    styles = {entry.label: entry.style for entry in study.optimizers}
    every = case_table.rows(study, runs)
    paths = [folder / "metrics.md", folder / "metrics.csv"]
    notes = case_table.notes(study, runs, words.facts)
    run_folder.write(paths[0], case_table.markdown(every, words.title("Every metric"), notes))
    run_folder.write(paths[1], case_table.as_csv(every, runs))
    for one in boxes.BOXES:
        rows = cases.rows(runs, [one.column])
        paths += boxes.draw(one, rows, styles, words.caption(one.words, one.how), folder)
    return paths + _overlays(study, runs, words, folder)


def _overlays(study: Study, runs: Sequence[cases.Measured], words: Words, folder: Path) -> list[Path]:
    from experiments.problems.datasets.load import load

    slices = cast(Slices, load(study.data, ("test",))["test"])
    seed = next(seed for seed in study.seeds if any(one.seed == seed for one in runs))
    paths: list[Path] = []
    for shown in overlays.choose(runs, slices):
        place = "" if shown.position is None else f", slice {shown.position} of it, which has most of the structures"
        how = (
            f"Test case {shown.name}{place}: the {shown.kind} of {len(set(slices.cases))} {overlays.RULE}. "
            f"Predictions of seed {seed}; Dice and HD95: of the case, mean of classes. No colour: true negative. "
            "Cut to where truth or any prediction has a structure."
        )
        own = [one for one in runs if one.seed == seed]
        caption = words.caption(f"Truth and prediction, {shown.kind} case", how)
        labels = [entry.label for entry in study.optimizers]
        paths += overlays.draw(shown, own, labels, slices, words.task.classes, caption, folder)
    return paths
