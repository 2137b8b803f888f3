"""What a study declares decides what its report compares, which score of a run counts, and what captions call it."""

import dataclasses
import math

import pytest

from experiments import report
from experiments.analysis import result_columns
from experiments.analysis.columns import headings
from experiments.analysis.evidence import Evidence
from experiments.analysis.lint import Case, Claims, check
from experiments.analysis.lint.scores import excluded
from experiments.report.captions import Captions
from experiments.report.gallery import Facts
from experiments.studies.forms import Claim
from tests.experiments.evidence import APART, THREE, evidence, result


def against(reference, ends=THREE):
    """Evidence of a study that planned its comparisons with one optimizer."""
    whole = evidence(ends)
    return dataclasses.replace(whole, study=dataclasses.replace(whole.study, reference=reference))


def test_planned_comparisons_are_all_that_is_said():
    """Rows, headline and headings are about the reference, which need not have the best mean."""
    whole = against("Momentum")
    table = result(whole)
    assert table.headline == "Worse than Momentum: GD†. Tied with Momentum: Adam."
    assert {row.label: row.verdict for row in table.rows} == {"Momentum": "reference", "Adam": "≈", "GD": "worse†"}
    assert [row.label for row in table.rows if row.tied] == ["Adam", "Momentum"]
    assert [pair.second for pair in table.comparisons] == ["GD", "Adam"]
    assert {"gap to Momentum [95 % CI]", "P(Momentum is better)"} <= set(headings(result_columns.columns(whole)))


def test_bands_are_of_the_reference_where_anything_is_claimed():
    """Else of the best mean alone; key and caption say whose they are."""
    whole = against("Momentum")
    found = {}
    for claims in (Claims(), Claims(("why not",))):
        facts = Facts(whole, report.result(whole, claims))
        found[claims.allowed] = (facts.best, facts.band.partition("; ")[2], facts.captions.how.rpartition(", ")[2])
    assert found == {
        True: (
            ["Adam", "Momentum"],
            "band: 95 % interval (Momentum and ties)",
            "of Momentum and of all that tie with it.",
        ),
        False: (["Adam"], "band: 95 % interval (best)", "of the best alone."),
    }


def test_the_first_sentence_is_about_a_method_that_is_worse_than_what_it_contains():
    """Its space was searched too little (rule B8)."""
    whole = evidence(APART)
    entries = [
        dataclasses.replace(entry, contains=("Adam",) * (entry.label == "GD")) for entry in whole.study.optimizers
    ]
    whole = dataclasses.replace(whole, study=dataclasses.replace(whole.study, optimizers=tuple(entries)))
    assert result(whole).headline.startswith("Under-tuned, inclusion violated: GD contains Adam and is worse, ")
    (broken,) = excluded(Case(whole.study, tuple(whole.found)))
    found = report.result(whole, Claims((broken.rstrip("."),))).headline
    assert (found.startswith(broken), found.count(broken)) == (True, 1)
    assert found.endswith(" highest mean; no claim.")


def test_of_planned_comparisons_those_of_an_under_tuned_method_are_withheld():
    """The others stand: each of them has a search of its own. A published claim about it is not answered."""
    whole = against("Momentum")
    entries = [
        dataclasses.replace(entry, contains=("Adam",) * (entry.label == "GD")) for entry in whole.study.optimizers
    ]
    claim = Claim("A paper", ("GD",), ("Adam",), 0.1)
    whole = dataclasses.replace(
        whole, study=dataclasses.replace(whole.study, optimizers=tuple(entries), claims=(claim,))
    )
    (found,) = [finding for finding in check(Case(whole.study, tuple(whole.found))) if finding.code == "L-B8"]
    assert not found.limits
    table = result(whole)
    assert {row.label: row.verdict for row in table.rows} == {"Momentum": "reference", "Adam": "≈", "GD": "no claim"}
    assert table.headline.endswith(
        " Tied with Momentum: Adam. Nothing is claimed of those that were tuned too little: GD. A paper: GD gains at "
        "least 0.1 over Adam. Not answered: too little tuning of GD."
    )


def test_a_test_score_by_case_is_the_mean_over_whole_cases(tmp_path, monkeypatch):
    """Of each case the mean over its classes; a run that diverged has none, and at best validation there is none."""
    case_table = tmp_path / "cases.csv"
    case_table.write_text("case,accuracy\na,0.8\na,0.6\nb,0.1\nb,0.3\n", encoding="utf-8")
    whole = evidence(APART)
    by_case = dataclasses.replace(whole.task, by_case=True)
    monkeypatch.setattr(Evidence, "task", by_case)
    found = [dataclasses.replace(record, files={"cases": case_table}) for record in whole.found[:-1]]
    whole = dataclasses.replace(whole, found=[*found, whole.found[-1]])
    assert whole.last(whole.found[0], "test") == pytest.approx(0.45)
    assert math.isnan(whole.last(whole.found[-1], "test"))
    assert whole.by_rule() == {}


def test_scores_of_a_part_of_the_training_set_are_called_so():
    """Curves are of as many as validation has, final scores of all (rule B13)."""
    one = evidence(APART)
    large = dataclasses.replace(one.study, data="mnist")
    facts = Captions(dataclasses.replace(one, study=large, whole=large)).facts
    assert facts[0].endswith(
        " for training / validation / test. Training curves: of a fixed 10,000; final scores: of all."
    )
    whole = dataclasses.replace(one.study, data="deepobs_quadratic_deep")
    assert "Training curves" not in Captions(dataclasses.replace(one, study=whole, whole=whole)).facts[0]


def test_captions_say_what_curves_are_over_where_whole_volumes_are_scored():
    """Final test scores are over volumes, so that curves over slices, of a part of the test set, end elsewhere.

    And the licence of the data, with what to cite.
    """
    one = evidence(APART)
    large = dataclasses.replace(one.study, data="msd_hippocampus", task="msd_hippocampus")
    assert (
        Captions(dataclasses.replace(one, study=large, whole=large))
        .facts[0]
        .endswith(
            " Curves: over slices, those of training and test of a fixed 274; final test scores: over whole volumes. "
            "Terms of the data: CC BY-SA 4.0; Simpson and others (2019), arXiv 1902.09063; "
            "Antonelli and others (2022), Nature Communications 13, 4128."
        )
    )
