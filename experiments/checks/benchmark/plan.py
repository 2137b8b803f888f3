"""What is measured: the pairs of rule and variable set, and who takes part in each."""

from __future__ import annotations

import dataclasses
import importlib.util
from collections.abc import Iterable, Iterator, Sequence

from experiments.checks.benchmark.rules import RULES, Rule
from experiments.checks.benchmark.sets import MEAN_OVER, SETS, VariableSet
from experiments.errors import UserError, unknown

CONTENDERS = {
    "ours": "ours, graph",
    "keras": "Keras, graph",
    "ours-loop": "ours, in a loop",
    "keras-loop": "Keras, in a loop",
    "ours-eager": "ours, eager",
    "keras-eager": "Keras, eager",
    "ours-xla": "ours, XLA",
    "keras-xla": "Keras, XLA",
    "torch-foreach": "torch, foreach",
    "torch-fused": "torch, fused",
}
"""Who takes part: name on the command line -> in tables. All others are measured against `ours`.

In graph mode each step is called from Python, which hands over every variable; in a loop, as in compiled training,
several steps are one call."""

# Unless the command line says more: eager steps of many variables take seconds, whole steps take XLA tens of seconds to
# compile, and the largest set takes gigabytes.
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
    """One rule on one variable set, and the contenders that take part."""

    rule: Rule
    set: VariableSet
    contenders: tuple[str, ...]


def chosen(kind: str, words: Sequence[str] | None, known: Iterable[str]) -> tuple[str, ...]:
    """Returns known names in their order, all of them when no words are given.

    Raises:
        UserError: a word is no known name; the sentence has the nearest match.
    """
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
    """Returns what is measured, set by set; what is left None is what the defaults say.

    Raises:
        UserError: a name is not known, torch is asked for and not installed, or nothing is left to measure.
    """
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
    """Tells whether torch is installed, without importing it."""
    return importlib.util.find_spec("torch") is not None


def _belong(rule: str, variables: VariableSet, asked: bool) -> bool:
    """Tells whether a rule is measured on a set: laziness on tables only, and large sets with leading rules."""
    if RULES[rule].ours_only and not variables.table:
        return False
    if asked:
        return True
    if variables.table:
        return rule in OF_TABLES
    return variables.name != "bert_base" or rule in LEADING


def _contenders(rule: Rule, variables: VariableSet, wanted: Sequence[str], asked: bool) -> Iterator[str]:
    """Gives `ours` first, which the others are measured against, then those that exist for the pair."""
    yield "ours"
    for name in wanted:
        library, _, way = name.partition("-")
        if library == "torch":
            # torch's foreach and fused steps take no sparse gradients.
            exists = has_torch() and rule.torch and not variables.table and (way == "foreach" or rule.fused)
        else:
            affordable = asked or variables.name in IN_ALL_WAYS
            exists = {
                "eager": affordable or variables.table,
                "xla": affordable and (asked or rule.name in COMPILED) and not variables.table,
                "loop": variables.name in MEAN_OVER,
            }.get(way, True)
        if exists and name != "ours":
            yield name
