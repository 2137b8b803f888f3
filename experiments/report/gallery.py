"""All figures of the report of one problem, each declared once."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from experiments import optimizers
from experiments.analysis import cases, cost_rows, curves, frequency_rows, score_rows, sentences, time_rows, tuning_rows
from experiments.analysis.curve_sentences import of_curve, of_rates, of_way
from experiments.analysis.evidence import Evidence
from experiments.analysis.lint import Claims
from experiments.analysis.results import Result
from experiments.figures import cases as pictures
from experiments.figures import costs, frequencies, illustrations, ranks, scales, scores, sensitivity, times, tuning
from experiments.figures import curves as lines
from experiments.figures.canvas import Caption, Context
from experiments.problems import datasets
from experiments.problems.datasets.examples import Slices
from experiments.problems.functions import FUNCTIONS
from experiments.problems.grid import scored
from experiments.report.captions import Captions, say
from experiments.report.declared import APPENDIX, HEADLINE, USUAL, Figure, Shown, show
from experiments.studies import Style
from experiments.text import Table


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
    def best(self) -> list[str]:
        """The best mean and all that tie with it; alone where nothing may be claimed."""
        return [row.label for row in self.result.rows if row.tied] or [self.result.rows[0].label]

    @property
    def marks(self) -> str:
        """What the marks of scores mean, in a line."""
        if len(self.evidence.study.seeds) < 2:
            return "dot: the seed"
        whose = sentences.reference(self.evidence)
        tie = f"; bracket: tie{f' with {whose}' if whose else ''}" if self.claims.allowed and len(self.best) > 1 else ""
        return f"dot: a seed; diamond: mean, 95 % interval{tie}"

    @property
    def band(self) -> str:
        """What the bands of curves mean, in a line."""
        if len(self.evidence.study.seeds) < 2:
            return ""
        first = (sentences.reference(self.evidence) if self.claims.allowed else "") or "best"
        whose = f"{first} and ties" if self.claims.allowed and len(self.best) > 1 else first
        return f"line: mean of seeds; band: 95 % interval ({whose})"

    @property
    def goal(self) -> str:
        """Where the target is from."""
        return say("problem", "target", "how", self)


def _curves(facts: Facts) -> Iterator[Figure]:
    """Yields the test error over epochs, the other learning curves, and these over steps where that differs."""
    evidence = facts.evidence
    if (error := curves.error_of(evidence.task)) is not None:
        finding = functools.partial(of_way, evidence, facts.result)
        yield _curve(facts, error, scales.EPOCHS, lambda _, rows: finding(rows), place=HEADLINE)
    over_steps = ("loss", "" if evidence.score == "loss" else f"test_{evidence.score}")
    for curve in curves.curves_of(evidence.task):
        place = HEADLINE if error is None and curve.column.startswith("test") else USUAL
        made = _curve(facts, curve, scales.EPOCHS, functools.partial(_ends, curve=curve), place=place)
        yield made
        assert not callable(made.rows)
        for across in lines.distinct(made.rows) if curve.slug in over_steps else []:
            yield _curve(facts, curve, across, made.finding, place=APPENDIX)


def _curve(
    facts: Facts, curve: curves.Curve, across: scales.Across, finding: Callable[[Any, Table], str] | None, **how: Any
) -> Figure:
    """Returns a figure of learning curves."""
    card, task = datasets.CARDS[facts.evidence.study.data], facts.evidence.task
    sizes = scored(card.sizes, by_case=task.by_case)
    return Figure(
        f"{curve.slug}{across.suffix}",
        curves.rows(facts.evidence.found, curve),
        functools.partial(lines.draw, curve=curve, across=across),
        f"{curve.words}{across.title}",
        curve.slug if curve.error else "curves",
        step=curve.step or 1 / sizes[curve.column.split("_")[0]],
        finding=finding,
        **how,
    )


def _ends(facts: Facts, rows: Table, curve: curves.Curve) -> str:
    """Returns where a curve ends; of the test score, what the verdicts say."""
    if curve.column.startswith("test"):
        return sentences.of_scores(facts.evidence, facts.result, errors=False)
    return of_curve(rows, curve)


def _tuned(facts: Facts) -> Iterator[Figure]:
    """Yields a figure of each hyperparameter tuned, and the score lost around the best learning rates."""
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
        if rate:
            yield Figure(
                "learning_rates_relative",
                tuning_rows.lost_rows(cast(Table, figure.rows)),
                sensitivity.draw,
                tuning=True,
                finding=lambda _, rows: of_rates(rows),
                place=HEADLINE,
            )


def _paths(facts: Facts) -> Table:
    """Returns how the rules move on a function of two numbers, where that is the problem."""
    every = facts.evidence.study.optimizers
    entries = [one for one in every if one.cycle_epochs is None and one.optimizer not in optimizers.OUTSIDE]
    function = FUNCTIONS.get(facts.evidence.task.name)
    two = function is not None and len(function.start) == 2
    return curves.path_rows(entries, (facts.evidence.task.name,)) if entries and two else []


def _of_cases(facts: Facts) -> Iterator[Figure]:
    """Yields the metrics of the cases of a segmentation, and truth and prediction of its best, median and worst."""
    runs = facts.measured
    if not runs:
        return
    for slug, boxes in pictures.BOXES.items():
        yield Figure(slug, cases.rows(runs, boxes.column), functools.partial(pictures.draw_boxes, boxes=boxes))
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
    Figure(
        "scores",
        lambda facts: score_rows.seed_rows(facts.evidence, facts.result),
        scores.draw_seeds,
        finding=lambda facts, _: sentences.of_scores(facts.evidence, facts.result),
        place=HEADLINE,
    ),
    _curves,
    _tuned,
    Figure(
        "frequencies",
        lambda facts: frequency_rows.frequency_rows(facts.evidence),
        frequencies.draw,
        finding=lambda _, rows: frequency_rows.finding(rows),
    ),
    Figure("time_to_target", lambda facts: facts.valid, times.draw),
    Figure("costs", lambda facts: cost_rows.cost_rows(facts.evidence, facts.result), costs.draw),
    Figure("timing", lambda facts: cost_rows.timing_rows(facts.evidence), costs.draw_timing, place=APPENDIX),
    Figure(
        "differences", lambda facts: score_rows.differences_rows(facts.evidence, facts.result), scores.draw_differences,
        place=APPENDIX,
    ),
    Figure(
        "scores_by_seed", lambda facts: score_rows.map_rows(facts.evidence, facts.result), ranks.draw_map,
        place=APPENDIX,
    ),
    Figure("best_of_k", lambda facts: tuning_rows.best_of_rows(facts.evidence), tuning.draw_best_of, place=APPENDIX),
    Figure("spent", lambda facts: cost_rows.spent_rows(facts.evidence), costs.draw_spent, place=APPENDIX),
    Figure("critical_differences", (), ranks.draw_critical, place=APPENDIX),
)  # fmt: skip
PATHS = Figure("trajectories", _paths, illustrations.draw_paths)


def draw(
    evidence: Evidence, result: Result, folder: Path, styles: Mapping[str, Style], *, illustrations: bool = True
) -> list[Shown]:
    """Draws every figure of one problem that the evidence allows."""
    facts = Facts(evidence, result)

    def caption(figure: Figure, finding: str, how: str, key: str) -> Caption:
        return (facts.captions.of_tuning if figure.tuning else facts.captions.caption)(finding, how, key)

    kept = [entry.label for entry in evidence.study.optimizers if entry.batch == "full"][:1]
    empty = Caption("", (), (), "")
    context = Context(empty, styles, evidence.task.score_title, kept=kept, best=facts.best)
    chosen = [*FIGURES, *([PATHS] if illustrations and evidence.task.toy else []), _of_cases]
    figures = (one for entry in chosen for one in ([entry] if isinstance(entry, Figure) else entry(facts)))
    return list(show(figures, "problem", facts, caption, context, folder))
