"""Errors of the input: one sentence each, with the nearest match."""

import difflib
from collections.abc import Container, Iterable


class UserError(Exception):
    """Something the user can put right; the command line prints it without a traceback."""

    code = 2


class RunsFailed(UserError):
    """Some runs could not be made; the others are recorded."""

    code = 1


class Locked(UserError):
    """Another process is at what was asked for, and was not to be waited for."""

    code = 3


def nearest(word: str, known: Iterable[str], alike: float = 0.5) -> str | None:
    """Returns the known word most like `word`, whatever its case, or None when none has that share in common."""
    by_lower = {name.lower(): name for name in known}
    matches = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=alike)
    return by_lower[matches[0]] if matches else None


def unknown(kind: str, word: str, known: Iterable[str], given: Container[str] = ()) -> UserError:
    """Returns the error for a word that is not among those known; the `given` ones, in lower case, are no hints."""
    known = list(known)
    match = nearest(word, (one for one in known if one.lower() not in given))
    hint = f"did you mean '{match}'?" if match else "there is none like it."
    return UserError(f"Unknown {kind} '{word}': {hint} Known: {', '.join(known)}.")
