"""HTML out of values: whatever a name holds is text, and never markup."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

Cell = tuple[str, Any]  # what is read, and what is sorted by


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
    headings: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    about: Sequence[Mapping[str, Any]],
) -> str:
    """Returns a sortable table whose first column names its rows.

    Args:
        identity: the table's id.
        caption: markup of its caption.
        headings: of the columns.
        rows: cells, each with what it is sorted by.
        about: for each row its optimizers and problem, which it is filtered by, and its class.
    """
    head = "".join(element("th", text(heading), scope="col") for heading in headings)
    body = "\n".join(_row(cells, facts) for cells, facts in zip(rows, about, strict=True))
    inner = f"<caption>{caption}</caption>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>"
    return element("div", element("table", inner, id=identity, class_="sortable"), class_="scroll")


def _row(cells: Sequence[Cell], facts: Mapping[str, Any]) -> str:
    first, *rest = cells
    name = element("th", text(first[0]), scope="row", data_value=_key(first[1]))
    others = "".join(element("td", text(shown), data_value=_key(key)) for shown, key in rest)
    named = {f"data-{key}": json.dumps(facts[key]) for key in ("optimizer", "problem") if key in facts}
    return element("tr", name + others, **named, class_=facts.get("class"))


def _key(value: Any) -> Any:
    """Returns what a cell is sorted by: a number as JavaScript reads it, and nothing where there is none."""
    if isinstance(value, float) and not math.isfinite(value):
        return "" if math.isnan(value) else f"{'-' if value < 0 else ''}Infinity"
    return "" if value is None else value


def inlined(svg: str, prefix: str) -> str:
    """Returns an SVG as part of a page: without its preamble, and with names that no other figure has."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    names = set(re.findall(r'\bid="([^"]+)"', svg))
    for name in sorted(names, key=len, reverse=True):
        svg = svg.replace(f'id="{name}"', f'id="{prefix}-{name}"')
        svg = svg.replace(f'"#{name}"', f'"#{prefix}-{name}"').replace(f"url(#{name})", f"url(#{prefix}-{name})")
    return svg.rstrip()


def policy(script: str) -> str:
    """Returns a content security policy that allows this one script, and nothing from anywhere else."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:"
