"""All figures of a report, each declared once; what cannot be drawn has a sentence in its place."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.analysis import cost_rows, curves, levels, score_rows, time_rows, tuning_rows
from experiments.analysis.evidence import Evidence
from experiments.analysis.results import Result
from experiments.figures import canvas, costs, illustrations, profiles, ranks, scales, scores, times, tuning
from experiments.figures import curves as lines
from experiments.figures.canvas import Caption, Context
from experiments.problems import datasets
from experiments.problems.grid import MOST_TRAINING
from experiments.report import how
from experiments.report.captions import Captions
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
    """A figure, declared: tests, captions, the page and the files follow from it."""

    slug: str  # name of its files
    title: str  # what it shows
    how: str | Callable[[Any, Table], str]  # how to read it, or what makes that from the facts and its rows
    rows: Table | Callable[[Any], Table]  # its rows, or what makes them from the facts; without rows it is not drawn
    draw: Callable[[Table, Context], Any]  # draws the rows
    # the sentence in its place where there are no rows; empty for none
    refused: Callable[[Any], str] = lambda facts: ""
    step: float = 1e-4  # the smallest difference that its scores can show
    tuning: bool = False  # whether it shows the search, which has a caption of its own


@dataclasses.dataclass(frozen=True)
class Facts:
    """What the figures of one problem are drawn from."""

    evidence: Evidence
    result: Result

    @functools.cached_property
    def times(self) -> Table:
        """A row for each run and level of the target; none while runs are missing."""
        return time_rows.time_rows(self.evidence, levels.targets(self.evidence))

    @property
    def valid(self) -> Table:
        """All of them, where a level is not void."""
        return self.times if time_rows.valid(self.times) else []

    @property
    def goal(self) -> str:
        """Where the target is from."""
        return levels.how(self.evidence)


def _curves(facts: Facts) -> Iterator[Figure]:
    """Yields learning curves over epochs, and over steps, gradients and seconds where these show something else."""
    evidence = facts.evidence
    sizes = datasets.CARDS[evidence.study.data].sizes
    scored = {**sizes, "train": min(sizes["train"], MOST_TRAINING)}
    for curve in curves.curves_of(evidence.task):
        table = curves.rows(evidence.found, curve)
        drawn = [(scales.EPOCHS, table)]
        if curve.slug in curves.OVER_STEPS:
            drawn += [(across, table) for across in lines.distinct(table)]
            drawn.append((scales.SECONDS, curves.with_seconds(table, evidence)))
        for across, rows in drawn:
            yield Figure(
                f"{curve.slug}{across.suffix}",
                f"{curve.words}{across.title}",
                Captions(evidence).how,
                rows,
                functools.partial(lines.draw, curve=curve, across=across),
                step=curve.step or 1 / scored[curve.column.split("_")[0]],
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
            f"Choice of {'learning rates' if rate else name}",
            how.RATES if alone else how.AMONG,
            tuning_rows.tuning_rows(evidence.study, evidence.trials, evidence.choices, name),
            tuning.draw_rates,
            step=step,
            tuning=True,
        )
        yield figure
        if alone:
            slug, title = "learning_rates_relative", "Learning rates around the best"
            yield dataclasses.replace(figure, slug=slug, title=title, how=how.RELATIVE, draw=tuning.draw_relative)


def _paths(facts: Facts) -> Table:
    entries = [entry for entry in facts.evidence.study.optimizers if entry.cycle_epochs is None]
    return curves.path_rows(entries) if entries else []


def _void(facts: Facts) -> str:
    if not facts.times:
        return ""
    return " ".join(("Epochs to a target: refused.", *time_rows.missing(facts.times), facts.goal))


def _unsolved(facts: Facts) -> str:
    whole = [row for row in facts.times if row["share"] == 1.0]
    return " ".join((how.NO_PROFILES, *time_rows.missing(whole))) if facts.times else ""


PATHS = Figure(
    "trajectories", "How the rules move: illustration, not evidence",
    how.PATHS, _paths, illustrations.draw_paths,
)  # fmt: skip
FIGURES: tuple[Figure | Callable[[Facts], Iterable[Figure]], ...] = (
    _curves,
    Figure(
        "scores", "Where each run ends", lambda facts, _: how.dots(facts.result.claims),
        lambda facts: score_rows.dots_rows(facts.evidence, facts.result), scores.draw_dots,
    ),
    Figure(
        "differences", "Behind the best, seed by seed", lambda facts, _: how.differences(facts.result.claims),
        lambda facts: score_rows.differences_rows(facts.evidence, facts.result), scores.draw_differences,
    ),
    Figure(
        "chances", "Interquartile means, and the chance to be better",
        lambda facts, _: how.chances(facts.result.claims),
        lambda facts: score_rows.chance_rows(facts.evidence, facts.result), ranks.draw_chances,
    ),
    Figure(
        "scores_by_seed", "Scores and ranks by seed", how.BY_SEED,
        lambda facts: score_rows.map_rows(facts.evidence, facts.result), ranks.draw_map,
    ),
    _tuned,
    Figure(
        "best_of_k", "Expected best of k trials", how.BEST_OF,
        lambda facts: tuning_rows.best_of_rows(facts.evidence), tuning.draw_best_of,
    ),
    Figure(
        "time_to_target", "Epochs to a target", lambda facts, table: f"{how.times(table)} {facts.goal}",
        lambda facts: facts.valid, times.draw, _void,
    ),
    Figure(
        "time_to_target_shares", "Runs that met a target", lambda facts, _: f"{how.SHARES} {facts.goal}",
        lambda facts: facts.valid, times.draw_shares,
    ),
    Figure(
        "profiles", "Profiles",
        lambda facts, _: f"{how.ONE_PROBLEM} {how.PROFILES} {how.UNSOLVED} {facts.goal}",
        lambda facts: time_rows.profile_rows(facts.times), profiles.draw, _unsolved,
    ),
    Figure(
        "profiles_pairwise", "Profiles two by two", lambda facts, _: f"{how.ONE_PROBLEM} {how.PAIRS} {facts.goal}",
        lambda facts: time_rows.pair_rows(facts.times), profiles.draw_pairs,
    ),
    Figure(
        "costs", "What a score costs", lambda facts, _: how.costs(facts.evidence),
        lambda facts: cost_rows.cost_rows(facts.evidence, facts.result), costs.draw,
    ),
    Figure(
        "spent", "What was computed for each optimizer", lambda _, table: how.spent(table),
        lambda facts: cost_rows.spent_rows(facts.evidence), costs.draw_spent,
    ),
    Figure(
        "timing", "What a step takes", lambda facts, _: how.timing(facts.evidence),
        lambda facts: cost_rows.timing_rows(facts.evidence), costs.draw_timing,
        lambda facts: facts.evidence.untimed,
    ),
    Figure(
        "critical_differences", "Ranks over problems", how.CRITICAL,
        (), ranks.draw_critical, lambda _: how.no_diagram(1, 2),
    ),
)  # fmt: skip


def show(
    figures: Iterable[Figure],
    facts: Any,
    caption: Callable[[Figure, str], Caption],
    styles: Mapping[str, Style],
    folder: Path,
    score: str = "score",
) -> Iterator[Shown]:
    """Draws figures in their order, the caption made from how to read each, or yields the sentence in its place."""
    for figure in figures:
        table = figure.rows(facts) if callable(figure.rows) else figure.rows
        if table:
            words = figure.how(facts, table) if callable(figure.how) else figure.how
            context = Context(caption(figure, words), styles, score, figure.step)
            files = canvas.write(figure.draw, table, context, folder, figure.slug)
            yield Shown(figure.title, context.caption.lines[0] if figure.tuning else words, files)
        elif why := figure.refused(facts):
            yield Shown(figure.title, why)


def draw(
    evidence: Evidence, result: Result, folder: Path, styles: Mapping[str, Style], *, illustrations: bool = True
) -> list[Shown]:
    """Draws every figure of one problem that the evidence allows."""
    facts, captions = Facts(evidence, result), Captions(evidence, result.claims)

    def caption(figure: Figure, how: str) -> Caption:
        return (captions.of_tuning if figure.tuning else captions.caption)(figure.title, how)

    chosen = [*FIGURES, *([PATHS] if illustrations else [])]
    figures = (one for entry in chosen for one in ([entry] if isinstance(entry, Figure) else entry(facts)))
    return list(show(figures, facts, caption, styles, folder, evidence.task.score_title))
