"""Where runs have no finite value at all, there is a report all the same, and it says so."""

import dataclasses
import math

import pytest

from tests.experiments.evidence import APART, evidence
from tests.experiments.report.test_claims import written


def lost(whole, labels):
    """The evidence with runs of some optimizers that were not finite from the first evaluation."""
    made = [
        dataclasses.replace(record, status="diverged", evaluations=tuple(map(nan, record.evaluations)))
        if record.run.label in labels
        else record
        for record in whole.found
    ]
    return dataclasses.replace(whole, found=made)


def nan(evaluation):
    """An evaluation without a finite score."""
    measured = [name for name, value in evaluation.items() if isinstance(value, float) and name != "epoch"]
    return {**evaluation, **dict.fromkeys(measured, math.nan)}


@pytest.mark.parametrize("labels", [["GD"], ["GD", "Adam"]])
def test_a_report_is_written_without_the_curves_that_there_are_none_of(tmp_path, labels):
    """After all the training it must not end in an error."""
    made = written(lost(evidence(APART), labels), tmp_path, [])
    text = (tmp_path / "report.md").read_text("utf-8")
    assert text.count("5 diverged") == len(labels), text
    page = (tmp_path / "report.html").read_text("utf-8")
    assert ("No learning curve: no run has a finite value." in page) == (len(labels) == 2)
    assert ("GD  diverged" in page) == (len(labels) == 1)
    assert made
