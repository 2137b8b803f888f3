"""The report as one page that needs nothing else: no network, and to be read no script; names are never markup."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2

from experiments.analysis import columns
from experiments.analysis.evidence import Evidence
from experiments.analysis.lint import Finding
from experiments.analysis.results import Result
from experiments.figures import column
from experiments.report import tables
from experiments.report.captions import Captions
from experiments.report.declared import Shown
from experiments.report.text import methods, reading
from experiments.studies import Entry

HERE = Path(__file__).parent
LEAST = 11.0  # px, the height of the smallest letters
WORDS = re.compile(r'<g data-words="(\w+)">(.*?)</g>', re.DOTALL)
HEIGHT = re.compile(r'(?:translate\(\S+ |\by=")(-?[\d.]+)')
VIEW = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')
SIZE = re.compile(r"font-size: ([\d.]+)px")


def page(evidence: Evidence, result: Result, shown: Sequence[Shown], findings: Sequence[Finding]) -> str:
    """Returns the page; the same evidence gives the same bytes."""
    return render(
        "page.html",
        Captions(evidence, result.claims).title("Report"),
        evidence=evidence,
        result=result,
        findings=findings,
        problems={tables.problem(evidence): f"{evidence.task.title} on {evidence.study.data}"},
        results=tables.of_results(evidence, result),
        optimizers=ranked(evidence, result),
        reading=reading(evidence, result),
        methods=methods(evidence),
        pairs=tables.of_pairs(evidence, result.comparisons),
        runs=tables.of_runs(evidence),
        steps=tables.of_steps(evidence),
        figures=shown,
        costs=tables.of_costs(evidence),
    )


def ranked(evidence: Evidence, result: Result) -> list[Entry]:
    """Returns the optimizers, the best mean first, as figures and tables have them."""
    place = {row.label: number for number, row in enumerate(result.rows)}
    return sorted(evidence.study.optimizers, key=lambda entry: place[entry.label])


def render(template: str, title: str, **context: Any) -> str:
    """Returns a page from one of the templates in this folder; it needs nothing else, and allows no other script."""
    style, script = ((HERE / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    page = templates().get_template(template)
    return page.render(title=title, style=style, script=script, policy=policy(script), **context)


@functools.cache
def templates() -> jinja2.Environment:
    """Returns the templates of pages, in which every value is escaped that is not called safe."""
    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    filters = (("base64", _base64), ("json", json.dumps), ("key", _key), ("shown", columns.shown))
    found.filters.update(filters, inlined=inlined, content=_content, wide=_wide)
    return found


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _content(shown: Shown, suffix: str) -> str:
    """Returns the text of one of a figure's files."""
    return next(path for path in shown.files if path.suffix == suffix).read_text(encoding="utf-8")


def _wide(svg: str) -> bool:
    """Returns whether a figure is wider than a column."""
    box = VIEW.search(svg)
    return box is not None and float(box[1]) > 1.5 * column.WIDTH


def _key(value: Any) -> Any:
    """Returns what a cell is sorted by: a number as JavaScript reads it, and nothing where there is none."""
    if isinstance(value, float) and not math.isfinite(value):
        return "" if math.isnan(value) else f"{'-' if value < 0 else ''}Infinity"
    return "" if value is None else value


def inlined(svg: str, prefix: str) -> str:
    """Returns an SVG as part of a page, which says its words itself: without them, and as wide as its letters need.

    Its preamble is left out, and its names are those of no other figure.
    """
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<(metadata|desc)>.*?</\1>", "", svg, flags=re.DOTALL)
    svg = _sized(_without_words(svg))
    names = set(re.findall(r'\bid="([^"]+)"', svg))
    for name in sorted(names, key=len, reverse=True):
        svg = svg.replace(f'id="{name}"', f'id="{prefix}-{name}"')
        svg = svg.replace(f'"#{name}"', f'"#{prefix}-{name}"').replace(f"url(#{name})", f"url(#{prefix}-{name})")
    return svg.rstrip()


def _without_words(svg: str) -> str:
    """Returns an SVG without title, caption and footer, and without the room that they took."""
    found = {name: list(map(float, HEIGHT.findall(group))) for name, group in WORDS.findall(svg)}
    box = VIEW.search(svg)
    if not found or box is None:
        return svg
    width, height = map(float, box.groups())
    top = max(y for name in ("title", "lines") for y in found.get(name, [0.0])) + 4
    bottom = min(found.get("footer", [height + 9])) - 9
    return VIEW.sub(f'viewBox="0 {top:g} {width:g} {bottom - top:g}"', WORDS.sub("", svg), count=1)


def _sized(svg: str) -> str:
    """Returns an SVG that is never narrower than its smallest letters can be read at; a phone scrolls it."""
    sizes, box = list(map(float, SIZE.findall(svg))), re.search(r'viewBox="\S+ \S+ (\S+) ', svg)
    least = f' style="min-width: {math.ceil(float(box[1]) * LEAST / min(sizes))}px"' if sizes and box else ""
    return re.sub(r'<svg\b((?:(?! width=)[^>])*) width="[^"]*" height="[^"]*"', rf"<svg{least}\1", svg, count=1)


def policy(script: str) -> str:
    """Returns a content security policy that allows this one script, and nothing from anywhere else."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:"
