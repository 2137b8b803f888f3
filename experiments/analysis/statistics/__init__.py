"""Statistics over seeds: summaries, intervals, tests, and what they allow to say.

From what a run gives to what a report says: `summaries`, `resampling` and `significance` are the arithmetic,
`comparing` and `verdicts` one problem, `aggregates` several problems, `times` times to target. Greater is better unless
an argument says otherwise. SciPy does what it has: t tests, rank tests, ranks, trimmed means, distribution functions.
"""
