"""What a metric is worth when a mask is empty, by name.

A ratio has no value when its denominator is zero, and a distance has none when there is nothing to measure to.
Every program answers that in its own way, and where empty masks are common the answer decides the mean. So it is an
argument here (`empty=`) and a column of every table, and such cases are counted beside the mean.

| name | overlaps, both empty | distances, both empty | distances, exactly one empty |
|---|---|---|---|
| `diagonal` (default) | 1 | 0 | the image's diagonal in mm |
| `left_out` | 1 | 0 | NaN |
| `undefined` | NaN | NaN | NaN |
| `infinite` | NaN | NaN | infinity |

Overlaps are Dice, IoU, volumetric similarity and surface Dice; with exactly one mask empty all four are 0 whatever
the name. Under `diagonal` a model that misses one structure more never has a better mean of these, as it can have
wherever a miss is left out. `left_out` is what the guideline's formulas give (Müller, Soto-Rey and Kramer 2022, BMC
Research Notes 15:210), with an empty truth found empty as a success; `undefined` leaves those cases out as well.
`infinite` is the convention of MONAI and of DeepMind's surface-distance, which has infinity for the Hausdorff
distance of two empty masks too.

The other ratios (sensitivity, precision, Cohen's kappa ...) are NaN where their denominator is zero, under every
name: a case without the structure has no sensitivity, and one without a prediction no precision. Means leave NaN out
and say how many they left out.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from types import MappingProxyType

from experiments.errors import nearest


@dataclasses.dataclass(frozen=True)
class Convention:
    """Values of the metrics that empty masks leave open.

    Attributes:
        overlap: overlaps when both masks are empty.
        both: distances when both masks are empty.
        one: distances when exactly one is; None stands for the image's diagonal.
    """

    overlap: float
    both: float
    one: float | None


CONVENTIONS: Mapping[str, Convention] = MappingProxyType(
    {
        "diagonal": Convention(overlap=1.0, both=0.0, one=None),
        "left_out": Convention(overlap=1.0, both=0.0, one=math.nan),
        "undefined": Convention(overlap=math.nan, both=math.nan, one=math.nan),
        "infinite": Convention(overlap=math.nan, both=math.nan, one=math.inf),
    }
)


def convention(name: str) -> Convention:
    """Returns the convention of a name.

    Raises:
        ValueError: there is none of that name.
    """
    if name in CONVENTIONS:
        return CONVENTIONS[name]
    match = nearest(str(name), CONVENTIONS)
    hint = f"did you mean '{match}'?" if match else "see experiments.problems.metrics.conventions."
    raise ValueError(f"empty must be one of {', '.join(CONVENTIONS)}, got {name!r}; {hint}")
