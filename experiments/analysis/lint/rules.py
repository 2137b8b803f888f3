"""Every check with the code of its rule, L-B and the number that the rule has in the protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from experiments.analysis.lint import comparisons, mixtures, scores, searches, studies, timings
from experiments.analysis.lint.case import Case

Check = Callable[[Case], Iterator[str]]

RULES: tuple[tuple[str, Check], ...] = (
    ("L-B2", comparisons.strangers),
    ("L-B2", searches.refused),
    ("L-B2", mixtures.mixed_versions),
    ("L-B2", mixtures.mixed_source),
    ("L-B2", mixtures.mixed_devices),
    ("L-B3", mixtures.mixed_data),
    ("L-B3", studies.chosen_on_training),
    ("L-B3", searches.saw_test),
    ("L-B3", searches.not_chosen),
    ("L-B5", studies.few_seeds),
    ("L-B5", searches.unequal_trials),
    ("L-B5", comparisons.unequal_steps),
    ("L-B5", comparisons.uncounted),
    ("L-B6", studies.unequal_spaces),
    ("L-B6", searches.windows),
    ("L-B6", searches.foreign_points),
    ("L-B7", searches.boundaries),
    ("L-B8", scores.excluded),
    ("L-B9", studies.schedules),
    ("L-B10", comparisons.unpaired),
    ("L-B11", studies.shared_seeds),
    ("L-B11", comparisons.tuned_seeds),
    ("L-B11", comparisons.repeated),
    ("L-B12", searches.uncertain),
    ("L-B13", studies.coarse),
    ("L-B13", comparisons.unequal_grids),
    ("L-B13", comparisons.partial),
    ("L-B14", scores.void_target),
    ("L-B15", comparisons.missing),
    ("L-B11", timings.foreign_seeds),
    ("L-B16", timings.parallel_timing),
    ("L-B16", timings.mixed_machines),
    ("L-B16", timings.busy_machine),
    ("L-B16", timings.few_repetitions),
    ("L-B16", timings.in_succession),
    ("L-B17", scores.not_finite),
    ("L-B20", studies.toys),
    ("L-B22", mixtures.mixed_precision),
    ("L-B23", searches.miscounted),
)
BESIDE: frozenset[Check] = frozenset(
    {
        scores.void_target,
        searches.miscounted,
        timings.foreign_seeds,
        timings.parallel_timing,
        timings.mixed_machines,
        timings.busy_machine,
        timings.few_repetitions,
        timings.in_succession,
    }
)
"""Checks of seconds, targets and costs. Test scores stand beside them; every other broken rule allows no claim."""
