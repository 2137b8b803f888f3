"""The report as one page that needs nothing else: no network, and to be read no script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.analysis.evidence import Evidence
from experiments.analysis.lint import Finding
from experiments.analysis.results import NAME, Result, Row, cells, headings, number
from experiments.analysis.statistics import Comparison
from experiments.report import costs, timing
from experiments.report.captions import Captions
from experiments.report.gallery import Shown
from experiments.report.markup import Cell, download, element, inlined, policy, table, text
from experiments.report.text import as_csv, notes, pairs_csv
from experiments.text import to_csv

HERE = Path(__file__).parent
PAIR_HEADINGS = (
    "A",
    "B",
    "A - B",
    "95 % CI",
    "test",
    "p",
    "p (Holm)",
    "p, exact",
    "P(A is better)",
    "A is",
    "in words",
)
FALLING = ("P(A is better)",)


def page(evidence: Evidence, result: Result, shown: Sequence[Shown], findings: Sequence[Finding]) -> str:
    """Returns the page; the same evidence gives the same bytes.

    Args:
        evidence: the study's.
        result: its table.
        shown: its figures, drawn.
        findings: the rules that it breaks.
    """
    sections = [
        element("p", text(result.headline), class_="headline", id="headline"),
        broken(findings),
        _contents(evidence, shown),
        filters(evidence, {_problem(evidence): f"{evidence.task.title} on {evidence.study.data}"}),
        _results(evidence, result),
        _pairs(evidence, result.comparisons),
        _runs(evidence),
        timing.section(evidence, _problem(evidence)),
        *(drawn(place, figure) for place, figure in enumerate(shown)),
        costs.section(evidence, _problem(evidence)),
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


def _contents(evidence: Evidence, shown: Sequence[Shown]) -> str:
    tables = [(NAME, "Results"), ("pairs", "All pairs"), ("runs", "All runs")]
    figures = [(f"figure-{figure.slug}", figure.title) for figure in shown if figure.files]
    last = [("costs", "Costs")] if costs.rows(evidence) else []
    there = [*tables, *figures, *last]
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


def _results(evidence: Evidence, result: Result) -> str:
    csv = download(f"{NAME}.csv", as_csv(evidence, result), "the numbers as CSV")
    rows = [list(zip(cells(row), _keys(row), strict=True)) for row in result.rows]
    about = [_about(evidence, [row.label], row.tied) for row in result.rows]
    names = headings(evidence.task.score_title)
    falling = names[2:6] if evidence.higher else names[6:7]  # scores; what the best is ahead of a loss is below 0
    shown = table(NAME, f"Test scores, {csv}", names, rows, about, falling)
    said = "".join(element("li", text(note)) for note in notes(evidence, result))
    return "\n".join([element("h2", "Results"), shown, element("ul", said, class_="notes")])


def _keys(row: Row) -> list[Any]:
    """Returns what each cell of a row is sorted by."""
    centre, lag = row.centre, row.lag
    return [
        row.label,
        row.learning_rate,
        centre.mean.value if centre else None,
        centre.median if centre else None,
        centre.iqm if centre else None,
        row.by_rule,
        lag.difference if lag else 0.0 if centre else None,  # the best is as good as itself
        lag.corrected_p if lag else None,
        lag.superiority if lag else None,
        row.verdict,
        row.runs,
        row.seconds,
    ]


def _pairs(evidence: Evidence, pairs: Sequence[Comparison]) -> str:
    if not pairs:
        return ""
    rows = [_pair(pair) for pair in pairs]
    about = [_about(evidence, [pair.first, pair.second], False) for pair in pairs]
    csv = download("pairs.csv", pairs_csv(evidence, pairs), "the numbers as CSV")
    words = f"Every pair, corrected together for their number, {csv}"
    return "\n".join([element("h2", "All pairs"), table("pairs", words, PAIR_HEADINGS, rows, about, FALLING)])


def _pair(pair: Comparison) -> list[Cell]:
    low, high = pair.expanded
    p = [(f"{value:.2g}" if value == value else "-", value) for value in (pair.p, pair.corrected_p, pair.exact_p)]
    return [
        (pair.first, pair.first),
        (pair.second, pair.second),
        (number(pair.difference), pair.difference),
        (f"{number(low)} to {number(high)}" if low == low else "-", low),
        (pair.test or "-", pair.test),
        *p,
        (f"{pair.superiority:.2f}" if pair.superiority == pair.superiority else "-", pair.superiority),
        (pair.verdict + pair.mark, pair.verdict),
        (pair.words(), ""),
    ]


def _runs(evidence: Evidence) -> str:
    splits = ("train", "validation", "test")
    names = ("optimizer", "seed", "status", "passes", *(f"{split} {evidence.task.score_title}" for split in splits))
    plain: list[dict[str, Any]] = []
    for label in evidence.labels:
        for record in evidence.of(label):
            last = record.evaluations[-1]
            ends = [float(last[f"{split}_{evidence.score}"]) for split in splits]
            plain.append(dict(zip(names, (label, record.run.seed, record.status, last["epoch"], *ends), strict=True)))
    rows = [[(number(v) if isinstance(v, float) else str(v), v) for v in row.values()] for row in plain]
    about = [_about(evidence, [row["optimizer"]], False) for row in plain]
    csv = download("runs.csv", to_csv(plain), "the numbers as CSV")
    shown = table("runs", f"After the last pass, {csv}", names, rows, about, names[4:] if evidence.higher else ())
    return "\n".join([element("h2", "All runs"), shown])


def _about(evidence: Evidence, labels: Sequence[str], tied: bool) -> Mapping[str, Any]:
    return {"optimizer": list(labels), "problem": [_problem(evidence)], "class": "tied" if tied else None}


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
