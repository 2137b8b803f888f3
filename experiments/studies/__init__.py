"""Studies: frozen dataclasses, read from TOML, with all faults of a file listed at once."""

from experiments.studies.forms import CONSTANT, COSINE, OWN, SCHEMA, Entry, Problem, Scalar, Study, Style, Tuning
from experiments.studies.reading import STUDIES, each, find, load, names, parse, typed

__all__ = ["CONSTANT", "COSINE", "OWN", "SCHEMA", "Entry", "Problem", "Scalar", "Study", "Style", "Tuning"]
__all__ += ["STUDIES", "each", "find", "load", "names", "parse", "typed"]
