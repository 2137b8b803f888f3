"""The report as one page that needs nothing else: no network, and to be read no script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.analysis.evidence import Evidence
from experiments.analysis.lint import Finding
from experiments.analysis.results import NAME, Result
from experiments.report import tables
from experiments.report.captions import Captions
from experiments.report.gallery import Shown
from experiments.report.markup import download, element, inlined, policy, table, text
from experiments.report.tables import ReportTable
from experiments.report.text import notes

HERE = Path(__file__).parent


def page(evidence: Evidence, result: Result, shown: Sequence[Shown], findings: Sequence[Finding]) -> str:
    """Returns the page; the same evidence gives the same bytes.

    Args:
        evidence: the study's.
        result: its table.
        shown: its figures, drawn.
        findings: the rules that it breaks.
    """
    costs = tables.of_costs(evidence)
    sections = [
        element("p", text(result.headline), class_="headline", id="headline"),
        broken(findings),
        _contents(shown, costs.rows),
        filters(evidence, {_problem(evidence): f"{evidence.task.title} on {evidence.study.data}"}),
        section(tables.of_results(evidence, result), _problem(evidence)),
        element("ul", "".join(element("li", text(note)) for note in notes(evidence, result)), class_="notes"),
        section(tables.of_pairs(evidence, result.comparisons), _problem(evidence)),
        section(tables.of_runs(evidence), _problem(evidence)),
        section(tables.of_steps(evidence), _problem(evidence)),
        *(drawn(place, figure) for place, figure in enumerate(shown)),
        section(costs, _problem(evidence)),
        _origin(evidence),
    ]
    return document(Captions(evidence, result.claims).title("Report"), sections)


def document(title: str, sections: Sequence[str]) -> str:
    """Returns a whole page: what it is called, and the markup of its sections, empty ones left out."""
    style, script = ((HERE / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    head = [
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{text(policy(script))}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<link rel="icon" href="data:,">',
        element("title", text(title)),
        element("style", style),
    ]
    sections = [element("h1", text(title)), *sections]
    body = "\n".join([element("main", "\n".join(filter(None, sections))), f"<script>{script}</script>"])
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n{chr(10).join(head)}\n</head>\n<body>\n{body}\n</body>\n</html>\n'
    )


def broken(findings: Sequence[Finding]) -> str:
    """Returns the rules that are broken, in red, or the sentence that there are none."""
    if not findings:
        return element(
            "p", "No rule of the protocol is broken: the lint has nothing to say.", class_="quiet", id="lint"
        )
    items = "".join(
        element("li", f"{element('strong', text(finding.code))}: {text(finding.sentence)}") for finding in findings
    )
    heading = element("h2", f"{len(findings)} broken {'rule' if len(findings) == 1 else 'rules'}")
    return element("section", heading + element("ul", items), class_="broken", id="lint")


def section(shown: ReportTable[Any], problem: str) -> str:
    """Returns a table with its heading and a link to its numbers; empty where it has no rows."""
    if not shown.rows:
        return ""

    def about(row: Any) -> Mapping[str, Any]:
        return {"optimizer": [*shown.labels(row)], "problem": [problem], "class": "tied" if shown.tied(row) else None}

    caption = f"{text(shown.words)}{', ' if shown.words[-1] != '.' else ' '}"
    caption += download(shown.file, shown.csv, "the numbers as CSV")
    return f"{element('h2', text(shown.title))}\n{table(shown.slug, caption, shown.columns, shown.rows, about)}"


def _contents(shown: Sequence[Shown], costs: Sequence[Any]) -> str:
    first = [(NAME, "Results"), ("pairs", "All pairs"), ("runs", "All runs")]
    figures = [(f"figure-{figure.slug}", figure.title) for figure in shown if figure.files]
    last = [("costs", "Costs")] if costs else []
    there = [*first, *figures, *last]
    links = "".join(element("li", element("a", text(words), href=f"#{target}")) for target, words in there)
    return element("nav", element("ul", links), aria_label="contents")


def filters(evidence: Evidence, problems: Mapping[str, str]) -> str:
    """Returns the boxes that show and hide optimizers and problems; they stay hidden where no script runs.

    Args:
        evidence: has the optimizers.
        problems: what each problem is called in the tables -> in words.
    """
    boxes = [_box("optimizer", entry.label, entry.label, entry.style.color) for entry in evidence.study.optimizers]
    others = "".join(_box("problem", name, words) for name, words in problems.items())
    fields = [
        element("fieldset", element("legend", "optimizers") + "".join(boxes)),
        element("fieldset", element("legend", "problems") + others),
    ]
    return f'<form class="filters" hidden>{"".join(fields)}</form>'


def _box(name: str, value: str, words: str, color: str = "") -> str:
    swatch = element("span", "", class_="swatch", style=f"background:{color}") if color else ""
    box = f'<input type="checkbox" name="{text(name)}" value="{text(value)}" checked> '
    return element("label", f"{box}{swatch}{text(words)}")


def _problem(evidence: Evidence) -> str:
    return f"{evidence.study.task} on {evidence.study.data}"


def drawn(place: int, shown: Shown) -> str:
    """Returns a figure with its heading, its words and its numbers; its place makes the names in it unique."""
    heading = element("h2", text(shown.title))
    if not shown.files:
        return heading + element("p", text(shown.words), class_="quiet")
    files = {path.suffix: path for path in shown.files}
    card = element("div", inlined(files[".svg"].read_text(encoding="utf-8"), f"f{place}"), class_="card", tabindex="0")
    csv = download(files[".csv"].name, files[".csv"].read_text(encoding="utf-8"), "the numbers as CSV")
    caption = element("figcaption", f"{text(shown.words)} {csv}")
    return heading + element("figure", f"{card}\n{caption}", id=f"figure-{shown.slug}")


def _origin(evidence: Evidence) -> str:
    lines = "".join(element("li", text(line)) for line in Captions(evidence).footer[:-1])
    command = element("p", f"Drawn by {element('code', text(evidence.command))}, which draws it again.")
    return element("h2", "Where this comes from") + element("ul", lines, class_="notes") + command
