"""Pages made from the declarations of the experiments: the data sets, all results at a glance."""

from collections.abc import Callable
from typing import Any

from docs.pages import measured
from experiments.analysis import standing
from experiments.problems.datasets import CARDS

Save = Callable[[str, str], None]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


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
    for problem, rows in measured.problems().items():
        what, mean = measured.score(rows[0])
        tied = standing.best(rows)
        others = [row["optimizer"] for row in rows if row["optimizer"] not in tied]
        against = standing.against(rows)
        cells = [
            problem,
            f"{what}, {float(mean):.3g}",
            (", ".join(tied) or "-") + (f" ({against})" if against else ""),
            ", ".join(others) or "-",
            rows[0]["runs"],
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def write(save: Save) -> None:
    """Writes all pages."""
    save("data.md", data())
    save("results.md", f"# All studies at a glance\n\nMade from the reports in `static/`.\n\n{glance()}\n")
