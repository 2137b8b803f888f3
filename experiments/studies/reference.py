"""The reference of study files, made from the declarations of their keys: `docs/compare/study-file.md`."""

import dataclasses
from collections.abc import Iterator
from typing import Any

from experiments.studies import domains
from experiments.studies.budgets import BUDGETS
from experiments.studies.forms import Claim, Entry, Preset, Problem, Study, Style, Tuning

HEAD = """# Study files

Made by `make study-file`. A study is a TOML file with at least four keys: `title`, `task`, `epochs` and `optimizers`.
A key without a default is needed. `python -m experiments compare PATH.toml` makes the study; all faults of a file are
listed at once. [Your own optimizer, model and data](own-study.md) has an example.

`like = "mnist"`, the name or path of another study, gives a file all keys of that study, presets excepted, that it has
not itself. A path is from the folder of the file that has it; else from where the command is typed."""
PLACES = {
    Study: "## The study",
    Entry: "## `[[optimizers]]`",
    Style: "## `style` of an optimizer",
    Tuning: "## `[tuning]`",
    Claim: "## `[[claims]]`",
    Preset: "## `[[presets]]`",
    Problem: "## `[[problems]]`",
}


def page() -> str:
    """Returns the reference in Markdown."""
    return "\n".join([HEAD, *(line for cls, title in PLACES.items() for line in _section(cls, title)), *_budgets()])


def _section(cls: type, title: str) -> Iterator[str]:
    yield from ("", title, "", (cls.__doc__ or "").strip(), "")
    yield from ("| key | value | default | meaning |", "|---|---|---|---|")
    for field in dataclasses.fields(cls):
        if field.metadata:
            yield f"| `{field.name}` | {_value(field)} | {_default(cls, field)} | {field.metadata['meaning']} |"


def _value(field: "dataclasses.Field[Any]") -> str:
    if "domain" in field.metadata:
        return str(field.metadata["domain"].words).removesuffix(f" to {domains.MOST}")
    return "a table" if "table" in field.metadata else "a list of tables"


def _default(cls: type, field: "dataclasses.Field[Any]") -> str:
    if cls is Problem:
        return "the study's"
    if field.metadata["usual"]:
        return str(field.metadata["usual"])
    if field.default is None or field.default_factory is not dataclasses.MISSING or field.default in ((), Tuning()):
        return "none"
    if field.default is dataclasses.MISSING:
        return ""
    return str(field.default).lower() if isinstance(field.default, bool) else str(field.default)


def _budgets() -> Iterator[str]:
    yield from ("", "## Budgets", "", "Trials and seeds of each optimizer on each problem.", "")
    yield from ("| budget | points tried | evaluation seeds | searches | claims |", "|---|---|---|---|---|")
    for one in BUDGETS.values():
        yield f"| {one.name} | {one.trials} | {one.seeds} | {one.rounds} | {'yes' if one.claims else 'exploratory'} |"
    yield ""
