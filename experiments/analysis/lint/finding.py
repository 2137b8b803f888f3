"""What the lint says: the code of a rule, and one sentence that names what breaks it."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, order=True)
class Finding:
    """One broken rule of the protocol.

    Attributes:
        code: `L-B` and the number of the rule, such as `L-B5`.
        sentence: what is broken, with the names and the values found.
        limits: whether it bears on test scores, so that no optimizer may be called better than another.
    """

    code: str
    sentence: str
    limits: bool = dataclasses.field(default=True, compare=False)

    def __str__(self) -> str:
        """Returns both in one line."""
        return f"{self.code}: {self.sentence}"
