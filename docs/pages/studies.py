"""Pages made from the declarations of the experiments: the study file, the data sets, all results at a glance."""

import dataclasses
import inspect
import re
from collections.abc import Callable
from typing import Any

from docs.pages import measured
from experiments.problems.datasets import CARDS
from experiments.studies import forms

Save = Callable[[str, str], None]


def form_reference() -> str:
    """Returns the page of the study file: every table and key, from the dataclasses and their comments."""
    classes = [forms.Study, *(c for c in vars(forms).values() if _is_form(c) and c is not forms.Study)]
    parts = [
        "# The study file",
        "One TOML file in `experiments/studies/` is one study. Its keys, and what they may be; default `-`: required.",
        "Made from `experiments/studies/forms.py`. All faults of a file are reported at once.",
        *(_form(cls) for cls in classes),
    ]
    return "\n\n".join(parts) + "\n"


def _is_form(value: Any) -> bool:
    declared = isinstance(value, type) and dataclasses.is_dataclass(value) and value.__module__ == forms.__name__
    return declared and any({"domain", "table", "tables"} & f.metadata.keys() for f in dataclasses.fields(value))


def _form(cls: Any) -> str:
    says = comments(inspect.getsource(forms.Study)) | comments(inspect.getsource(cls))
    lines = [
        f"## {cls.__name__}",
        "",
        inspect.getdoc(cls) or "",
        "",
        "| key | allowed | meaning | default |",
        "|---|---|---|---|",
    ]
    for field in dataclasses.fields(cls):
        domain = field.metadata.get("domain")
        inner = field.metadata.get("table") or field.metadata.get("tables")
        many = "tables" in field.metadata
        allowed = (
            domain.words if domain else f"{'list of tables' if many else 'table'} {inner.__name__}" if inner else ""
        )
        lines.append(
            f"| `{field.name}` | {_cell(allowed)} | {_cell(says.get(field.name, ''))} | {_cell(_default(field))} |"
        )
    return "\n".join(lines)


def _default(field: Any) -> str:
    if field.default_factory is not dataclasses.MISSING:
        return "empty"
    if field.default is dataclasses.MISSING:
        return "-"
    return "empty" if field.default in ((), None) or dataclasses.is_dataclass(field.default) else f"`{field.default}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def comments(source: str) -> dict[str, str]:
    """Returns the comment of each declared field, which stands above it or at its end."""
    found: dict[str, str] = {}
    above: list[str] = []
    for line in source.splitlines():
        declared = re.match(r"^    (\w+): .*?(?:  # (?!noqa)(.*))?$", line)
        if line.startswith("    # "):
            above.append(line.strip("# "))
        elif declared:
            if said := " ".join(filter(None, [*above, declared[2]])):
                found[declared[1]] = said
            above = []
        elif line.startswith("    )"):
            above = []
    return found


def data() -> str:
    """Returns the page of data sets."""
    lines = [
        "# Data sets",
        "",
        "Made from the cards in `experiments/problems/datasets/`. A data set is never replaced by another.",
        "",
    ]
    lines += ["| name | what it is | how it comes |", "|---|---|---|"]
    lines += [f"| `{name}` | {_cell(card.title)} | {_cell(_origin(card))} |" for name, card in CARDS.items()]
    return "\n".join(lines) + "\n"


def _origin(card: Any) -> str:
    if hasattr(card, "archive"):
        return f"yours: {card.instructions}"
    url = getattr(card, "url", None)
    return "downloaded once, verified" if url else "embedded: no network"


def glance() -> str:
    """Returns the table of all studies with the optimizers that are best or tied."""
    lines = ["| study | score | best or tied | others | runs of each |", "|---|---|---|---|---|"]
    for path in measured.reports():
        rows = measured.rows(path)
        if not rows:
            continue
        what, mean = measured.score(rows[0])
        tied = [row["optimizer"] for row in rows if row["in_tie_group"] == "True"]
        others = [row["optimizer"] for row in rows if row["in_tie_group"] != "True"]
        cells = [
            rows[0]["data"],
            f"{what}, {float(mean):.3g}",
            ", ".join(tied) or "-",
            ", ".join(others) or "-",
            rows[0]["runs"],
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def write(save: Save) -> None:
    """Writes all pages."""
    save("study-file.md", form_reference())
    save("data.md", data())
    save("results.md", f"# All studies at a glance\n\nMade from the reports in `static/`.\n\n{glance()}\n")
