"""Studies: frozen dataclasses, read from TOML, with all faults of a file listed at once."""

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
