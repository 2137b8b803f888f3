"""All figures of a report, each drawn from a table of its own, and the sentence where one cannot be drawn."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments import figures
from experiments.analysis import levels as targets
from experiments.analysis.evidence import Evidence
from experiments.analysis.results import Result
from experiments.figures import (
    budget,
    costs,
    critical,
    profiles,
    ranks,
    rates,
    scores,
    spent,
    times,
    timing,
    trajectories,
    tuned,
)
from experiments.figures.curve_kinds import DICE_STEP
from experiments.problems import datasets
from experiments.problems.grid import MOST_TRAINING
from experiments.studies import Style

NO_DIAGRAM = critical.refused(1, 2)


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
class Gallery:
    """What all figures are drawn from."""

    evidence: Evidence
    result: Result
    folder: Path
    styles: Mapping[str, Style]

    def draw(self, *, illustrations: bool = True) -> list[Shown]:
        """Draws every figure that the evidence allows."""
        parts = [self._curves(), self._ends(), self._chances(), self._choice(), self._times(), self._costs()]
        shown = [figure for part in parts for figure in part]
        shown.append(Shown("Ranks over problems", NO_DIAGRAM))
        return shown + (list(self._illustrations()) if illustrations else [])

    def _figure(self, title: str, how: str, table: Any, draw: Any, *arguments: Any) -> Iterator[Shown]:
        if table:
            caption = self.evidence.words.caption(title, how)
            yield Shown(title, how, draw(table, *arguments, caption, self.folder))

    def _curves(self) -> Iterator[Shown]:
        sizes = datasets.CARDS[self.evidence.study.data].sizes
        scored = {**sizes, "train": min(sizes["train"], MOST_TRAINING)}
        for curve in figures.curves_of(self.evidence.task):
            step = curve.step or 1 / scored[curve.column.split("_")[0]]
            table = figures.table_of(self.evidence.found, curve)
            other = figures.telling(table) if curve.slug in figures.OVER_STEPS else []
            drawn = [(across, table) for across in (figures.EPOCHS, *other)]
            if curve.slug in figures.OVER_STEPS and (timed := timing.with_seconds(table, self.evidence)):
                drawn.append((timing.SECONDS, timed))
            for across, numbers in drawn:
                title = f"{curve.words}{across.title}"
                caption = self.evidence.words.caption(title)
                files = figures.draw_curves(curve, numbers, self.styles, caption, self.folder, step, across)
                yield Shown(title, self.evidence.words.how, files)

    def _ends(self) -> Iterator[Shown]:
        evidence, result, score = self.evidence, self.result, self.evidence.task.score_title
        where, apart = "Where each run ends", "Behind the best, seed by seed"
        dots = scores.dots_table(evidence, result)
        yield from self._figure(where, scores.dots_how(result.claims), dots, scores.draw_dots, self.styles, score)
        lags = scores.differences_table(evidence, result)
        how = scores.paired_how(result.claims)
        yield from self._figure(apart, how, lags, scores.draw_differences, self.styles, score)

    def _chances(self) -> Iterator[Shown]:
        evidence, result, score = self.evidence, self.result, self.evidence.task.score_title
        chances = ranks.chance_table(evidence, result)
        title = "Interquartile means, and the chance to be better"
        yield from self._figure(title, ranks.chance_how(result.claims), chances, ranks.draw_chances, self.styles, score)
        cells = ranks.map_table(evidence, result)
        yield from self._figure("Scores and ranks by seed", ranks.MAP_HOW, cells, ranks.draw_map)

    def _choice(self) -> Iterator[Shown]:
        evidence = self.evidence
        if not evidence.trials:
            return
        yield from self._tuned()
        title, score = "Expected best of k trials", evidence.task.score_title
        yield from self._figure(title, budget.HOW, budget.table_of(evidence), budget.draw, self.styles, score)

    def _tuned(self) -> Iterator[Shown]:
        """Draws each hyperparameter that was tuned; where it is the learning rate alone, its relative widths, too."""
        evidence, task = self.evidence, self.evidence.task
        step = DICE_STEP if task.classes else 1 / datasets.CARDS[evidence.study.data].sizes["validation"]
        names = tuned.dimensions(evidence.study, evidence.trials)
        for name in names:
            table = tuned.table_of(evidence.study, evidence.trials, evidence.choices, name)
            title = f"Choice of {'learning rates' if name == tuned.RATE else name}"
            drawn = [(title, rates.HOW if len(names) == 1 else rates.AMONG, rates.draw_rates)]
            if len(names) == 1:
                drawn.append(("Learning rates around the best", rates.RELATIVE, rates.draw_relative))
            for what, how, draw in drawn:
                caption = evidence.words.of_tuning(what, how)
                files = draw(table, self.styles, task.score_title, step, caption, self.folder)
                yield Shown(what, caption.lines[0], files)

    def _times(self) -> Iterator[Shown]:
        levels = targets.targets(self.evidence)
        if not levels:
            return
        table, origin = times.table_of(self.evidence, levels), targets.how(self.evidence)
        if times.valid(table):
            words, shares = f"{times.how(table)} {origin}", f"{times.SHARES} {origin}"
            yield from self._figure("Passes to a target", words, table, times.draw, self.styles)
            yield from self._figure("Runs that met a target", shares, table, times.draw_shares, self.styles)
        else:
            yield Shown("Passes to a target", " ".join(("Passes to a target: refused.", *times.missing(table), origin)))
        if profiles.drawable(table):
            how, pairs = f"{profiles.HOW} {origin}", f"{profiles.PAIRS} {origin}"
            yield from self._figure("Profiles", how, table, profiles.draw, self.styles)
            yield from self._figure("Profiles two by two", pairs, table, profiles.draw_pairs, self.styles)
        else:
            void = times.missing([row for row in table if row["share"] == 1.0])
            yield Shown("Profiles", " ".join((profiles.REFUSED, *void)))

    def _costs(self) -> Iterator[Shown]:
        table = costs.table_of(self.evidence, self.result)
        score = self.evidence.task.score_title
        yield from self._figure("What a score costs", costs.how(self.evidence), table, costs.draw, self.styles, score)
        total = spent.table_of(self.evidence)
        if total:
            yield from self._figure("What was spent", spent.how(total), total, spent.draw, self.styles)
        if self.evidence.untimed:
            yield Shown("What a step takes", self.evidence.untimed)
            return
        taken = timing.table_of(self.evidence)
        yield from self._figure("What a step takes", timing.how(self.evidence), taken, timing.draw, self.styles)

    def _illustrations(self) -> Iterator[Shown]:
        entries = [e for e in self.evidence.study.optimizers if e.cycle_epochs is None]
        table = trajectories.table_of(entries) if entries else []
        title = "How the rules move: illustration, not evidence"
        yield from self._figure(title, trajectories.HOW, table, trajectories.draw, self.styles)
