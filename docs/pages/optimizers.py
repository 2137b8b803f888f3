"""A page for each optimizer: box, arguments, state, pictures, evidence, and its whole source."""

import inspect
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from docs.pages import measured, pictures
from docs.pages.docstrings import markdown
from docs.pages.objects import directive
from tfoptim.declaration.slots import arrays
from tfoptim.optimizer import Optimizer
from tfoptim.registry import FAMILIES, classes

ROOT = Path(__file__).parents[2]
MATRIX, VECTOR = (1000, 1000), (1000,)
VECTORS = "\n\nTwo numbers are a vector, which rules for matrices treat otherwise: the picture shows that alone."
COMMON = "[Arguments of every optimizer](../api/optimizer.md): decay, clipping, averaging, accumulation, groups ..."


def own_arguments(cls: type[Optimizer]) -> list[Any]:
    """Returns the declared arguments that are not those of every optimizer, or have another default."""
    base = Optimizer.fields
    return [field for name, field in cls.fields.items() if name not in base or field is not base[name]]


def call(cls: type[Optimizer]) -> str:
    """Returns the call with the optimizer's own arguments and their defaults."""
    own = [f"{field.name}={field.default!r}" for field in own_arguments(cls)]
    return f"tfoptim.{cls.__name__}({', '.join([*own, '**arguments'])})"


def sentence(cls: type[Optimizer]) -> str:
    """Returns when to use a rule, by the first sentence after its box."""
    after = (inspect.getdoc(cls) or "").split("```")[-1].strip().split("\n\n")[0]
    return re.split(r"(?<=[.])\s+(?=[A-Z])", " ".join(after.split()))[0]


def numbers(cls: type[Optimizer], shape: tuple[int, ...]) -> int:
    """Returns how many numbers of state a rule keeps for a variable."""
    found = arrays(cls(), np.zeros(shape, np.float32), "dense/kernel" if len(shape) > 1 else "dense/bias")
    return sum(array.size for array in found.values())


def bytes_a_weight(cls: type[Optimizer]) -> str:
    """Returns the state of a matrix in float32, in bytes a weight."""
    return f"{4 * numbers(cls, MATRIX) / np.prod(MATRIX):.2f}".rstrip("0").rstrip(".")


def state(cls: type[Optimizer]) -> str:
    """Returns what a rule keeps, in names and bytes."""
    names = list(arrays(cls(), np.zeros(MATRIX, np.float32), "dense/kernel"))
    matrix, vector = (f"{4 * numbers(cls, shape):,} bytes" for shape in (MATRIX, VECTOR))
    kept = ", ".join(f"`{name}`" for name in names) or "nothing"
    return (
        f"Kept for each variable: {kept}. For a float32 matrix of 1,000 x 1,000 (4,000,000 bytes): {matrix}; "
        f"for a vector of 1,000: {vector}."
    )


def page(cls: type[Optimizer], pictured: str) -> str:
    """Returns the page of one optimizer."""
    path = Path(inspect.getfile(cls)).relative_to(ROOT)
    doc = inspect.getdoc(cls) or ""
    parts = [
        f"# {cls.__name__}",
        f"*{FAMILIES[cls.family]}*",
        directive("class", call(cls), markdown(doc, COMMON), colons=4),
        f"## State\n\n{state(cls)}",
        f"## How it moves\n\n{pictured}",
        _section("Measured", measured.lines(cls.__name__)),
        _section("Takes the place of", measured.replaced(cls.__name__)),
        f"## Source\n\n`{path}`, the whole file:\n\n```{{literalinclude}} ../../../{path}\n:language: python\n```",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _section(title: str, lines: Iterable[str]) -> str:
    items = "\n".join(f"- {line}" for line in lines)
    return f"## {title}\n\n{items}" if items else ""


def gallery(pictured: dict[str, str]) -> str:
    """Returns the page with a card for each optimizer, by family."""
    parts = [
        "# Gallery",
        "Each optimizer on Rosenbrock's valley: its path from the white point towards the minimum, the star.",
        "An illustration, not evidence about networks.",
    ]
    for family, title in FAMILIES.items():
        cards = [_card(cls, pictured) for cls in classes().values() if cls.family == family]
        parts += [f"## {title}", "\n".join(["::::{grid} 2 3 3 4", ":gutter: 2", "", *cards, "::::"])] if cards else []
    return "\n\n".join([*parts, _toctree()]) + "\n"


def _card(cls: type[Optimizer], pictured: dict[str, str]) -> str:
    name = cls.__name__
    drawing = pictured.get(name)
    top = [f":img-top: {drawing}", f":img-alt: Path of {name} on Rosenbrock's function"] if drawing else []
    return "\n".join(
        [f":::{{grid-item-card}} {name}", f":link: optimizers/{name.lower()}", ":link-type: doc", *top, ":::"]
    )


def _toctree() -> str:
    return "```{toctree}\n:hidden:\n:glob:\n\noptimizers/*\n```"


def choices() -> str:
    """Returns the table of facts for choosing: default rate, state, time of a step, results."""
    lines = [
        "| optimizer | default rate | state, bytes a weight | time of a step | native | best or tied in |",
        "|---|---|---|---|---|---|",
    ]
    for cls in classes().values():
        name = f"[{cls.__name__}](optimizers/{cls.__name__.lower()}.md)"
        times = [measured.step(cls.__name__), measured.native_step(cls)]
        cells = [name, _rate(cls), bytes_a_weight(cls), *times]
        lines.append(f"| {' | '.join([*cells, measured.ties(cls.__name__)])} |")
    return "\n".join(lines)


def _rate(cls: type[Optimizer]) -> str:
    return f"{cls.fields['learning_rate'].default}" if "learning_rate" in cls.fields else "none"


def facts() -> str:
    """Returns the page of facts for choosing."""
    return f"""# Facts for choosing

Made at each build of the site: default learning rates and state from the classes, times from `static/benchmark.csv`,
results from the reports in `static/`.

- State: bytes for each weight of a large float32 matrix, on top of the weight's own 4. A vector may have more.
- Time of a step: as a multiple of SGD's, the geometric mean over four sets of variables of the
  [benchmark](../results/speed.md), or over as many as the brackets say; then the same with the
  [native operation](../use/native.md) for both. A dash: not measured, or no native step.
- Best or tied: studies in which the runs do not tell the optimizer from the best mean. Studies with few seeds carry
  [no claim](../trust/statistics.md).

{choices()}
"""


def write(save: Callable[[str, str], None]) -> None:
    """Writes all pages and pictures."""
    cards: dict[str, str] = {}
    for cls in classes().values():
        name = cls.__name__
        try:
            drawn = pictures.both(cls)
        except ValueError as error:
            save(f"optimizers/{name.lower()}.md", page(cls, f"No picture: {' '.join(str(error).split())}"))
            continue
        for key, (drawing, _) in drawn.items():
            save(f"pictures/{name.lower()}-{key}.svg", drawing)
        cards[name] = f"pictures/{name.lower()}-valley.svg"
        save(
            f"optimizers/{name.lower()}.md",
            page(cls, _pictured(name, drawn) + (VECTORS if cls.family == "matrix" else "")),
        )
    save("gallery.md", gallery(cards))
    save("facts.md", facts())


def _pictured(name: str, drawn: dict[str, tuple[str, float | None]]) -> str:
    rates = ", ".join(f"{rate:g} on the {key}" for key, (_, rate) in drawn.items() if rate is not None)
    chosen = (
        f"The learning rate is the one of {len(pictures.RATES)} whose path runs lowest, by the mean logarithm: {rates}."
    )
    images = "\n".join(
        f"![Path of {name} on the {key}](../pictures/{name.lower()}-{key}.svg){{.path}}" for key in drawn
    )
    return (
        f"{pictures.STEPS} steps on a narrow quadratic bowl and on Rosenbrock's valley, by `tfoptim.simulate`, from "
        f"the white point towards the star. {chosen if rates else 'The rule has no learning rate.'} An illustration, "
        f"not evidence about networks.\n\n{images}"
    )
