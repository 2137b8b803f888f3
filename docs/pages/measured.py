"""What measured files say of an optimizer: times of steps, verdicts of studies, calls of other libraries."""

import csv
import functools
import re
import statistics
from collections import Counter, defaultdict
from pathlib import Path

from experiments.analysis import standing
from experiments.checks.benchmark.subjects import MEAN_OVER
from tfoptim.update.kernels.formulas import FORMULAS

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "static"
FIRST = "sgd"  # which times are multiples of
MIGRATION = ROOT / "docs/migrate/index.md"


def rows(path: Path) -> list[dict[str, str]]:
    """Returns the rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def reports() -> list[Path]:
    """Returns the tables of all studies' reports."""
    return sorted(STATIC.rglob("report.csv"))


@functools.cache
def _times(contender: str) -> dict[str, dict[str, float]]:
    """Returns median milliseconds by rule and set of variables."""
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for row in rows(STATIC / "benchmark.csv"):
        if row["contender"] == contender and row["median_ms"]:
            found[row["rule"]][row["set"]] = float(row["median_ms"])
    return found


def ratio(rule: str, other: str, contender: str = "ours", of_other: str = "ours") -> float | None:
    """Returns the geometric mean of ratios of times over the benchmark's four sets without embeddings, or None."""
    found = _ratios(rule, other, contender, of_other)
    return statistics.geometric_mean(found) if len(found) == len(MEAN_OVER) else None


def _ratios(rule: str, other: str, contender: str, of_other: str) -> list[float]:
    mine, theirs = _times(contender).get(rule, {}), _times(of_other).get(other, {})
    return [mine[name] / theirs[name] for name in MEAN_OVER if name in mine and name in theirs]


def step(name: str) -> str:
    """Returns the time of a step as a multiple of SGD's, and the number of sets where it is not all of them."""
    found = _ratios(name.lower(), FIRST, "ours", "ours")
    if not found:
        return "-"
    less = "" if len(found) == len(MEAN_OVER) else f" ({len(found)} sets)"
    return f"{statistics.geometric_mean(found):.1f}{less}"


def native_step(cls: type) -> str:
    """Returns the same with the native operation for both; a dash for a rule that it does not have."""
    found = ratio(cls.__name__.lower(), FIRST, "native", "native")
    moved = cls.step, cls.direction
    served = any((formula.rule.step, formula.rule.direction) == moved for formula in FORMULAS)
    return f"{found:.1f}" if found is not None and served else "-"


def problems() -> dict[str, list[dict[str, str]]]:
    """Returns the tables of all reports by problem: the data set, with model and study where several have it."""
    found = [(path, table) for path in reports() if (table := rows(path))]
    alike = Counter(key for _, (first, *_) in found for key in (first["data"], (first["data"], first["model"])))
    named = {}
    for path, table in found:
        data, model = table[0]["data"], table[0]["model"]
        more = ([model] if alike[data] > 1 else []) + ([_study(path)] if alike[data, model] > 1 else [])
        named[f"{data} ({', '.join(more)})" if more else data] = table
    return named


def _study(report: Path) -> str:
    """Returns the study of a report; that of `mnist` has no folder of its own."""
    folder, *_ = report.relative_to(STATIC).parent.parts or ("mnist",)
    return folder


def results() -> dict[str, list[tuple[str, list[dict[str, str]]]]]:
    """Returns by optimizer the tables of all reports that have it, each with its problem."""
    found: dict[str, list[tuple[str, list[dict[str, str]]]]] = defaultdict(list)
    for problem, table in problems().items():
        for row in table:
            found[row["optimizer"]].append((problem, table))
    return found


def ties(name: str) -> str:
    """Returns the problems on which an optimizer is the best or tied with it."""
    return ", ".join(problem for problem, table in results().get(name, ()) if name in standing.best(table)) or "-"


def score(row: dict[str, str]) -> tuple[str, str]:
    """Returns name and mean of the score of a report's row."""
    name = next(key for key in row if key.startswith("test_") and key.endswith("_mean"))
    return name.removesuffix("_mean").replace("_", " "), row[name]


def lines(name: str) -> list[str]:
    """Returns what is measured of an optimizer, in sentences."""
    rule, found = name.lower(), []
    plain, native = (ratio(rule, rule, "keras-loop", ours) for ours in ("ours-loop", "native-loop"))
    if plain is not None:
        also = (
            "" if native is None else f", and {native:.1f} times as long as the [native operation](../../use/native.md)"
        )
        found.append(
            f"Time of a step in a training loop: Keras's takes {plain:.1f} times as long{also} "
            "([benchmark](../../results/speed.md))."
        )
    for problem, table in results().get(name, ()):
        what, mean = score(next(row for row in table if row["optimizer"] == name))
        said = standing.place(name, table)
        found.append(f"On {problem}: mean {what} {float(mean):.3g}, {said} ([results](../../results/index.md)).")
    return found


def replaced(name: str) -> list[str]:
    """Returns the calls of other libraries whose new call is this class."""
    page = MIGRATION.read_text(encoding="utf-8")
    calls = re.findall(r"^\| `([^`]+)` \| `tfoptim\.(\w+)\(", page, flags=re.MULTILINE)
    old = dict.fromkeys(re.match(r"[\w.]+", call)[0] for call, new in calls if new == name)  # type: ignore[index]
    return [f"`{call}` ([the new call](../../migrate/index.md))" for call in old]
