"""Captions of figures and tables: what was run, on what, how to reproduce it, and how to read it (`captions.toml`)."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2

from experiments.analysis import curves
from experiments.analysis.cost_rows import timed, unknown
from experiments.analysis.evidence import Evidence
from experiments.analysis.lint import Claims
from experiments.analysis.statistics.aggregates import LEAST_PROBLEMS
from experiments.analysis.time_rows import missing
from experiments.figures.canvas import Caption
from experiments.figures.illustrations import EVERY
from experiments.problems import datasets, tasks
from experiments.problems.grid import scored
from experiments.studies import GIVEN, Study
from experiments.text import Table

WORDS: Mapping[str, Mapping[str, Mapping[str, str]]] = tomllib.loads(
    Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
)

FOOT = 48  # letters of the line under a figure, at most 60: so many fit into a column


def say(kind: str, name: str, part: str, facts: Any, rows: Table = (), **more: Any) -> str:
    """Returns words of `captions.toml` by kind, name and part, such as `problem`, `scores`, `title`; empty for none.

    Facts and rows are what a figure is drawn from.
    """
    return _template(WORDS[kind][name].get(part, "")).render(facts=facts, rows=rows, **more)


@functools.cache
def _template(text: str) -> jinja2.Template:
    found: jinja2.Template = jinja2.Template(text, undefined=jinja2.StrictUndefined)
    found.globals.update(missing=missing, timed=timed, unknown=unknown, least=LEAST_PROBLEMS, paths=curves, every=EVERY)
    return found


class Captions:
    """Titles, captions and footers of one comparison, and what they say of its data, steps and learning rates."""

    def __init__(self, evidence: Evidence, claims: Claims | None = None) -> None:
        """Takes the facts, and what may be claimed from them: titles say where that is nothing."""
        self.name, self.study, self.whole = evidence.name, evidence.study, evidence.whole
        self.found, self.choices, self.command = evidence.found, evidence.choices, evidence.command
        self.task, self.claims = evidence.task, claims or Claims()

    def title(self, what: str) -> str:
        """Returns a title: what is shown, on which model and data, over how many seeds and epochs."""
        count, study = len(self.study.seeds), self.study
        epochs = _epochs(study.epochs)
        budget = f"{count} {'seeds' if count > 1 else 'seed'}, {epochs}"
        title = f"{what}: {_model(study)}{'' if study.data == study.task else f' on {study.data}'}, {budget}"
        return f"{title} (illustration, not evidence)" if self.task.toy else f"{title}{self.claims.mark}"  # rule B20

    @property
    def how(self) -> str:
        """How to read curves."""
        seeds = spans(self.study.seeds)
        if len(self.study.seeds) == 1:
            return f"Line: seed {seeds}."
        first = self.study.reference or "the best"
        bands = f"{first} and of all that tie with it" if self.claims.allowed else "the best alone"
        return f"Line: mean of seeds {seeds}; band: 95 % interval (expanded bootstrap), of {bands}."

    @property
    def brief(self) -> tuple[str, ...]:
        """What one has to know to read the table on a terminal."""
        seeds = "Interval: 95 %, expanded bootstrap over seeds." if len(self.study.seeds) > 1 else ""
        return f"{seeds} {self._data()}".strip(), f"{self._steps()} {self._rates()}"

    @property
    def facts(self) -> tuple[str, ...]:
        """What one has to know to read the table, and where its numbers come from."""
        return self._data(), self._steps(), *self._special(), self._rates(), *self.footer

    @property
    def subtitle(self) -> str:
        """Model, data and seeds, in a line."""
        return self._subtitle(self.study, len(self.study.seeds), "seed")

    def _subtitle(self, study: Study, count: int, kind: str) -> str:
        data = [] if study.data == study.task else [study.data]
        end = "; illustration, not evidence" if self.task.toy else ""  # rule B20
        return f"{', '.join([_model(study), *data])}, {count} {kind}{'s' if count > 1 else ''}{end}"

    def caption(self, finding: str, how: str = "", key: str = "") -> Caption:
        """Returns the words of a figure: `how` says how to read it where it is none of curves, `key` its marks."""
        described = f"{how or self.how} {self._data()} {self._steps()} {self._rates()}"
        return self._caption(f"{finding}{'' if self.task.toy else self.claims.mark}", self.subtitle, described, key)

    def of_tuning(self, finding: str, how: str, key: str = "") -> Caption:
        """Returns the words of a figure of the search; tuning is the whole study's, never a part's."""
        tuning = self.whole.tuning
        subtitle = self._subtitle(self.whole, len(tuning.seeds), "tuning seed")
        return self._caption(finding, subtitle, f"{how} {self.search}", key)

    @property
    def search(self) -> str:
        """How the learning rates were searched."""
        tuning, budget = self.whole.tuning, self.whole.limits
        return (
            f"{budget.trials} points for each optimizer, at the same places in four decades of learning rates around "
            f"the default, widened by a decade while the best lies at an edge; tuning seeds {spans(tuning.seeds)}; "
            f"{_epochs(tuning.epochs or self.whole.epochs)}. The test split was not loaded."
        )

    def _caption(self, title: str, subtitle: str, described: str, key: str) -> Caption:
        lines = tuple(filter(None, (subtitle, key)))
        words = f"{title}. {subtitle}. {described}"
        return Caption(title, lines, (self.foot,), words, ". ".join(self.footer))

    @property
    def foot(self) -> str:
        """The line under a figure, of at most 60 letters: the command that draws it again, else the study."""
        if len(self.command) <= FOOT:
            return self.command
        return f"study {self.name} {self.found[0].run.study[:8]}"[:FOOT]

    @property
    def footer(self) -> tuple[str, ...]:
        """Where the numbers come from, and the command that draws the figure again."""
        study = f"study {self.name} {self.found[0].run.study[:8]}, {self._budget()}"
        return f"{study}, {self.versions}", f"drawn by: {self.command}"

    @property
    def versions(self) -> str:
        """What the runs were made with."""
        seen = [record.environment for record in self.found]
        commits = ", ".join(sorted({str(e["commit"]) for e in seen}))
        devices = sorted({str(record.summary["device"]) for record in self.found if "device" in record.summary})
        where = ", ".join([seen[0]["system"], *devices])
        return f"commit {commits}, TensorFlow {seen[0]['tensorflow']}, Keras {seen[0]['keras']}, {where}"

    def _budget(self) -> str:
        """Returns track and budget: trials and seeds of each optimizer."""
        count, budget = len(self.study.seeds), self.study.limits
        spent = f"{budget.name}, {budget.trials} trials, " if self.study.track == "tuned" else ""
        return f"{self.study.track} track ({spent}{count} {'seeds' if count > 1 else 'seed'})"

    @property
    def terms(self) -> str:
        """Licence of the data and what to cite, where they are not this project's to give."""
        return getattr(datasets.CARDS[self.study.data], "terms", "")

    def _data(self) -> str:
        card = datasets.CARDS[self.study.data]
        if not getattr(card, "noise", True):
            return f"Data: {card.title}."
        sizes = " / ".join(f"{card.sizes[split]:,}" for split in datasets.SPLITS)
        terms = f" Terms of the data: {self.terms}." if self.terms else ""
        return f"Data: {card.title}: {sizes} for training / validation / test.{self._parts(card.sizes)}{terms}"

    def _parts(self, sizes: Mapping[str, int]) -> str:
        """Returns what curves are of, where final scores are of more: of a part of a split, or of whole volumes."""
        parts = scored(sizes, by_case=self.task.by_case)
        few = {split: part for split, part in parts.items() if part < sizes[split]}
        fixed = f"of a fixed {max(few.values()):,}" if few else ""
        if self.task.by_case:
            named = f", those of {' and '.join(few).replace('train', 'training')} {fixed}" if few else ""
            return f" Curves: over {self.task.example}{named}; final test scores: over whole volumes."
        return f" Training curves: {fixed}; final scores: of all." if few else ""

    def _special(self) -> list[str]:
        """Returns what else there is to know: of full gradients, of augmentation, and of the Dice of slices."""
        full = any(entry.batch == "full" for entry in self.study.optimizers)
        facts = {
            "dropout": full and self.task.dropout,
            "norm": full and self.task.classes,
            "moved": self.task.augmentation is not None,
            "slices": self.task.classes,
        }
        return [say("report", "facts", part, self) for part, wanted in facts.items() if wanted]

    def _steps(self) -> str:
        full = [entry.label for entry in self.study.optimizers if entry.batch == "full"]
        mini = f"batches of {self.study.batch_size}"
        if not full:
            return f"All take {mini}."
        one = f"{' and '.join(full)}: one step an epoch, on the gradient of all training {self.task.example}"
        return f"{one}; the others: {mini}." if len(full) < len(self.study.optimizers) else f"{one}."

    def _rates(self) -> str:
        rates = ", ".join(
            f"{entry.label}\u00a0{self.choices[entry.label].learning_rate:.3g}" for entry in self.study.optimizers
        )
        if self.whole.track == GIVEN:
            return f"Learning rates, given in the study's file: {rates}."
        if not self.whole.tuned:
            return f"Learning rates, the documented ones: {rates}."
        shorter = self.whole.tuning.epochs
        length = f" in runs of {_epochs(shorter)}" if shorter else ""
        made_for = {"epochs": _epochs(self.whole.epochs), "data": self.whole.data}
        others = [
            words for field, words in made_for.items() if getattr(self.whole, field) != getattr(self.study, field)
        ]
        changed = f", for {' of '.join(others)} and not for this" if others else ""
        return f"Learning rates, chosen on validation data{length}{changed}: {rates}."


def _epochs(count: int) -> str:
    return f"{count} {'epochs' if count > 1 else 'epoch'}"


def _model(study: Study) -> str:
    """Returns the model without its number of parameters, which Methods have."""
    return re.sub(r" \([\d,]+ parameters?\)", "", tasks.get(study.task).title)


def spans(numbers: Sequence[int]) -> str:
    """Returns whole numbers for reading, three and more that follow each other by their ends.

    >>> spans([0, 1, 2, 3, 4, 42]), spans([1000, 1001])
    ('0 to 4, 42', '1000, 1001')
    """
    found: list[list[int]] = []
    for number in sorted(numbers):
        if found and number == found[-1][-1] + 1:
            found[-1].append(number)
        else:
            found.append([number])
    return ", ".join(f"{own[0]} to {own[-1]}" if len(own) > 2 else ", ".join(map(str, own)) for own in found)
