"""Text: tables as CSV and as aligned columns, names and durations in a sentence, and what any terminal can show.

A table has one row a mapping, all with the same keys. On a terminal, cells are never cut and lines fit its width.
"""

import codecs
import csv
import io
import itertools
import os
import shutil
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Table = Sequence[Mapping[str, Any]]

KEPT = "\u00a0"  # a space that no line ends at
GAP = "  "
MOST = 32  # letters of a number with its interval, which stays in one line
PLAIN = {
    "≈": "~", "†": "+", "×": "x", "±": "+/-", "√": "sqrt ", "≤": "<=", "≥": ">=", "→": "->", "…": "...",  # noqa: RUF001
    "‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "−": "-",  # noqa: RUF001
    "²": "^2", "³": "^3", "⁴": "^4", "°": " deg", "µ": "u", "β": "beta", "ε": "epsilon", "•": "*", "·": ".",
    KEPT: " ", "\u202f": " ", "━": "-", "─": "-", "╸": "-", "╺": "-", "│": "|", "┃": "|",
}  # fmt: skip
READABLE = "readable"


def group(table: Table, key: str = "optimizer") -> dict[str, list[Mapping[str, Any]]]:
    """Returns the rows of each optimizer, or of each value of another column, in the order they first appear."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in table:
        found.setdefault(row[key], []).append(row)
    return found


def to_csv(rows: Table) -> str:
    """Returns rows, at least one, as CSV text with a heading; numbers are unrounded."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def from_csv(text: str, numbers: Mapping[str, Callable[[str], Any]] | None = None) -> list[dict[str, Any]]:
    """Returns the rows of a CSV text as strings, but those in `numbers` as what is given there makes of them."""
    kinds: Mapping[str, Callable[[str], Any]] = numbers or {}
    return [
        {key: kinds.get(key, str)(value) for key, value in row.items()} for row in csv.DictReader(io.StringIO(text))
    ]


def listed(names: Sequence[str]) -> str:
    """Returns names as a sentence has them.

    >>> listed(["GD"]), listed(["GD", "SGD", "Adam"])
    ('GD', 'GD, SGD and Adam')
    """
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def clock(seconds: float) -> str:
    """Returns a duration as a person would say it.

    >>> clock(42.3), clock(254)
    ('42 s', '4 min 14 s')
    """
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def readable() -> None:
    """Makes everything that is printed from here on possible to print and to read, here and by processes started here.

    A sign that the terminal's encoding lacks is written in letters that it has, or as its number; a name that could not
    be decoded as it was typed. TensorFlow's log stays out of it, unless its own variable asks for it.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=READABLE)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # read where TensorFlow is imported
    os.environ["PYTHONIOENCODING"] = "utf-8"  # what they print is read here, whatever the terminal shows


def _replaced(error: UnicodeError) -> tuple[str | bytes, int]:
    """Returns what is written in the place of the first letter that an encoding lacks."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letter, end = error.object[error.start], error.start + 1
    if 0xDC80 <= ord(letter) <= 0xDCFF:
        return bytes([ord(letter) - 0xDC00]), end
    return PLAIN.get(letter) or letter.encode("ascii", "backslashreplace").decode("ascii"), end


codecs.register_error(READABLE, _replaced)


def shown(text: str) -> str:
    """Returns a text as standard output shows it, so that columns are as wide as they will look."""
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, READABLE).decode(encoding, "surrogateescape")


def width() -> int | None:
    """Returns how many letters fit in a line: the terminal's, or as COLUMNS says; a pipe has no such limit."""
    if sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdecimal():
        return max(20, shutil.get_terminal_size().columns)
    return None


def wrapped(text: str, indent: int = 0, room: int | None = None) -> str:
    """Returns a text in lines that fit, all but the first moved to the right; no word is broken."""
    limit = width() if room is None else room
    if limit is None:
        return text
    text = shown(text)
    parts = textwrap.wrap(text, limit, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False)
    return "\n".join(parts)


def say(text: str, indent: int = 0) -> None:
    """Prints a sentence in lines that fit."""
    print(wrapped(text, indent).replace(KEPT, " "), flush=True)


def aligned(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    bold: Sequence[bool] = (),
    room: int | None = None,
) -> str:
    """Returns a table as text in which no cell is cut, its `bold` rows bold on a terminal.

    Cells go on in the next line where there is a space, numbers with their intervals excepted. Columns that do not fit
    in a line follow in a block below, which repeats the first column. `room` is the width of a line in characters, that
    of the terminal unless given.
    """
    limit = width() if room is None else room
    columns = list(zip(headings, *([_whole(shown(cell)) for cell in row] for row in rows), strict=True))
    blocks = [_block([columns[place] for place in block], bold, limit) for block in _blocks(columns, limit)]
    return "\n\n".join(blocks).replace(KEPT, " ")


def _whole(cell: str) -> str:
    """Returns a cell that no line ends in, where it is a number with what belongs to it."""
    return cell.replace(" ", KEPT) if cell.lstrip("-")[:1].isdecimal() and len(cell) <= MOST else cell


def _blocks(columns: Sequence[Sequence[str]], limit: int | None) -> list[list[int]]:
    least = [_longest_word(column) for column in columns]
    blocks = [[0]]
    for place in range(1, len(columns)):
        here = [*blocks[-1], place]
        if len(blocks[-1]) > 1 and limit is not None and _across([least[one] for one in here]) > limit:
            blocks.append([0, place])
        else:
            blocks[-1] = here
    return blocks


def _block(columns: Sequence[Sequence[str]], bold: Sequence[bool], limit: int | None) -> str:
    widths = _widths(columns, limit)
    head, *rows = zip(*columns, strict=True)
    strong = [False, *bold, *[False] * (len(rows) - len(bold))]
    lines = [_row(cells, widths, own) for cells, own in zip((head, *rows), strong, strict=True)]
    lines.insert(1, GAP.join("-" * size for size in widths))
    return "\n".join(lines)


def _widths(columns: Sequence[Sequence[str]], limit: int | None) -> list[int]:
    """Returns the widths of columns: the widest gives way first, down to its longest word."""
    widths = [max(map(len, column)) for column in columns]
    least = [_longest_word(column) for column in columns]
    while limit is not None and _across(widths) > limit:
        wide = [place for place, size in enumerate(widths) if size > least[place]]
        if not wide:  # a terminal narrower than two words: lines go on, and nothing is lost
            break
        widths[max(wide, key=widths.__getitem__)] -= 1
    return widths


def _row(cells: Sequence[str], widths: Sequence[int], strong: bool) -> str:
    parts = [
        textwrap.wrap(cell, size, break_on_hyphens=False) or [""] for cell, size in zip(cells, widths, strict=True)
    ]
    lines = [
        GAP.join(text.ljust(size) for text, size in zip(line, widths, strict=True)).rstrip()
        for line in itertools.zip_longest(*parts, fillvalue="")
    ]
    on, off = ("\033[1m", "\033[0m") if strong and sys.stdout.isatty() else ("", "")
    return "\n".join(f"{on}{line}{off}" for line in lines)


def _longest_word(column: Sequence[str]) -> int:
    return max(len(word) for cell in column for word in cell.split(" "))


def _across(widths: Sequence[int]) -> int:
    return sum(widths) + len(GAP) * (len(widths) - 1)
