"""Pairs of rule and variables to measure, and the rows of results."""

import dataclasses
import datetime as dt
import importlib.util
import types
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from experiments import environment, machine
from experiments.checks.benchmark.subjects import MEAN_OVER, RULES, SETS, Rule, VariableSet
from experiments.errors import UserError, unknown
from experiments.machine import cores, processor
from experiments.text import from_csv, to_csv

CONTENDERS = {
    "ours": "ours, graph",
    "keras": "Keras, graph",
    "native": "ours, native",
    "ours-loop": "ours, in a loop",
    "native-loop": "ours, native, in a loop",
    "keras-loop": "Keras, in a loop",
    "ours-eager": "ours, eager",
    "native-eager": "ours, native, eager",
    "keras-eager": "Keras, eager",
    "ours-xla": "ours, XLA",
    "keras-xla": "Keras, XLA",
    "torch-foreach": "torch, foreach",
    "torch-fused": "torch, fused",
}
"""Name on the command line -> in tables. `ours`, without the native operation, is the reference.

In graph mode each step is called from Python, which passes every variable; in a loop, as in compiled training, several
steps are one call."""

# Defaults, because eager steps of many variables take seconds, XLA takes tens of seconds to compile a whole step, and
# the largest set takes gigabytes.
IN_ALL_WAYS = ("mlp", "unet")
LEADING = ("momentum", "adagrad", "adam", "adamw", "nadam")
COMPILED = ("momentum", "adam", "nadam")
OF_TABLES = ("sgd", "momentum", "adagrad", "adam", "adam_lazy")
QUICK = {
    "rules": ("momentum", "adam", "nadam"),
    "sets": ("mlp", "table_1k"),
    "contenders": ("ours", "keras", "ours-eager", "keras-eager", "torch-foreach", "torch-fused"),
}


@dataclasses.dataclass(frozen=True)
class Pair:
    """One rule on one variable set, and its contenders."""

    rule: Rule
    set: VariableSet
    contenders: tuple[str, ...]


def chosen(kind: str, words: Sequence[str] | None, known: Iterable[str]) -> tuple[str, ...]:
    """Returns the known names among some words, in their order; all of them without words; refuses unknown words."""
    known = tuple(known)
    for word in words or ():
        if word.lower() not in known:
            raise unknown(kind, word, known)
    wanted = {word.lower() for word in words or known}
    return tuple(name for name in known if name in wanted)


def pairs(
    rules: Sequence[str] | None = None,
    sets: Sequence[str] | None = None,
    contenders: Sequence[str] | None = None,
) -> list[Pair]:
    """Returns the pairs to measure, set by set; None stands for the defaults; refuses names that cannot be measured."""
    for_rules = chosen("rule", rules, RULES)
    for_sets = chosen("variable set", sets, SETS)
    for_contenders = chosen("contender", contenders, CONTENDERS)
    if not has_torch() and any(name.startswith("torch") for name in contenders or ()):
        raise UserError("torch is not installed; leave its contenders out, or: pip install torch.")
    found = [
        Pair(RULES[rule], SETS[name], tuple(_contenders(RULES[rule], SETS[name], for_contenders, bool(contenders))))
        for name in for_sets
        for rule in for_rules
        if _belong(rule, SETS[name], bool(rules))
    ]
    if not found:
        raise UserError("Nothing to measure: adam_lazy is for the embedding tables, --sets table table_1k.")
    return found


def has_torch() -> bool:
    """Returns whether torch is installed, without importing it."""
    return importlib.util.find_spec("torch") is not None


def _belong(rule: str, variables: VariableSet, asked: bool) -> bool:
    """Returns whether a rule is measured on a set: lazy rules on tables only, the largest set with few rules."""
    if RULES[rule].ours_only and not variables.table:
        return False
    if asked:
        return True
    if (sets := RULES[rule].sets) is not None:
        return variables.name in sets
    if variables.table:
        return rule in OF_TABLES
    return variables.name != "bert_base" or rule in LEADING


def _contenders(rule: Rule, variables: VariableSet, wanted: Sequence[str], asked: bool) -> Iterator[str]:
    """Yields the reference `ours`, then the contenders that exist for the pair."""
    yield "ours"
    for name in wanted:
        library, _, way = name.partition("-")
        if library == "torch":
            # torch's foreach and fused steps take no sparse gradients.
            exists = has_torch() and rule.torch and not variables.table and (way == "foreach" or rule.fused)
        elif library == "keras" and rule.keras is None:
            exists = False
        else:
            affordable = asked or variables.name in IN_ALL_WAYS
            exists = {
                "eager": affordable or variables.table,
                "xla": affordable and (asked or rule.name in COMPILED) and not variables.table,
                "loop": variables.name in MEAN_OVER,
            }.get(way, True)
        if exists and name != "ours":
            yield name


T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Row:
    """Result of one contender on one pair of rule and variable set; None if it could not be measured."""

    rule: str  # name of the rule
    set: str  # name of the variable set
    contender: str  # name of the contender
    calls: int = 0  # number of timed steps
    median_ms: float | None = None  # median milliseconds per step
    lower_ms: float | None = None  # lower quartile
    upper_ms: float | None = None  # upper quartile
    minimum_ms: float | None = None  # the fastest
    ratio: float | None = None  # time over that of ours in graph mode, median of the repetitions
    ratio_low: float | None = None  # lowest repetition
    ratio_high: float | None = None  # highest repetition
    first_call_s: float | None = None  # seconds of the first call, tracing and compiling included
    operations_per_variable: float | None = None  # operations in the graph and its functions, per variable
    extra_bytes: int | None = None  # peak memory of a step in addition to variables, slots and gradients
    extra_share: float | None = None  # the same as a share of the size of the variables
    traffic_bytes: int | None = None  # least bytes that the rule can move: weights, slots, gradients
    bandwidth_share: float | None = None  # traffic per median time, as a share of the measured memory bandwidth
    failure: str | None = None  # reason for missing times


def surroundings(command: str, **more: Any) -> dict[str, Any]:
    """Returns machine, versions and command of a measurement, the same in every row."""
    about = environment.describe(1)
    found = {key: about[key] for key in ("system", "python", "tensorflow", "keras", "numpy", "commit")}
    found["torch"] = machine.version("torch") or ""
    today = dt.datetime.now(dt.UTC).date().isoformat()
    return {"cpu": processor(), "cores": cores(), **found, **more, "date": today, "command": command}


def as_csv(rows: Iterable[Any], about: Mapping[str, Any]) -> str:
    """Returns measurements, at least one, as CSV with their surroundings; an empty cell stands for None."""
    return to_csv([dataclasses.asdict(row) | dict(about) for row in rows])


def read(cls: type[T], text: str) -> tuple[list[T], dict[str, str]]:
    """Returns measurements and surroundings from a CSV; a ValueError if it is not a table of this kind.

    A table may be made of parts: their commits, dates and commands are joined, their bandwidths give
    a range, and all else is that of the first part.
    """
    fields = typing.get_type_hints(cls)
    table = from_csv(text)
    if not table or not set(fields) <= set(table[0]):
        raise ValueError(f"It must have the columns {', '.join(fields)}, and a row.")
    rows = [cls(**{name: _value(raw[name], kind) for name, kind in fields.items()}) for raw in table]
    about = {key: str(value) for key, value in table[0].items() if key not in fields}
    joined = {key: THEN.join(dict.fromkeys(str(row[key]) for row in table)) for key in about.keys() & _JOINED}
    if speeds := {float(row[SPEED]) for row in table if row.get(SPEED)}:
        joined[SPEED] = " to ".join(f"{speed:.0f}" for speed in sorted({min(speeds), max(speeds)}))
    return rows, about | joined


THEN = ", then "
SPEED = "bandwidth_gb_s"
_JOINED = {"commit", "date", "command"}


def _value(text: str, kind: Any) -> Any:
    """Returns a value from its text in a CSV; an empty cell is None where None is allowed."""
    if isinstance(kind, types.UnionType):
        return _value(text, typing.get_args(kind)[0]) if text else None
    return kind(text)


def one(rows: Sequence[Row], **wanted: str) -> Row | None:
    """Returns the row with the given values, None if there is none with times."""
    found = (row for row in rows if all(getattr(row, key) == value for key, value in wanted.items()))
    return next((row for row in found if row.median_ms is not None), None)
