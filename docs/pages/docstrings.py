"""Docstrings in Google's form, as Markdown."""

import re
from collections.abc import Iterable, Iterator

SECTION = re.compile(r"^(Args|Arguments of every optimizer|Attributes|Raises|Returns|Yields):$")
TITLES = {"Args": "Arguments"}
COMMON = "Arguments of every optimizer"


def markdown(text: str, common: str | None = None) -> str:
    """Returns a docstring as Markdown.

    Args:
        text: the docstring, without indentation.
        common: stands for the arguments of every optimizer, which one page has; None leaves the section out.
    """
    return "\n\n".join(block for part in _blocks(text) if (block := _block(part, common)))


def _blocks(text: str) -> Iterator[list[str]]:
    """Yields the parts of a docstring: fences whole, else what lies between empty lines."""
    block: list[str] = []
    fenced = False
    for line in text.splitlines():
        fenced ^= line.startswith("```")
        if line.strip() or fenced:
            block.append(line)
        elif block:
            yield block
            block = []
    if block:
        yield block


def _block(lines: list[str], common: str | None) -> str:
    if lines[0].startswith(">>> "):
        return "\n".join(["```pycon", *lines, "```"])
    found = SECTION.match(lines[0])
    if found is None:
        return "\n".join(["```text", *lines[1:]] if lines[0] == "```" else lines)
    if found[1] == COMMON:
        return common or ""
    items = list(_items(lines[1:]))
    return "\n".join([f"**{TITLES.get(found[1], found[1])}**", "", *items])


def _items(lines: Iterable[str]) -> Iterator[str]:
    """Yields one line of a list for each item of a section; what belongs to none is a line by itself."""
    item = ""
    for line in lines:
        deeper = line.startswith("     ")
        if item and not deeper:
            yield item
        item = f"{item} {line.strip()}" if deeper and item else _item(line.strip())
    if item:
        yield item


def _item(line: str) -> str:
    """Returns an item with its name in code."""
    name, colon, rest = line.partition(": ")
    named = bool(colon) and re.fullmatch(r"[*\w]+(, [*\w]+)*", name) is not None
    return f"- `{name}`: {rest}" if named else line
