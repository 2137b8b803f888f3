"""All figures of a report, each declared once; what cannot be drawn has a sentence in its place."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from experiments import optimizers
from experiments.analysis import cases, cost_rows, curves, score_rows, time_rows, tuning_rows
from experiments.analysis.evidence import Evidence
from experiments.analysis.lint import Claims
from experiments.analysis.results import Result
from experiments.figures import canvas, costs, illustrations, profiles, ranks, scales, scores, times, tuning
from experiments.figures import cases as pictures
from experiments.figures import curves as lines
from experiments.figures.canvas import Caption, Context
from experiments.problems import datasets
from experiments.problems.datasets.examples import Slices
from experiments.problems.grid import scored
from experiments.report.captions import Captions, say
from experiments.studies import Style
from experiments.text import Table


@dataclasses.dataclass(frozen=True)
class Shown:
    """One figure: what it shows, how to read it, and its files, PNG, SVG and CSV; none where `words` says why not."""

    title: str
    words: str
    files: Sequence[Path] = ()

    @property
    def slug(self) -> str:
        """Name of its files."""
        return self.files[0].stem


@dataclasses.dataclass(frozen=True)
class Figure:
    """A figure, declared: tests, captions, the page and the files follow from it; its words are in `captions.toml`."""

    slug: str  # name of its files
    rows: Table | Callable[[Any], Table]  # or what makes them from the facts; without rows it is not drawn
    draw: Callable[[Table, Context], Any]  # draws the rows
    title: str = ""  # what it shows, where its words do not say so
    words: str = ""  # name of its words, where they are not its own
    step: float = 1e-4  # the smallest difference that its scores can show
    tuning: bool = False  # whether it shows the search, which has a caption of its own


@dataclasses.dataclass(frozen=True)
class Facts:
    """What the figures of one problem are drawn from."""

    evidence: Evidence
    result: Result

    @functools.cached_property
    def measured(self) -> Sequence[cases.Measured]:
        """The cases of each run of a segmentation that did not diverge."""
        return cases.measured(self.evidence.found)

    @property
    def cases(self) -> int:
        """How many test cases there are."""
        return len({score.case for one in self.measured for score in one.scores})

    @property
    def claims(self) -> Claims:
        """What may be claimed."""
        return self.result.claims

    @functools.cached_property
    def captions(self) -> Captions:
        """What makes captions."""
        return Captions(self.evidence, self.claims)

    @functools.cached_property
    def times(self) -> Table:
        """A row for each run and level of the target; none while runs are missing."""
        return time_rows.time_rows(self.evidence, time_rows.targets(self.evidence))

    @property
    def valid(self) -> Table:
        """All of them, where a level is not void."""
        return self.times if time_rows.valid(self.times) else []

    @property
    def goal(self) -> str:
        """Where the target is from."""
        return say("problem", "target", "how", self)


def _curves(facts: Facts) -> Iterator[Figure]:
    """Yields learning curves over epochs, and over steps, gradients and seconds where these show something else."""
    evidence = facts.evidence
    sizes = scored(datasets.CARDS[evidence.study.data].sizes)
    for curve in curves.curves_of(evidence.task):
        table = curves.rows(evidence.found, curve)
        drawn = [(scales.EPOCHS, table)]
        if curve.slug in curves.OVER_STEPS:
            drawn += [(across, table) for across in lines.distinct(table)]
            drawn.append((scales.SECONDS, curves.with_seconds(table, evidence)))
        for across, rows in drawn:
            yield Figure(
                f"{curve.slug}{across.suffix}",
                rows,
                functools.partial(lines.draw, curve=curve, across=across),
                f"{curve.words}{across.title}",
                "curves",
                step=curve.step or 1 / sizes[curve.column.split("_")[0]],
            )


def _tuned(facts: Facts) -> Iterator[Figure]:
    """Yields a figure of each hyperparameter tuned; where it is the learning rate alone, its relative widths, too."""
    evidence = facts.evidence
    step = curves.DICE_STEP if evidence.task.classes else 1 / datasets.CARDS[evidence.study.data].sizes["validation"]
    names = tuning_rows.dimensions(evidence.study, evidence.trials)
    alone = len(names) == 1
    for name in names:
        rate = name == tuning_rows.RATE
        figure = Figure(
            "learning_rates" if rate else f"tuned_{name}",
            tuning_rows.tuning_rows(evidence.study, evidence.trials, evidence.choices, name),
            tuning.draw_rates,
            f"Choice of {'learning rates' if rate else name}",
            "rates" if alone else "rates_among",
            step=step,
            tuning=True,
        )
        yield figure
        if alone:
            slug, draw = "learning_rates_relative", tuning.draw_relative
            yield dataclasses.replace(figure, slug=slug, title="", words="", draw=draw)


def _paths(facts: Facts) -> Table:
    every = facts.evidence.study.optimizers
    entries = [one for one in every if one.cycle_epochs is None and one.optimizer not in optimizers.OUTSIDE]
    return curves.path_rows(entries) if entries else []


def _of_cases(facts: Facts) -> Iterator[Figure]:
    """Yields the metrics of the cases of a segmentation, and truth and prediction of its best, median and worst."""
    runs = facts.measured
    if not runs:
        return
    for slug, boxes in pictures.BOXES.items():
        yield Figure(slug, cases.rows(runs, [boxes.column]), functools.partial(pictures.draw_boxes, boxes=boxes))
    from experiments.problems.datasets.load import load

    slices = cast(Slices, load(facts.evidence.study.data, ("test",))["test"])
    seed = next(seed for seed in facts.evidence.study.seeds if any(one.seed == seed for one in runs))
    own = [one for one in runs if one.seed == seed]
    for shown in cases.choose(runs, slices):
        truth, found = slices.labels[shown.row], {one.label: one.predictions[shown.row] for one in own}
        aspect = float(slices.spacing_mm[shown.row, 0] / slices.spacing_mm[shown.row, 1])
        image, classes = slices.images[shown.row, ..., 0], facts.evidence.task.classes
        tiles = pictures.Tiles(image, truth, found, facts.evidence.labels, classes, aspect)
        yield Figure(
            f"overlay_{shown.kind}",
            [cases.counted(shown, one, truth, found[one.label]) for one in own],
            functools.partial(pictures.draw_tiles, tiles=tiles),
            f"Truth and prediction, {shown.kind} case",
            "overlay",
        )


FIGURES: tuple[Figure | Callable[[Facts], Iterable[Figure]], ...] = (
    _curves,
    Figure("scores", lambda facts: score_rows.dots_rows(facts.evidence, facts.result), scores.draw_dots),
    Figure(
        "differences", lambda facts: score_rows.differences_rows(facts.evidence, facts.result), scores.draw_differences
    ),
    Figure("chances", lambda facts: score_rows.chance_rows(facts.evidence, facts.result), ranks.draw_chances),
    Figure("scores_by_seed", lambda facts: score_rows.map_rows(facts.evidence, facts.result), ranks.draw_map),
    _tuned,
    Figure("best_of_k", lambda facts: tuning_rows.best_of_rows(facts.evidence), tuning.draw_best_of),
    Figure("time_to_target", lambda facts: facts.valid, times.draw),
    Figure("time_to_target_shares", lambda facts: facts.valid, times.draw_shares),
    Figure("profiles", lambda facts: time_rows.profile_rows(facts.times), profiles.draw),
    Figure("profiles_pairwise", lambda facts: time_rows.pair_rows(facts.times), profiles.draw_pairs),
    Figure("costs", lambda facts: cost_rows.cost_rows(facts.evidence, facts.result), costs.draw),
    Figure("spent", lambda facts: cost_rows.spent_rows(facts.evidence), costs.draw_spent),
    Figure("timing", lambda facts: cost_rows.timing_rows(facts.evidence), costs.draw_timing),
    Figure("critical_differences", (), ranks.draw_critical),
)
PATHS = Figure("trajectories", _paths, illustrations.draw_paths)


def show(
    figures: Iterable[Figure],
    kind: str,
    facts: Any,
    caption: Callable[[str, str, bool], Caption],
    styles: Mapping[str, Style],
    folder: Path,
    score: str = "score",
) -> Iterator[Shown]:
    """Draws figures in their order, or yields the sentence in the place of one without rows."""
    for figure in figures:
        table, name = figure.rows(facts) if callable(figure.rows) else figure.rows, figure.words or figure.slug
        title = figure.title or say(kind, name, "title", facts)
        if table:
            how = say(kind, name, "how", facts, table)
            context = Context(caption(title, how, figure.tuning), styles, score, figure.step)
            files = canvas.write(figure.draw, table, context, folder, figure.slug)
            yield Shown(title, context.caption.lines[0] if figure.tuning else how, files)
        elif why := say(kind, name, "refused", facts):
            yield Shown(title, why)


def draw(
    evidence: Evidence, result: Result, folder: Path, styles: Mapping[str, Style], *, illustrations: bool = True
) -> list[Shown]:
    """Draws every figure of one problem that the evidence allows."""
    facts = Facts(evidence, result)

    def caption(title: str, how: str, tuning: bool) -> Caption:
        return (facts.captions.of_tuning if tuning else facts.captions.caption)(title, how)

    chosen = [*FIGURES, *([PATHS] if illustrations else []), _of_cases]
    figures = (one for entry in chosen for one in ([entry] if isinstance(entry, Figure) else entry(facts)))
    return list(show(figures, "problem", facts, caption, styles, folder, evidence.task.score_title))
