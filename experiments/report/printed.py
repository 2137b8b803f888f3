"""What a report prints on the terminal: a table that fits, what may be said of it, and last of all the page to open."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from experiments.analysis import result_columns
from experiments.analysis.columns import cells, headings
from experiments.report import Report
from experiments.report.captions import Captions
from experiments.text import aligned, say, wrapped


def show(made: Report, *, wide: bool) -> None:
    """Prints the result table, what may be said of it, how it was made, and the rules that are broken."""
    captions, rows = Captions(made.evidence, made.result.claims), made.result.rows
    columns = (result_columns.columns if wide else result_columns.brief)(made.evidence)
    say(captions.title("Results"))
    shown = aligned(headings(columns), [cells(columns, row) for row in rows], [row.tied for row in rows])
    print(f"\n{shown}\n")
    say(made.result.headline)
    print()
    for line in captions.brief:
        say(line)
    sys.stdout.flush()  # so that what follows stands below, where both go to one place
    for finding in made.findings:
        print(wrapped(f"Broken rule {finding}"), file=sys.stderr)


def tell_files(made: Sequence[Path], folder: Path) -> None:
    """Prints what was written, and last of all the page to open."""
    drawn = Counter(path.suffix for path in made)[".svg"]
    page = next(path for path in made if path.suffix == ".html")
    of_figures = {path.stem for path in made if path.suffix == ".svg"}
    others = [path.name for path in made if path.stem not in of_figures]
    figures = f"{drawn} {'figures' if drawn > 1 else 'figure'}, each as PNG, SVG and CSV"
    say(f"Written to {folder}: {'; '.join(filter(None, (figures, ', '.join(others))))}.")
    print(f"Open {page}", flush=True)
