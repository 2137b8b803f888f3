"""Tables and figure of a benchmark of steps: on the terminal, and as CSV, Markdown, PNG and SVG."""

import math
import sys
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from experiments.checks.benchmark import speed, tables
from experiments.checks.benchmark.plan import CONTENDERS, SPEED, THEN, Pair, Row, as_csv, one, read
from experiments.checks.benchmark.subjects import RULES, SETS
from experiments.checks.benchmark.tables import Grid, measured
from experiments.errors import UserError
from experiments.figures import canvas
from experiments.figures.canvas import Caption
from experiments.records import files
from experiments.text import Table, aligned, from_csv, say, to_csv

# Colours of Okabe and Ito; marker and fill tell the contenders apart without colour.
LOOKS: Mapping[str, tuple[str, str, bool]] = {
    "ours": ("#000000", "|", True),
    "keras": ("#D55E00", "o", True),
    "native": ("#009E73", "*", True),
    "ours-xla": ("#000000", "D", False),
    "keras-xla": ("#D55E00", "D", False),
    "torch-foreach": ("#0072B2", "^", False),
    "torch-fused": ("#0072B2", "^", True),
}
COLUMNS = 2
INCH = 72  # points
LINE = 13  # points per rule


def draw(rows: Sequence[Row], about: Mapping[str, str], numbers: str, folder: Path) -> list[Path]:
    """Draws a panel per variable set, a line per rule, a mark per contender; writes PNG, SVG and CSV."""
    words = caption(about)
    # Eager steps would compress the axis; steps in a loop have their own table.
    rows = [row for row in rows if not row.contender.endswith(("eager", "loop"))]
    _, sets, contenders = measured(rows)
    bands = [sets[start : start + COLUMNS] for start in range(0, len(sets), COLUMNS)]
    heights = [max(len(measured([r for r in rows if r.set == name])[0]) for name in band) for band in bands]
    with mpl.rc_context(canvas.STYLE):
        figure, grid = _sheet(words, heights)
        for place, name in enumerate(sets):
            alike = [row for row in rows if SETS[row.set].table == SETS[name].table]
            panel = grid[place // COLUMNS][place % COLUMNS]
            _panel(panel, [row for row in rows if row.set == name], name, _limits(alike))
        for panel in (panel for line in grid for panel in line):
            panel.set_visible(panel.has_data())
        _legend(figure, contenders)
        return canvas.save(figure, folder, "benchmark", words, numbers)


def caption(about: Mapping[str, str]) -> Caption:
    """Returns title, explanation, machine and command of the figure."""
    title = "Time of an optimizer step, as a multiple of ours in graph mode"
    how = (
        "Mark: median of the repetitions' ratios; line: from the lowest to the highest. All contenders of a panel's "
        "line were called in turn in one process. Right of a panel: milliseconds of our step, median. Further left is "
        "faster. Eager mode is in the table."
    )
    versions = [f"{name} {about[key]}" for name, key in _VERSIONS if about.get(key)]
    speed = f", memory {about[SPEED]} GB/s" if about.get(SPEED) else ""
    machine = f"{about['cpu']}, {about['cores']} cores{speed}, {about['system']}"
    footer = (f"{machine}, {', '.join(versions)}, commit {about['commit']}, {about['date']}",)
    first, *more = about["command"].split(THEN)
    rest = ", and the others in the last column of the table" if more else ""
    return Caption(title, (how,), (*footer, f"measured by: {first}{rest}"), f"{title}. {how}")


_VERSIONS = (("Python", "python"), ("TensorFlow", "tensorflow"), ("Keras", "keras"), ("torch", "torch"))


def _sheet(words: Caption, heights: Sequence[int]) -> tuple[Figure, list[list[Axes]]]:
    """Returns a figure of the height that its lines need, with its text and panels."""
    lines = [part for line in words.lines for part in textwrap.wrap(line, canvas.LETTERS)]
    footer = [part for line in words.footer for part in textwrap.wrap(line, canvas.LETTERS)]
    head, foot, gap = 80 + 12 * len(lines), 56 + 12 * len(footer), 44
    body = LINE * (sum(heights) + len(heights)) + gap * (len(heights) - 1)
    points = head + body + foot
    figure = Figure(figsize=(canvas.WIDTH, points / INCH), dpi=canvas.DPI, facecolor="white")
    axes = figure.subplots(
        len(heights), COLUMNS, squeeze=False, gridspec_kw={"height_ratios": [h + 1 for h in heights]}
    )
    between = gap / (body / len(heights))
    figure.subplots_adjust(0.165, foot / points, 0.945, 1 - head / points, wspace=0.62, hspace=between)
    figure.text(0.012, 1 - 14 / points, words.title, fontsize=11.5, fontweight="bold", va="top")
    figure.text(0.012, 1 - 32 / points, "\n".join(lines), fontsize=8.2, va="top", color=canvas.QUIET)
    figure.text(0.012, 8 / points, "\n".join(footer), fontsize=8, va="bottom", color=canvas.QUIET)
    figure.text(
        0.5, (foot - 38) / points, "time of a step / time of ours in graph mode (logarithmic axis)", ha="center"
    )
    return figure, [list(line) for line in axes]


def _limits(rows: Sequence[Row]) -> tuple[float, float]:
    found = [value for row in rows for value in (row.ratio_low, row.ratio_high) if value is not None]
    return min(0.5, *found) / 1.2, max(2.0, *found) * 1.2


def _panel(axes: Axes, rows: Sequence[Row], name: str, limits: tuple[float, float]) -> None:
    rules = measured(rows)[0]
    axes.set_xscale("log")
    axes.set_xlim(*limits)
    axes.set_ylim(len(rules) - 0.4, -0.6)
    axes.set_yticks(range(len(rules)), [RULES[rule].title for rule in rules], fontsize=8)
    axes.set_title(SETS[name].words, fontsize=9.5, loc="left")
    decades = math.log10(limits[1] / limits[0])
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if decades < 3 else (1,)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axes.tick_params(axis="x", labelbottom=True, labelsize=8)
    axes.axvline(1, color=canvas.INK, linewidth=1)
    for height, rule in enumerate(rules):
        for row in (row for row in rows if row.rule == rule and row.contender != "ours"):
            if row.ratio is None or row.ratio_low is None or row.ratio_high is None:
                continue  # it failed; see the table
            color, marker, filled = LOOKS[row.contender]
            axes.plot([row.ratio_low, row.ratio_high], [height] * 2, color=color, linewidth=1, alpha=0.5)
            face = color if filled else "white"
            axes.plot(row.ratio, height, marker, color=color, markersize=5, mfc=face, mew=1, zorder=3)
        ours = one(rows, rule=rule, contender="ours")
        if ours is not None and ours.median_ms is not None:
            text = f"{ours.median_ms:.0f} ms" if ours.median_ms >= 10 else f"{ours.median_ms:.2g} ms"
            axes.text(1.015, height, text, transform=axes.get_yaxis_transform(), va="center", fontsize=7.5)


def _legend(figure: Figure, contenders: Sequence[str]) -> None:
    entries = []
    for name in contenders:
        color, marker, filled = LOOKS[name]
        face, size = (color if filled else "white"), (11 if name == "ours" else 5)
        entries.append(
            Line2D([], [], linestyle="", marker=marker, color=color, mfc=face, markersize=size, label=CONTENDERS[name])
        )
    points = figure.get_figheight() * INCH
    top = figure.subplotpars.top + 36 / points
    figure.legend(handles=entries, loc="center left", bbox_to_anchor=(0.006, top), ncols=8, frameon=False,
                  fontsize=8, handletextpad=0.1, columnspacing=1.2)  # fmt: skip


def progress(pair: Pair, found: Sequence[Row]) -> str:
    """Returns one line on a pair that was just measured."""
    here = [row for row in found if (row.rule, row.set) == (pair.rule.name, pair.set.name)]
    ours, keras = (one(here, contender=name) for name in ("ours", "keras"))
    assert ours is not None
    words = f"{pair.rule.title} on {pair.set.title}: ours {ours.median_ms:.3g} ms"
    if keras is not None:
        words += f", Keras {keras.median_ms:.3g} ms, {keras.ratio:.2f} times as long"
    failed = [row.contender for row in here if row.failure]
    return words + (f"; failed: {', '.join(failed)}" if failed else "")


def write(rows: Sequence[Row], about: Mapping[str, Any], folder: Path) -> None:
    """Writes the rows into a folder, and prints the tables."""
    text = as_csv(rows, about)
    _publish(*read(Row, text), text, folder)


def keep(rows: Sequence[Row], about: Mapping[str, Any], folder: Path) -> None:
    """Writes the rows of an interrupted benchmark to a separate table, which `--from` draws."""
    if rows:
        folder.mkdir(parents=True, exist_ok=True)
        table = folder / "benchmark_interrupted.csv"
        files.write(table, as_csv(rows, about))
        print(f"\nThe rows measured so far are in {table}; `--from {table}` draws them.", file=sys.stderr)


def redraw(sources: Sequence[Path], folder: Path) -> None:
    """Makes tables and figure from the CSV of a benchmark, or of several parts measured on one machine."""
    table = [row for source in sources for row in _read(source)]
    for key in _SAME & table[0].keys():
        values = list(dict.fromkeys(str(row.get(key, "")) for row in table))
        if len(values) > 1:
            raise UserError(f"The tables must have the same {key}, got {' and '.join(values)}.")
    text = to_csv([{key: row.get(key, "") for key in table[0]} for row in table])
    _publish(*read(Row, text), text, folder)


_SAME = {"cpu", "cores", "tensorflow", "keras", "torch"}


def _read(source: Path) -> Table:
    """Returns the rows of a table of steps, with their surroundings."""
    text = source.read_text(encoding="utf-8")
    try:
        read(Row, text)
        return from_csv(text)
    except (ValueError, KeyError) as error:
        raise UserError(f"{source} is not a table of `python -m experiments benchmark`: {error}") from error


def _publish(rows: Sequence[Row], about: Mapping[str, str], text: str, folder: Path) -> None:
    written = [*draw(rows, about, text, folder), *speed.draw(rows, about, caption(about).footer, folder)]
    short = [
        grid
        for grid in (
            tables.summary(rows),
            *tables.compared(rows),
            tables.headline(rows),
            tables.against(rows),
        )
        if grid.cells
    ]
    long = [tables.of_set(rows, name) for name in tables.measured(rows)[1]]
    page = folder / "benchmark.md"
    files.write(page, markdown("Time of an optimizer step", [*short, *long], about))
    for grid in short:
        show(grid)
    say(f"Written to {folder}: {', '.join(path.name for path in (*written, page))}.")


def markdown(title: str, grids: Sequence[Grid], about: Mapping[str, str]) -> str:
    """Returns a page of tables, with machine, versions and command."""
    lines = (f"- {key.replace('_', ' ')}: {value}" for key, value in about.items() if value and key != "command")
    sections = (grid.markdown() for grid in grids)
    how = ("", *(f"- `{command}`" for command in about["command"].split(THEN)), "")
    return "\n".join([f"# {title}", "", "Measured by", *how, "on", "", *lines, "", *sections])


def publish(name: str, title: str, grid: Grid, rows: Sequence[Any], about: Mapping[str, Any], folder: Path) -> None:
    """Writes the rows of a measurement as CSV and its table as Markdown, and prints it."""
    folder.mkdir(parents=True, exist_ok=True)
    files.write(folder / f"{name}.csv", as_csv(rows, about))
    files.write(folder / f"{name}.md", markdown(title, [grid], about))
    show(grid)
    say(f"Written to {folder}: {name}.csv, {name}.md.")


def show(grid: Grid) -> None:
    """Prints a table."""
    say(grid.title)
    print(f"\n{aligned(grid.headings, grid.cells)}\n")
    for note in grid.notes:
        say(note)
    print()
