"""Exclusion of variables from weight decay, by variable or by pattern."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tfoptim.state import path


@dataclass(frozen=True)
class Exclusion:
    """Arguments of `exclude_from_weight_decay`.

    Args:
        paths: paths of single variables.
        patterns: regular expressions; a variable is excluded if one is found in its path.
    """

    paths: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()

    @classmethod
    def of(cls, var_list: Sequence[Any] | None, var_names: Sequence[str] | None) -> Exclusion:
        """Returns the checked arguments of `exclude_from_weight_decay`; variables may be given by path."""
        if isinstance(var_names, str):
            raise TypeError(f"exclude_from_weight_decay: var_names must be a list of strings, got {var_names!r}.")
        for pattern in var_names or ():
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(
                    f"exclude_from_weight_decay: {pattern!r} is no regular expression ({error}); "
                    f"did you mean {re.escape(pattern)!r}?"
                ) from None
        paths = (v if isinstance(v, str) else path(v) for v in var_list or ())
        return cls(tuple(paths), tuple(var_names or ()))

    def spared(self, variables: Sequence[Any]) -> set[int]:
        """Returns the positions of the excluded variables.

        Raises:
            ValueError: a path or a pattern fits no variable.
        """
        paths = [path(v) for v in variables]
        found = [_positions(wanted, paths) for wanted in self.paths]
        found += [{i for i, p in enumerate(paths) if re.search(pattern, p)} for pattern in self.patterns]
        for wanted, positions in zip(self.paths + self.patterns, found, strict=True):
            if not positions:
                raise ValueError(
                    f"exclude_from_weight_decay: {wanted!r} fits no variable. There are: {', '.join(paths[:5])}"
                    f"{' ...' if len(paths) > 5 else ''}."
                )
        return set().union(*found)


def _positions(wanted: str, paths: list[str]) -> set[int]:
    """Returns the positions of a path, with or without a model's name in front."""
    exact = {i for i, p in enumerate(paths) if p == wanted}
    return exact or {i for i, p in enumerate(paths) if p.endswith(f"/{wanted}") or wanted.endswith(f"/{p}")}
