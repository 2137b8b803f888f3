"""Statistics over seeds: summaries, intervals, tests, and what they allow to say.

    >>> runs = {"A": {1: 0.92, 2: 0.93, 3: 0.91, 4: 0.94}, "B": {1: 0.91, 2: 0.94, 3: 0.92, 4: 0.92}}
    >>> (row,) = compare(runs, generator("study", "table"), higher_is_better=True)
    >>> row.verdict, row.superiority, round(row.difference, 4)
    ('≈', 0.5, 0.0025)

From what a run gives to what a report says: `summaries`, `resampling` and `significance` are the arithmetic,
`comparing` and `verdicts` one problem, `aggregates` several problems, `times` times to target. Greater is better unless
an argument says otherwise. SciPy does what it has: t tests, rank tests, ranks, trimmed means, distribution functions.
"""

from __future__ import annotations

from experiments.analysis.statistics.aggregates import (
    critical_difference,
    friedman,
    improvement,
    interquartile_means,
    mean_ranks,
    ranks,
)
from experiments.analysis.statistics.comparing import compare
from experiments.analysis.statistics.resampling import (
    Centre,
    Estimate,
    best_of_band,
    bootstrap,
    centres,
    estimate,
    expanded,
    generator,
    percentile,
    stratified,
)
from experiments.analysis.statistics.significance import (
    differences,
    holm,
    paired_t,
    sign_flip,
    signed_ranks,
    superiority,
)
from experiments.analysis.statistics.summaries import (
    Interval,
    Spread,
    best_of,
    iqm,
    mean,
    normalised,
    spread,
)
from experiments.analysis.statistics.times import Times, reached, speed_up, summarise_times, time_to_target, void
from experiments.analysis.statistics.verdicts import Comparison, headline, tie_group

__all__ = [
    "Centre",
    "Comparison",
    "Estimate",
    "Interval",
    "Spread",
    "Times",
    "best_of",
    "best_of_band",
    "bootstrap",
    "centres",
    "compare",
    "critical_difference",
    "differences",
    "estimate",
    "expanded",
    "friedman",
    "generator",
    "headline",
    "holm",
    "improvement",
    "interquartile_means",
    "iqm",
    "mean",
    "mean_ranks",
    "normalised",
    "paired_t",
    "percentile",
    "ranks",
    "reached",
    "sign_flip",
    "signed_ranks",
    "speed_up",
    "spread",
    "stratified",
    "summarise_times",
    "superiority",
    "tie_group",
    "time_to_target",
    "void",
]
