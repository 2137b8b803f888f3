"""Products over the table of optimizers: which rows meet a test in the fast lane, and which wait for the slow lane.

A test that says something about a rule meets every row: `@every_rule`, `@every_class`, `@every_rule_where(fact)`,
`@every_class_where(fact)`.
A test that says something about what is around a rule (precision, mode, a base argument) meets one row of each kind in
the fast lane, and the others in the slow lane: `@representative`, and `@crossed(...)` for rows times values. With
`in_turn`, the fast lane takes as few pairs as show each row of a kind and each value once.
A test that belongs to the slow lane as a whole meets every row there: `@full`.
"""

import pytest

from tests.library.cases import CASES, CLASSES

KINDS = {  # facts of a row by which what is around a rule treats it differently
    "no state": lambda case: not case.slots,
    "velocity": lambda case: case.slots and case.linear_in_gradient,
    "rates of its own": lambda case: bool(case.rate),
    "steps touched rows alone": lambda case: case.slots and case.zero_gradient_noop,
    "many slots": lambda case: len(case.slots) > 2,
    "decay of its own": lambda case: case.decays,
    "norms": lambda case: not case.elementwise,
    "decay inside of the rule": lambda case: case.own_decay,
    "slots of another shape": lambda case: case.one_number or case.shapes,
    "shared state": lambda case: bool(case.shared_state),
    "sums over variables": lambda case: case.joint,
}
BEYOND = (pytest.mark.slow, pytest.mark.product)  # what the slow lane adds to a product


def anything(case):
    """The fact that holds for every row."""
    return True


def representatives(fact=anything, rows=CASES):
    """The first row of each kind, among the rows for which a fact holds."""
    rows = [case for case in rows if fact(case)]
    first = {name: next((case.id for case in rows if kind(case)), None) for name, kind in KINDS.items()}
    return [case for case in rows if case.id in first.values()]


def parameters(*values, fast):
    """Those of one test, in the fast lane or beyond it."""
    return pytest.param(*values, id="-".join(map(str, values)), marks=() if fast else BEYOND)


def every_rule_where(fact):
    """Every row for which a fact holds."""
    return pytest.mark.parametrize("case", [case for case in CASES if fact(case)], ids=str)


def representative_where(fact):
    """Every row for which a fact holds; in the fast lane one of each kind."""
    fast = [case.id for case in representatives(fact)]
    return pytest.mark.parametrize("case", [parameters(c, fast=c.id in fast) for c in CASES if fact(c)])


def turns(rows, values):
    """The fewest pairs in which each row and each value is there."""
    return {(rows[i % len(rows)], values[i % len(values)]) for i in range(max(len(rows), len(values)))}


def crossed(name, values, *, every_rule=(), representative=None, in_turn=(), fact=anything, rows=CASES):
    """Rows times the values of one argument of a test.

    Args:
        name: of the argument.
        values: strings: what they stand for is looked up in the test.
        every_rule: those that every row meets in the fast lane.
        representative: those that one row of each kind meets there as well; all, unless others are given or `in_turn`.
        in_turn: those of which each meets one row of a kind there, and each row of a kind one of them.
        fact: what is true of the rows that take part.
        rows: of the table.
    """
    chosen = [case.id for case in representatives(fact, rows)]
    few = (() if in_turn else list(values)) if representative is None else representative
    once = turns(chosen, list(in_turn)) if in_turn else ()
    pairs = [(case, value) for case in rows if fact(case) for value in values]
    fast = [v in every_rule or (c.id in chosen and v in few) or (c.id, v) in once for c, v in pairs]
    tests = [parameters(*pair, fast=quick) for pair, quick in zip(pairs, fast, strict=True)]
    return pytest.mark.parametrize(("case", name), tests)


def every_class_where(fact):
    """The first row of every class, among the rows for which a fact holds."""
    first = {case.name: case for case in reversed(CASES) if fact(case)}
    return pytest.mark.parametrize("case", [case for case in CASES if case is first.get(case.name)], ids=str)


every_rule = every_rule_where(anything)
every_class = pytest.mark.parametrize("case", CLASSES, ids=str)
representative = representative_where(anything)
full = pytest.mark.parametrize("case", [parameters(case, fast=False) for case in CASES])
representative_class = pytest.mark.parametrize(
    "case", [parameters(c, fast=c.id in [r.id for r in representatives(rows=CLASSES)]) for c in CLASSES]
)
