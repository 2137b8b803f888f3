"""Who is first in the table of a report, and how the others stand: with it, or with the reference of the study."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

Rows = Sequence[Mapping[str, str]]  # of a report's table, the best mean first
WORDS = {"b": "better", "≈": "tie", "w": "worse"}  # of verdicts, by their first letter


def reference(rows: Rows) -> str:
    """Returns the optimizer that the others were to be compared with, or nothing where all pairs are compared."""
    return next((row["optimizer"] for row in rows if row["verdict"] == "reference"), "")


def claimed(rows: Rows) -> bool:
    """Returns whether the table makes claims."""
    return any(map(_tied, rows))


def best(rows: Rows) -> list[str]:
    """Returns the best mean and all that tie with it, by all pairs; nothing where no claim is made.

    With a reference it is the best mean alone: what ties with the reference need not tie with the best.
    """
    if not claimed(rows):
        return []
    return [rows[0]["optimizer"]] if reference(rows) else [row["optimizer"] for row in rows if _tied(row)]


def against(rows: Rows) -> str:
    """Returns how many are better and worse than the reference, and tie with it; nothing without one, or a claim."""
    name = reference(rows)
    if not name or not claimed(rows):
        return ""
    counts = Counter(word for row in rows for first, word in WORDS.items() if row["verdict"].startswith(first))
    missing = {"not compared": len(rows) - 1 - counts.total()}
    said = [f"{count} {word}" for word in WORDS.values() if (count := counts[word])]
    said += [f"{count} {word}" for word, count in missing.items() if count]
    return f"against {name}: {', '.join(said) or 'nothing to compare'}"


def place(label: str, rows: Rows) -> str:
    """Returns what the table says of one optimizer."""
    row = next(row for row in rows if row["optimizer"] == label)
    name, verdict = reference(rows), row["verdict"]
    if not claimed(rows):
        return "no claim" if name == label else verdict
    if not name:
        ties = best(rows)
        return verdict if label not in ties else "tied for the best" if len(ties) > 1 else "the best"
    first = "the best mean, " if label == rows[0]["optimizer"] else ""
    if label == name:
        return f"{first}the reference"
    if verdict.startswith("≈"):
        return f"{first}tied with {name}"
    return first + (f"{verdict} than {name}" if verdict.startswith(("better", "worse")) else verdict)


def _tied(row: Mapping[str, str]) -> bool:
    return row["in_tie_group"] == "True"
