"""Studies: frozen dataclasses, read from TOML, with all faults of a file listed at once."""

from experiments.studies.forms import CONSTANT, COSINE, GIVEN, OWN, SCHEMA, Entry, Problem, Scalar, Study, Style, Tuning
from experiments.studies.reading import STUDIES, declared, each, find, load, names, parse, typed

__all__ = ["CONSTANT", "COSINE", "GIVEN", "OWN", "SCHEMA", "Entry", "Problem", "Scalar", "Study", "Style", "Tuning"]
__all__ += ["STUDIES", "declared", "each", "find", "load", "names", "parse", "typed"]
