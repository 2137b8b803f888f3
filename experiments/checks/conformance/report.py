"""Measures rows on both libraries, and shows the verdicts as a table, as Markdown and as JSON."""

import dataclasses
import json
import re
from collections.abc import Sequence
from pathlib import Path

import keras

from experiments.checks.conformance.catalogue import Children, Found, measured
from experiments.checks.conformance.rows import Place, Row, Verdict
from experiments.text import aligned

NAMES = ("Keras", "tfoptim")
BEGIN = "<!-- measured by `python -m experiments conformance --markdown docs/migrate/keras-differences.md` -->"
END = "<!-- end of the table -->"
ELSEWHERE: tuple[Place, ...] = ("mirrored", "workers")


def measure(rows: Sequence[Row]) -> Found:
    """Runs rows on both libraries; rows with replicas run in other processes at the same time."""
    by_place: dict[Place, list[Row]] = {place: [row for row in rows if row.place == place] for place in ELSEWHERE}
    children = [Children(place, those) for place, those in by_place.items() if those]
    try:
        found = measured([row for row in rows if row.place == "here"])
        for child in children:
            found |= child.found()
    finally:
        for child in children:
            child.stop()
    return {row.id: found[row.id] for row in rows}


def summary(found: Found) -> str:
    """Returns the last line: the number of rows that each library passes."""
    passed = {name: sum(both[name].passed for both in found.values()) for name in NAMES}
    return ", ".join(f"{name} {passed[name]} of {len(found)}" for name in NAMES)


def complete(found: Found) -> bool:
    """Returns whether tfoptim keeps every promise."""
    return all(both["tfoptim"].passed for both in found.values())


def show(rows: Sequence[Row], found: Found) -> None:
    """Prints the table for a terminal."""
    print("Promises, and measured behaviour\n")
    cells = [(row.id, _plain(row.title), *(_cell(found[row.id][name]) for name in NAMES)) for row in rows]
    print(aligned(("row", "checked", *NAMES), cells) + "\n")


def _cell(verdict: Verdict) -> str:
    return f"{'ok' if verdict.passed else 'CRASHED' if verdict.crashed else 'WRONG'}: {_plain(verdict.measured)}"


def _plain(text: str) -> str:
    return text.replace("`", "")


def as_json(rows: Sequence[Row], found: Found) -> str:
    """Returns all verdicts as JSON."""
    listed = [
        {"row": row.id, "title": row.title, "promise": row.promise}
        | {name: dataclasses.asdict(found[row.id][name]) for name in NAMES}
        for row in rows
    ]
    return json.dumps({"summary": summary(found), "rows": listed}, indent=2)


def markdown(rows: Sequence[Row], found: Found) -> str:
    """Returns the table for the documentation, with the measured version of Keras below it."""
    lines = ["| checked | Keras | tfoptim | the command that shows it |", "|---|---|---|---|"]
    for row in rows:
        theirs, ours = (found[row.id][name].measured for name in NAMES)
        command = f"python -m experiments conformance --rows {row.id}"
        lines.append(f"| {row.title} | {theirs} | {row.promise} ({ours}) | `{command}` |")
    return "\n".join([*lines, "", f"{summary(found)}, measured with Keras {keras.__version__}.", ""])


def page(text: str, table: str) -> str:
    """Returns a page of the documentation with its table replaced; a ValueError if it has no marks around one."""
    if BEGIN not in text or END not in text:
        raise ValueError(f"The page must have the lines {BEGIN} and {END} around its table.")
    return re.sub(f"{re.escape(BEGIN)}.*{re.escape(END)}", lambda _: f"{BEGIN}\n{table}{END}", text, flags=re.DOTALL)


def write(path: Path, rows: Sequence[Row], found: Found) -> None:
    """Replaces the table in a page of the documentation."""
    path.write_text(page(path.read_text(encoding="utf-8"), markdown(rows, found)), encoding="utf-8")
