"""What a benchmark of steps leaves: tables on the terminal, `benchmark.csv`, `.md`, `.png` and `.svg`."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments import terminal
from experiments.checks.benchmark import drawing, tables
from experiments.checks.benchmark.plan import Pair
from experiments.checks.benchmark.rows import Row, as_csv, one, read
from experiments.checks.benchmark.tables import Grid
from experiments.errors import UserError
from experiments.records import run_folder


def progress(pair: Pair, found: Sequence[Row]) -> str:
    """Returns a line about a pair that was just measured."""
    here = [row for row in found if (row.rule, row.set) == (pair.rule.name, pair.set.name)]
    ours, keras = (one(here, contender=name) for name in ("ours", "keras"))
    assert ours is not None
    words = f"{pair.rule.title} on {pair.set.title}: ours {ours.median_ms:.3g} ms"
    if keras is not None:
        words += f", Keras {keras.median_ms:.3g} ms, {keras.ratio:.2f} times as long"
    failed = [row.contender for row in here if row.failure]
    return words + (f"; failed: {', '.join(failed)}" if failed else "")


def write(rows: Sequence[Row], about: Mapping[str, Any], folder: Path) -> None:
    """Writes what was measured into a folder, and prints the tables."""
    text = as_csv(rows, about)
    _publish(*read(Row, text), text, folder)


def keep(rows: Sequence[Row], about: Mapping[str, Any], folder: Path) -> None:
    """Writes what an interrupted benchmark has measured to a table beside the whole one, to be drawn with `--from`."""
    if rows:
        table = folder / "benchmark_interrupted.csv"
        run_folder.write(table, as_csv(rows, about))
        print(f"\nWhat was measured is in {table}; `--from {table}` draws it.", file=sys.stderr)


def redraw(sources: Sequence[Path], folder: Path) -> None:
    """Makes tables and figure again from a CSV, or one from the CSVs of several parts measured on one machine.

    Raises:
        UserError: one is no table of a benchmark, or they are of different machines or versions.
    """
    parts = [_read(source) for source in sources]
    rows, about = [row for found, _ in parts for row in found], dict(parts[0][1])
    for key in about.keys() & {*_SAME, *_TOLD}:
        values = list(dict.fromkeys(other.get(key, "") for _, other in parts))
        if key in _SAME and len(values) > 1:
            raise UserError(f"The tables are not of one machine and its versions: {key} is {' and '.join(values)}.")
        about[key] = ", then ".join(values)
    _publish(rows, about, as_csv(rows, about), folder)


_SAME = ("cpu", "cores", "tensorflow", "keras", "torch")
_TOLD = ("commit", "date", "command")


def _read(source: Path) -> tuple[list[Row], dict[str, str]]:
    try:
        return read(Row, source.read_text(encoding="utf-8"))
    except (ValueError, KeyError) as error:
        raise UserError(f"{source} is not a table that `python -m experiments benchmark` wrote: {error}") from error


def _publish(rows: Sequence[Row], about: Mapping[str, str], text: str, folder: Path) -> None:
    written = drawing.draw(rows, about, text, folder)
    short = [
        grid
        for grid in (tables.summary(rows), tables.headline(rows), tables.looped(rows), tables.against(rows))
        if grid.cells
    ]
    long = [tables.of_set(rows, name) for name in tables.measured(rows)[1]]
    page = folder / "benchmark.md"
    run_folder.write(page, markdown("Time of an optimizer step", [*short, *long], about))
    for grid in short:
        show(grid)
    terminal.say(f"Written to {folder}: {', '.join(path.name for path in (*written, page))}.")


def markdown(title: str, grids: Sequence[Grid], about: Mapping[str, str]) -> str:
    """Returns a page of tables, with where they were measured and the command that does it again."""
    lines = (f"- {key.replace('_', ' ')}: {value}" for key, value in about.items() if value and key != "command")
    sections = (grid.markdown() for grid in grids)
    return "\n".join([f"# {title}", "", f"Measured by `{about['command']}`:", "", *lines, "", *sections])


def show(grid: Grid) -> None:
    """Prints a table."""
    terminal.say(grid.title)
    print(f"\n{terminal.table(grid.headings, grid.cells)}\n")
    for note in grid.notes:
        terminal.say(note)
    print()
