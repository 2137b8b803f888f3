"""The words that go with a comparison's figures and table: what was done, with what, and how to redo it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from experiments import datasets, tasks
from experiments.canvas import Caption
from experiments.config import Study
from experiments.records import Record
from experiments.selection import Choice


class Words:
    """Titles, captions and footers of one comparison."""

    def __init__(
        self,
        name: str,
        whole: Study,
        study: Study,
        found: Sequence[Record],
        choices: Mapping[str, Choice],
        command: str,
    ) -> None:
        """Takes what they are made from.

        Args:
            name: name of the study.
            whole: the study as its file has it.
            study: the study with the command line's changes.
            found: the records.
            choices: the chosen learning rates.
            command: what was typed.
        """
        self.name, self.whole, self.study, self.found = name, whole, study, found
        self.choices, self.command = choices, command

    def title(self, what: str) -> str:
        """Returns a title: what is shown, on which model and data."""
        card = datasets.CARDS[self.study.data]
        return f"{what}: {tasks.get(self.study.task).title}, data set {card.name}"

    @property
    def lines(self) -> tuple[str, ...]:
        """What one has to know to read the figures, a sentence or two a line."""
        study, card = self.study, datasets.CARDS[self.study.data]
        count = len(study.seeds)
        seeds = ", ".join(map(str, study.seeds))
        over = (
            f"Line: mean of {count} seeds ({seeds}); band: lowest to highest." if count > 1 else f"Seed {seeds} alone."
        )
        sizes = " / ".join(f"{card.sizes[split]:,}" for split in datasets.SPLITS)
        return (
            f"{over} Budget: {study.epochs} epochs. {card.title}: {sizes} for training / validation / test.",
            f"{self._steps()} {self._rates()}",
        )

    def caption(self, what: str) -> Caption:
        """Returns the words of a figure."""
        ends = "; ".join(self.lines)
        return Caption(self.title(what), self.lines, self.footer, f"{self.title(what)}. {ends}")

    @property
    def footer(self) -> tuple[str, ...]:
        """Where the numbers come from, and the command that draws the figure again."""
        seen = [record.environment for record in self.found]
        commits = ", ".join(sorted({str(e["commit"]) for e in seen}))
        version = seen[0]
        return (
            f"study {self.name} {self.found[0].run.study[:8]}, commit {commits}, "
            + f"TensorFlow {version['tensorflow']}, Keras {version['keras']}, {version['system']}",
            f"drawn by: {self.command}",
        )

    def _steps(self) -> str:
        full = [entry.label for entry in self.study.optimizers if entry.batch == "full"]
        mini = f"batches of {self.study.batch_size}"
        if not full:
            return f"All take {mini}."
        one = f"{' and '.join(full)}: one step an epoch, on the gradient of all training examples"
        return f"{one}; the others: {mini}." if len(full) < len(self.study.optimizers) else f"{one}."

    def _rates(self) -> str:
        rates = ", ".join(
            f"{entry.label} {self.choices[entry.label].learning_rate:g}" for entry in self.study.optimizers
        )
        changed = [
            f"{field} {getattr(self.whole, field)}"
            for field in ("epochs", "data")
            if getattr(self.whole, field) != getattr(self.study, field)
        ]
        chosen = f" for {', '.join(changed)}, not for this" if changed else ""
        return f"Learning rates, chosen on validation data{chosen}: {rates}."
