"""What a study is: frozen dataclasses, read from TOML with every fault named."""

from __future__ import annotations

from experiments.studies.forms import (
    CONSTANT,
    COSINE,
    LINES,
    MARKERS,
    OWN,
    SCHEMA,
    TRACKS,
    Entry,
    Preset,
    Problem,
    Scalar,
    Study,
    Style,
    Tuning,
)
from experiments.studies.reading import STUDIES, each, find, load, names, parse, typed

__all__ = [
    "CONSTANT",
    "COSINE",
    "LINES",
    "MARKERS",
    "OWN",
    "SCHEMA",
    "STUDIES",
    "TRACKS",
    "Entry",
    "Preset",
    "Problem",
    "Scalar",
    "Study",
    "Style",
    "Tuning",
    "each",
    "find",
    "load",
    "names",
    "parse",
    "typed",
]
