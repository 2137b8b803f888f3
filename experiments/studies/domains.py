"""Domains of the values in a study file, declared once with each field, and the reader of its tables."""

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from experiments.errors import nearest

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Domain:
    """The allowed values of a field, in words and as a test."""

    words: str
    holds: Callable[[Any], bool]


MOST, LARGEST = 10**9, 1e300


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -LARGEST < value < LARGEST


def whole(low: int, high: int = MOST) -> Domain:
    """Returns the domain of whole numbers from `low` to `high`."""
    return Domain(
        f"a whole number from {low} to {high}" if low < high else f"{low}",
        lambda value: isinstance(value, int) and not isinstance(value, bool) and low <= value <= high,
    )


def one_of(*names: str) -> Domain:
    """Returns the domain of the given words."""
    return Domain("one of " + ", ".join(names), lambda value: value in names)


def matching(words: str, pattern: str) -> Domain:
    """Returns the domain of strings that match a regular expression as a whole."""
    return Domain(words, lambda v: isinstance(v, str) and re.fullmatch(pattern, v) is not None)


def distinct(domain: Domain) -> Domain:
    """Returns the domain of lists, not empty and without repeats, of values of a domain."""
    return Domain(
        f"a list without repeats, each {domain.words}",
        lambda v: isinstance(v, list) and len(v) > 0 and all(map(domain.holds, v)) and len(set(v)) == len(v),
    )


POSITIVE = Domain("a number above 0", lambda v: _number(v) and 0 < v < float("inf"))
TEXT = Domain("one line of text", lambda v: isinstance(v, str) and v.strip() == v != "" and v.isprintable())
TRUTH = Domain("true or false", lambda v: isinstance(v, bool))
SCALARS = Domain(
    "a table of finite numbers or booleans",
    lambda v: isinstance(v, dict) and all(_number(x) or isinstance(x, bool) for x in v.values()),
)
SHARES = Domain(
    "a table of numbers above 0 and up to 1",
    lambda v: isinstance(v, dict) and all(_number(x) and 0 < x <= 1 for x in v.values()),
)


def value(domain: Domain, default: Any = dataclasses.MISSING, *, meaning: str = "", usual: str = "") -> Any:
    """Declares a field that holds a plain value.

    Args:
        domain: its values.
        default: its value where a file has none; without one, the file or `completing` gives it.
        meaning: what it says, for the reference of study files.
        usual: its value where a file has none, in words, where it depends on others.
    """
    metadata = {"domain": domain, "meaning": meaning, "usual": usual}
    if isinstance(default, dict):
        return dataclasses.field(default_factory=dict, metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def table(cls: type, default: Any = dataclasses.MISSING, *, meaning: str = "", usual: str = "") -> Any:
    """Declares a field that holds a table, read as `cls`."""
    return dataclasses.field(default=default, metadata={"table": cls, "meaning": meaning, "usual": usual})


def tables(cls: type, default: Any = dataclasses.MISSING, *, meaning: str = "", usual: str = "") -> Any:
    """Declares a field that holds a list of tables, each read as `cls`."""
    return dataclasses.field(default=default, metadata={"tables": cls, "meaning": meaning, "usual": usual})


def read(cls: type[T], raw: Mapping[str, Any], path: str, faults: list[str]) -> T | None:
    """Reads a table into a dataclass of `value`, `table` and `tables`, or None if it has a fault.

    Every fault found is added to `faults` with its dotted path, which begins with that of the table.
    """
    before = len(faults)
    fields = {field.name: field for field in dataclasses.fields(cls) if field.metadata}  # type: ignore[arg-type]
    _unknown_keys(raw, fields, path, faults)
    found = {name: _read_field(field, raw[name], path + name, faults) for name, field in fields.items() if name in raw}
    faults.extend(f"{path}{name}: is missing." for name in _missing(fields.values(), raw))
    return cls(**found) if len(faults) == before else None


def _unknown_keys(raw: Iterable[str], fields: Iterable[str], path: str, faults: list[str]) -> None:
    for key in raw:
        if key not in (names := list(fields)):
            match = nearest(key, names)
            hint = f"did you mean '{match}'?" if match else f"known are {', '.join(names)}."
            faults.append(f"{path}{key}: is not a known key; {hint}")


def _missing(fields: Iterable[dataclasses.Field[Any]], raw: Mapping[str, Any]) -> list[str]:
    none = dataclasses.MISSING
    return [
        field.name
        for field in fields
        if field.name not in raw and field.default is none and field.default_factory is none
    ]


def _read_field(field: dataclasses.Field[Any], raw: Any, path: str, faults: list[str]) -> Any:
    if "table" in field.metadata:
        if isinstance(raw, dict):
            return read(field.metadata["table"], raw, path + ".", faults)
        faults.append(f"{path}: must be a table.")
        return None
    if "tables" in field.metadata:
        wrong = [item for item in raw if not isinstance(item, dict)] if isinstance(raw, list) and raw else [raw]
        if not wrong:
            cls = field.metadata["tables"]
            return tuple(read(cls, item, f"{path}[{i}].", faults) for i, item in enumerate(raw))
        faults.append(f"{path}: must be a list of tables, or of names where these are enough, got {wrong[0]!r}.")
        return None
    domain: Domain = field.metadata["domain"]
    if not domain.holds(raw):
        faults.append(f"{path}: must be {domain.words}, got {raw!r}.")
    return tuple(raw) if isinstance(raw, list) else raw
