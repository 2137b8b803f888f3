"""HTML out of values: whatever a name holds is text, and never markup."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from experiments.analysis.columns import Column, Row, shown

LEAST = 11.0  # px, the height of the smallest letters
WORDS = re.compile(r'<g data-words="(\w+)">(.*?)</g>', re.DOTALL)
HEIGHT = re.compile(r'(?:translate\(\S+ |\by=")(-?[\d.]+)')
VIEW = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')
SIZE = re.compile(r"font-size: ([\d.]+)px")


def text(value: Any) -> str:
    """Returns a value as text that is safe between tags and in quoted attributes.

    >>> text("<b> & 'c'")
    '&lt;b&gt; &amp; &#x27;c&#x27;'
    """
    return html.escape(str(value), quote=True)


def element(name: str, content: str, **attributes: Any) -> str:
    """Returns an element around markup; `class_` is the attribute `class`, and None leaves one out."""
    given = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items() if value is not None}
    inner = "".join(f' {key}="{text(value)}"' for key, value in given.items())
    return f"<{name}{inner}>{content}</{name}>"


def download(name: str, content: str, words: str) -> str:
    """Returns a link that saves a CSV, which is part of the page."""
    data = base64.b64encode(content.encode()).decode()
    return element("a", text(words), href=f"data:text/csv;charset=utf-8;base64,{data}", download=name)


def table(
    identity: str,
    caption: str,
    columns: Sequence[Column[Row]],
    rows: Sequence[Row],
    about: Callable[[Row], Mapping[str, Any]],
) -> str:
    """Returns a sortable table whose first column names its rows.

    Args:
        identity: the table's id.
        caption: markup of its caption.
        columns: what is said of a row.
        rows: what the table is made of.
        about: the optimizers and the problem of a row, which it is filtered by, and its class.
    """
    read = shown(columns)
    head = "".join(
        element(
            "th", text(c.heading), scope="col", data_first="descending" if c.falling else None, title=c.help or None
        )
        for c in read
    )
    body = "\n".join(_row(read, row, about(row)) for row in rows)
    inner = f"<caption>{caption}</caption>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>"
    return element("div", element("table", inner, id=identity, class_="sortable"), class_="scroll", tabindex="0")


def _row(columns: Sequence[Column[Row]], row: Row, facts: Mapping[str, Any]) -> str:
    cells = (
        element("td" if place else "th", text(column.cell(row)), scope=None if place else "row",
                data_value=_key(column.sorted_by(row)))
        for place, column in enumerate(columns)
    )  # fmt: skip
    named = {f"data-{key}": json.dumps(facts[key]) for key in ("optimizer", "problem") if key in facts}
    return element("tr", "".join(cells), **named, class_=facts.get("class"))


def _key(value: Any) -> Any:
    """Returns what a cell is sorted by: a number as JavaScript reads it, and nothing where there is none."""
    if isinstance(value, float) and not math.isfinite(value):
        return "" if math.isnan(value) else f"{'-' if value < 0 else ''}Infinity"
    return "" if value is None else value


def described(svg: str) -> str:
    """Returns what an SVG says of itself, without its title."""
    title, words = (re.search(rf"<{name}>(.*?)</{name}>", svg, re.DOTALL) for name in ("title", "desc"))
    if title is None or words is None:
        return ""
    return html.unescape(words[1]).removeprefix(f"{html.unescape(title[1])}. ")


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
