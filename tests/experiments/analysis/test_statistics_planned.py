"""Comparisons with one reference, planned before there were runs, are corrected for their own number alone."""

import dataclasses

import numpy as np
import pytest

from experiments.analysis.statistics.comparing import compare
from experiments.analysis.statistics.verdicts import planned
from tests.experiments.deepobs import by_seed, rng
from tests.experiments.evidence import THREE, evidence, result


def test_planned_comparisons_are_with_the_reference_and_corrected_for_their_number():
    """Seventeen comparisons of ten seeds are confirmed, where all pairs of eighteen would be 153."""
    noise = np.random.default_rng(3).normal(0, 0.01, (18, 10))
    runs = {f"A{i}": by_seed(noise[i] + (i > 8) - (i < 8)) for i in range(18)}
    rows = compare(runs, rng(), higher_is_better=True, reference="A8")
    assert [row.first for row in rows] == ["A8"] * 17
    assert rows[0].corrected_exact_p == pytest.approx(17 * 2**-9)
    assert {row.mark for row in rows} == {""}
    worse, better = ", ".join(f"A{i}" for i in range(8)), ", ".join(f"A{i}" for i in range(9, 18))
    assert planned("A8", rows) == f"Better than A8: {better}. Worse than A8: {worse}."
    with pytest.raises(ValueError, match=r"reference must be one of A0, .*, got 'B'"):
        compare(runs, rng(), higher_is_better=True, reference="B")


def test_ties_and_missing_runs_are_said_of_planned_comparisons():
    """In sentences of their own."""
    runs = {"A": by_seed([1.0, 2.0, 3.0]), "B": by_seed([1.0, 2.0, 3.0]), "C": by_seed([1.0])}
    rows = compare(runs, rng(), higher_is_better=True, reference="A")
    assert planned("A", rows) == "Tied with A: B. Not compared with A, since runs are missing: C."


def test_a_part_of_what_was_planned_is_corrected_for_all_of_it():
    """Of sixteen planned comparisons, two on the command line are still two of sixteen; missing runs count, too."""
    noise = np.random.default_rng(3).normal(0, 0.01, (3, 10))
    runs = {f"A{i}": by_seed(noise[i] + i) for i in range(3)}
    both = compare(runs, rng(), higher_is_better=True, reference="A0", planned=16)
    one = compare({"A0": runs["A0"], "A1": runs["A1"]}, rng(), higher_is_better=True, reference="A0", planned=16)
    assert [row.corrected_exact_p for row in both] == pytest.approx([16 * 2**-9] * 2)
    assert one[0].corrected_exact_p == pytest.approx(16 * 2**-9)
    missing = compare({**runs, "A2": by_seed([1.0])}, rng(), higher_is_better=True, reference="A0")
    assert missing[0].corrected_exact_p == pytest.approx(2 * 2**-9)


def test_the_result_of_a_part_is_corrected_for_the_study_of_the_file():
    """As the command line narrows it."""
    whole = evidence(THREE)
    planned = dataclasses.replace(whole.study, reference="Adam")
    part = dataclasses.replace(planned, optimizers=planned.optimizers[:2])
    corrected = {
        len(study.optimizers): result(dataclasses.replace(whole, study=study)).comparisons[0].corrected_exact_p
        for study in (planned, part)
    }
    assert corrected[2] == corrected[3] == pytest.approx(2 * 2**-4)
