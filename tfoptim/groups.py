"""Groups of variables: which variables get other numbers than the optimizer's, by pattern or by variable.

The numbers of a step are computed once per group. Variables that are excluded from weight decay are a group whose
weight decay is None; so it is with all that a rule lets be excluded.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from tfoptim.variables import check_named, path

Group = tuple[str | None, frozenset[str]]
"""What the numbers of a variable depend on: the pattern of `groups` that fits it, and from what it is excluded."""

DEFAULT: Group = (None, frozenset())

PATHS = "variable_paths"
"""Name of the paths of the variables in the config of an optimizer that was built and has patterns."""


@dataclass(frozen=True)
class GroupsDomain:
    """Dictionaries of numbers by pattern."""

    live = False

    def __str__(self) -> str:
        return '{"pattern": {"name": number}}'

    def parse(self, what: str, value: Any) -> dict[str, dict[str, Any]] | None:
        """Returns `value` as dictionaries, None if there are none; raises one sentence for anything else."""
        pairs = list(value.items()) if isinstance(value, Mapping) else [None]
        if not all(pair and isinstance(pair[0], str) and isinstance(pair[1], Mapping) for pair in pairs):
            raise TypeError(f"{what} must be a dictionary such as {self}, got {value!r}.")
        for pattern in value:
            check_pattern(what, pattern)
        return {pattern: dict(numbers) for pattern, numbers in value.items()} or None


Groups = Annotated[Mapping[str, Mapping[str, Any]], GroupsDomain()]


def check_pattern(what: str, pattern: str) -> None:
    """Raises unless a pattern is a regular expression."""
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(
            f"{what}: {pattern!r} is no regular expression ({error}); did you mean {re.escape(pattern)!r}?"
        ) from None


@dataclass(frozen=True)
class Paths:
    """By which paths patterns know the variables that an optimizer is built for.

    Keras's loader makes layers without the names of the models that they are in, and leaves frozen variables out. So a
    saved optimizer tells the paths of its variables, which are theirs again, and may have patterns for absent ones.

    Args:
        of_variables: one path for each variable.
        absent: paths of saved variables that are not among them; none for variables of another model.
    """

    of_variables: list[str]
    absent: tuple[str, ...] = ()

    @classmethod
    def known(cls, saved: Sequence[str], variables: Sequence[Any]) -> Paths:
        """Returns the paths of variables, which are saved ones where those are theirs."""
        now = [path(v) for v in variables]
        if len(saved) == len(now) and all(map(_alike, saved, now)):
            return cls(list(saved))
        found = [[s for s in saved if s == p] or [s for s in saved if _alike(s, p)] for p in now]
        known = [of[0] if len(of) == 1 else p for of, p in zip(found, now, strict=True)]
        return cls(known, tuple(s for s in saved if s not in known) if any(found) else ())

    def check_fits(self, what: str, wanted: str, fits: Callable[[str], Any]) -> None:
        """Raises, with some of the paths that there are, unless one of them fits, or that of an absent variable."""
        if not any(map(fits, (*self.of_variables, *self.absent))):
            some, more = ", ".join(self.of_variables[:5]), " ..." if len(self.of_variables) > 5 else ""
            raise ValueError(f"{what}: {wanted!r} fits no variable. There are: {some}{more}.")


def _alike(one: str, other: str) -> bool:
    """Returns whether two paths are the same but for models' names in front."""
    return one == other or one.endswith(f"/{other}") or other.endswith(f"/{one}")


def members(what: str, groups: Mapping[str, Any], exclusions: Sequence[Exclusion], paths: Paths) -> list[Group]:
    """Returns the group of each variable.

    Raises:
        ValueError: a pattern fits no variable, or two patterns fit one.
    """
    spared = {e.number: e.spared(paths) for e in exclusions}
    return [
        (pattern, frozenset(number for number, positions in spared.items() if i in positions))
        for i, pattern in enumerate(patterns_of(what, groups, paths))
    ]


def patterns_of(what: str, patterns: Iterable[str], paths: Paths) -> list[str | None]:
    """Returns for each variable the pattern that fits it, or None; raises as `members`."""
    for pattern in patterns:
        paths.check_fits(what, pattern, re.compile(pattern).search)
    return [pattern_of(what, patterns, p) for p in paths.of_variables]


def pattern_of(what: str, patterns: Iterable[str], path: str) -> str | None:
    """Returns the pattern that fits a path, or None; raises if two do."""
    found = [pattern for pattern in patterns if re.search(pattern, path)]
    if len(found) > 1:
        raise ValueError(f"{what}: {found[0]!r} and {found[1]!r} both fit {path}; one pattern at most may fit.")
    return found[0] if found else None


def of_path(groups: Mapping[str, Any] | None, exclusions: Sequence[Exclusion], path: str) -> dict[str, Any]:
    """Returns the numbers of the group that has a path."""
    excluded = frozenset(e.number for e in exclusions if e.fits(path))
    return own_numbers(groups, (pattern_of("groups", groups or {}, path), excluded))


def own_numbers(groups: Mapping[str, Mapping[str, Any]] | None, group: Group) -> dict[str, Any]:
    """Returns the numbers in which a group differs: name -> number, schedule or None; a rate is a factor."""
    pattern, excluded = group
    own = {} if pattern is None else {n: x for n, x in (groups or {})[pattern].items() if n != "trainable"}
    return own | dict.fromkeys(excluded)


def places(groups: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Returns pattern and name of each number of all groups, in the order of `values`."""
    return [(pattern, name) for pattern, numbers in groups.items() for name in numbers]


def values(groups: Mapping[str, Mapping[str, Any]] | None) -> list[Any]:
    """Returns the numbers of all groups in order, as they follow the optimizer's own in `Runtime.numbers`."""
    return [value for numbers in (groups or {}).values() for value in numbers.values()]


@dataclass(frozen=True)
class Exclusion:
    """Arguments of `exclude_from_weight_decay`, or of another method of such a name.

    Args:
        number: what the variables are excluded from; it is None in their hyperparameters.
        paths: paths of single variables.
        patterns: regular expressions; a variable is excluded if one is found in its path.
    """

    number: str
    paths: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()

    @classmethod
    def of(cls, number: str, var_list: Sequence[Any] | None, var_names: Sequence[str] | None) -> Exclusion:
        """Returns the checked arguments of the method; variables may be given by path."""
        method = cls(number).method
        check_named(method, var_list, var_names)
        for pattern in var_names or ():
            check_pattern(method, pattern)
        paths = (v if isinstance(v, str) else path(v) for v in var_list or ())
        return cls(number, tuple(paths), tuple(var_names or ()))

    @property
    def method(self) -> str:
        """Name of the method that takes the arguments, and of their place in the config."""
        return f"exclude_from_{self.number}"

    def config(self) -> dict[str, list[str]]:
        """Returns the arguments of the method, JSON-safe; nothing if they exclude no variable."""
        arguments = {"var_list": list(self.paths), "var_names": list(self.patterns)}
        return arguments if self.paths or self.patterns else {}

    def fits(self, path: str) -> bool:
        """Returns whether the variable of a path is excluded."""
        by_path = any(_positions(wanted, [path]) for wanted in self.paths)
        return by_path or any(re.search(pattern, path) for pattern in self.patterns)

    def spared(self, paths: Paths) -> set[int]:
        """Returns the positions of the excluded variables.

        Raises:
            ValueError: a path or a pattern fits no variable.
        """
        for wanted in self.paths:
            paths.check_fits(self.method, wanted, functools.partial(_alike, wanted))
        for pattern in self.patterns:
            paths.check_fits(self.method, pattern, re.compile(pattern).search)
        found = [_positions(wanted, paths.of_variables) for wanted in self.paths]
        found += [{i for i, p in enumerate(paths.of_variables) if re.search(pattern, p)} for pattern in self.patterns]
        return set().union(*found)


def _positions(wanted: str, paths: list[str]) -> set[int]:
    """Returns the positions of a path, with or without a model's name in front."""
    exact = {i for i, p in enumerate(paths) if p == wanted}
    return exact or {i for i, p in enumerate(paths) if _alike(wanted, p)}
