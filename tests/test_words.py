"""Words of the house: what people read says things in the terms of the field, without some habits of ours."""

import ast
import re

import pytest

from tests.tables import ROOT

BANNED = re.compile(
    r"\b(nobody|told|anew|beside|what was spent|the best less this|another process has it"
    r"|for a look, and not for claims)\b",
    re.IGNORECASE,
)
ALLOWED = re.compile(r"beside (the|its)( \w+)? root", re.IGNORECASE)  # where an epsilon stands
PAGES = [path for path in (ROOT / "docs").rglob("*.md") if "generated" not in path.parts]
TEXTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted(PAGES)]
CODE = sorted([*(ROOT / "tfoptim").rglob("*.py"), *(ROOT / "experiments").rglob("*.py")])
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef)


def habits(text):
    """The banned words of a text."""
    return BANNED.findall(ALLOWED.sub("", " ".join(text.split())))


def first_lines(tree):
    """The first lines of all docstrings."""
    found = [ast.get_docstring(node) for node in ast.walk(tree) if isinstance(node, DOCUMENTED)]
    return [text.splitlines()[0] for text in found if text]


def messages(tree):
    """The strings in everything that is raised, printed or logged."""
    shown = [node.exc for node in ast.walk(tree) if isinstance(node, ast.Raise) and node.exc]
    shown += [
        node for node in ast.walk(tree) if isinstance(node, ast.Call) and called(node) in {"print", "warn", "error"}
    ]
    return [part.value for node in shown for part in ast.walk(node) if text_in(part)]


def called(node):
    """The name of what a call calls."""
    return getattr(node.func, "id", getattr(node.func, "attr", ""))


def text_in(node):
    """Whether a node is a string."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_pages_are_free_of_them(path):
    """README, contribution guide and site."""
    assert [] == habits(path.read_text(encoding="utf-8"))


def test_first_lines_and_messages_are_free_of_them():
    """What `help`, a hover and an error show."""
    found = {}
    for path in CODE:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if words := [word for text in [*first_lines(tree), *messages(tree)] for word in habits(text)]:
            found[path.relative_to(ROOT).as_posix()] = words
    assert {} == found


def test_the_check_sees_them():
    """And lets an epsilon stand beside its root."""
    assert habits("Nobody was told, beside\nthe point") == ["Nobody", "told", "beside"]
    assert habits("epsilon stands beside the uncorrected root, or beside the root") == []
