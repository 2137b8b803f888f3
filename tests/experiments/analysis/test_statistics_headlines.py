"""Headlines where verdicts are no plain ties: tests that disagree, and ties that differ among themselves."""

import dataclasses

from experiments.analysis.statistics.comparing import compare
from experiments.analysis.statistics.summaries import Interval
from experiments.analysis.statistics.verdicts import Comparison, headline, planned, tie_group
from tests.experiments.deepobs import rng

WIN = Comparison("A", "B", 10, expanded=Interval(0.1, 0.2), superiority=0.9)


def test_where_the_tests_disagree_nothing_is_decided():
    """A few failures scatter so much that the paired t-test sees nothing, though every seed is worse."""
    good = {seed: 0.8 + seed / 1000 for seed in range(10)}
    failing = {seed: value - (0.7 if seed < 3 else 0.02 + seed / 1000) for seed, value in good.items()}
    (row,) = compare({"A": good, "B": failing}, rng(), higher_is_better=True)
    row = row.judged(0.06, 0.03, higher_is_better=True)
    assert (row.verdict, row.reversed().verdict, row.mark) == ("unclear", "unclear", "")
    assert row.words().startswith(
        "A and B: undecided, since the exact test tells them apart and the paired t-test does"
    )
    means = {"A": 0.8, "B": 0.6}
    assert tie_group(means, [row], higher_is_better=True) == ["A"]
    assert headline(means, [row], higher_is_better=True) == f"{row.words().partition(' (')[0]}."
    assert planned("A", [row]) == "Undecided against A, since their tests disagree: B."


def test_what_ties_with_the_best_may_differ_otherwise():
    """A scattering best hides nothing of the others."""
    verdicts = {("A", "B"): "≈", ("A", "C"): "≈", ("B", "C"): "better"}
    rows = [dataclasses.replace(WIN, first=a, second=b, verdict=one) for (a, b), one in verdicts.items()]
    said = headline({"B": 0.91, "A": 0.92, "C": 0.90}, rows, higher_is_better=True)
    assert said == "No winner: A has the best mean, and the runs do not tell B and C from it."
    rows[-1] = dataclasses.replace(rows[-1], verdict="≈")
    said = headline({"B": 0.91, "A": 0.92, "C": 0.90}, rows, higher_is_better=True)
    assert said == "No winner: the runs do not tell B, A and C apart; A has the best mean."
