"""Titles say what the verdicts carry and no more: each kind of sentence on runs whose outcome was planted."""

import dataclasses
import math

import pytest

from experiments import report
from experiments.analysis import curve_sentences, curves, sentences, tuning_rows
from experiments.analysis.lint import Claims
from experiments.problems import tasks
from tests.experiments.analysis.test_tuning_rows import searched
from tests.experiments.evidence import APART, NOISE, THREE, evidence, result
from tests.experiments.small import study

NAN = math.nan


def title(ends, reference=None, **how):
    """The title of the test scores of a study of which everything may be claimed."""
    whole = against(evidence(ends), reference)
    return sentences.of_scores(whole, result(whole), **how)


def against(whole, reference):
    """Evidence whose study planned its comparisons with one optimizer, where it names one."""
    return dataclasses.replace(whole, study=dataclasses.replace(whole.study, reference=reference))


def test_a_tie_is_called_one_and_the_worse_stand_with_their_distance():
    """The dagger says that the exact test does not confirm it, as it never can with five seeds."""
    assert title(THREE) == "Adam and Momentum tie at 9.2 to 9.6 % test error; GD is worse† by 40.4 points"
    expected = "Adam and Momentum tie at a test accuracy of 0.904 to 0.908; GD is worse† by 40.4 points"
    assert title(THREE, errors=False) == expected


def test_where_all_tie_there_is_no_winner():
    """Whoever has the best mean."""
    assert title(NOISE) == "No winner: Adam and GD tie at 9.2 to 9.5 % test error"


def test_ties_that_differ_among_themselves_tie_with_the_best_alone():
    """GD ties with Adam here and is worse than Momentum: "the three tie" would deny it."""
    made = result(evidence(THREE))
    first, tied, last = made.rows
    three = dataclasses.replace(made, rows=[first, tied, dataclasses.replace(last, lag=tied.lag)])
    said = sentences.of_scores(evidence(THREE), three)
    assert said == "No winner: Momentum and GD tie with Adam, the best mean, at 9.2 to 49.6 % test error"


def test_a_winner_is_named_against_the_others():
    """All of them, or the only one."""
    assert title(APART) == "Adam is better than GD†: 9.2 % test error"
    ends = {**APART, "Momentum": [0.80, 0.81, 0.80, 0.82, 0.80]}
    assert title(ends) == "Adam is better than all others†: 9.2 % test error"


def test_confirmed_verdicts_have_no_dagger():
    """With as many seeds as the exact test needs."""
    rows = result(evidence(THREE)).rows
    sure = [row.lag and dataclasses.replace(row.lag, corrected_exact_p=0.01) for row in rows]
    made = dataclasses.replace(
        result(evidence(THREE)), rows=[dataclasses.replace(r, lag=lag) for r, lag in zip(rows, sure, strict=True)]
    )
    assert sentences.of_scores(evidence(THREE), made).endswith("; GD is worse by 40.4 points")


def test_many_are_counted_and_not_named():
    """A title has room for four that tie and three that are worse."""
    whole, made = evidence(THREE), result(evidence(THREE))
    first, tied, worse = made.rows
    more = [dataclasses.replace(tied, label=f"T{i}") for i in range(4)]
    others = [dataclasses.replace(worse, label=f"W{i}") for i in range(4)]
    many = dataclasses.replace(made, rows=[first, *more, *others])
    expected = "5 optimizers tie at 9.2 to 9.6 % test error; 4 others are worse† by 40.4 points"
    assert sentences.of_scores(whole, many) == expected
    none = dataclasses.replace(made, rows=[first, *more])
    assert sentences.of_scores(whole, none) == "No winner: all 5 tie at 9.2 to 9.6 % test error"


def test_nothing_is_claimed_where_nothing_may_be():
    """The lowest mean is a fact; the caption marks it."""
    whole = evidence(THREE)
    made = report.result(whole, Claims(("why not",)))
    assert sentences.of_scores(whole, made) == "Adam has the lowest mean: 9.2 % test error"
    assert sentences.of_scores(whole, made, errors=False) == "Adam has the highest mean: a test accuracy of 0.908"


def test_a_diverged_run_is_named_and_has_no_distance():
    """It is worse than everything, by no number of points; where it ties it is named all the same."""
    whole, made = evidence(THREE), result(evidence(THREE))
    centre = dataclasses.replace(made.rows[2].centre.mean, value=-math.inf)
    lost = dataclasses.replace(made.rows[2], centre=dataclasses.replace(made.rows[2].centre, mean=centre), diverged=5)
    said = sentences.of_scores(whole, dataclasses.replace(made, rows=[*made.rows[:2], lost]))
    assert said == "Adam and Momentum tie at 9.2 to 9.6 % test error; GD is worse†"
    one_lost = {**APART, "Momentum": [0.89, NAN, 0.90, 0.91, 0.90]}
    assert title(one_lost) == (
        "Adam and Momentum tie at 9.2 % test error; GD is worse† by 40.4 points; diverged in some runs: Momentum"
    )
    assert title({"GD": [NAN] * 5, "Adam": [NAN] * 5}) == "No optimizer has a mean: runs are missing or diverged"


def test_what_is_not_compared_is_named():
    """Runs are missing: it neither ties nor is worse."""
    gone = {**THREE, "GD": [0.5, None, 0.5, 0.5, 0.5]}
    assert title(gone) == "No winner: Adam and Momentum tie at 9.2 to 9.6 % test error; not compared: GD"
    two = {"GD": APART["GD"], "Adam": [0.90, None, 0.92, 0.90, 0.91]}
    assert title(two) == "GD has the best mean: 49.6 % test error; not compared: Adam"


def test_planned_comparisons_are_against_their_reference():
    """Two that tie with it need not tie with each other: each of them ties with the reference alone."""
    expected = "Against Adam (9.2 % test error): Momentum ties, GD is worse†"
    assert title(THREE, "Adam") == expected
    assert way(THREE, reference="Adam") == "Adam, lowest at the end, gains 27.3 points in the last epoch"


def test_an_optimizer_alone_is_compared_with_nothing():
    """There is a number and no verdict."""
    assert title({"GD": APART["GD"]}) == "GD alone: 49.6 % test error"


def test_a_loss_has_no_percent_and_no_points(monkeypatch):
    """Less is better, and a difference is seen in the numbers."""
    task = dataclasses.replace(evidence(APART).task, lower_is_better=True, score_title="loss")
    monkeypatch.setattr(report.Evidence, "task", task)
    assert title(APART) == "GD is better than Adam†: a test loss of 0.504"
    assert title({**APART, "Momentum": APART["GD"]}) == ("GD and Momentum tie at a test loss of 0.504; Adam is worse†")


def way(ends, claims=None, reference=None):
    """The title of the test error over epochs."""
    whole = against(evidence(ends), reference)
    made = report.result(whole, claims or Claims())
    return curve_sentences.of_way(whole, made, curves.rows(whole.found, curves.error_of(whole.task)))


def test_the_way_is_that_of_the_best_alone():
    """From when on their mean stays within a point of its end, or what it gains there: of those that tie, both ends."""
    assert way(THREE) == "Adam and Momentum, tied at the end, gain 27.1 to 27.3 points in the last epoch"
    assert way(APART) == "Adam, best at the end, gains 27.3 points in the last epoch"
    assert way({"Adam": [0.09] * 5}) == "Adam, best at the end, is within a point of it after 0 of 3 epochs"
    assert way({"Adam": [0.105] * 5}) == "Adam, best at the end, is within a point of it after 1 of 3 epochs"
    none = way(THREE, Claims(("why not",)))
    assert none == "Adam, lowest at the end, gains 27.3 points in the last epoch"


def test_scores_of_whole_volumes_are_called_so_where_curves_are_over_slices(monkeypatch):
    """A title over curves has other numbers than their ends; the axis says what these are over."""
    by_case = dataclasses.replace(tasks.get("mni152"), by_case=True)
    whole = evidence(APART)
    made = result(whole)
    monkeypatch.setattr(report.Evidence, "task", by_case)
    assert sentences.of_scores(whole, made, errors=False).endswith(": a test Dice of 0.908 over volumes")
    assert [one.axis for one in curves.curves_of(by_case)][2] == "test Dice of slices (log in the error)"
    assert curves.error_of(by_case).axis == "test error (1 - Dice of slices), % (log axis)"
    assert curves.error_of(tasks.get("mni152")).axis == "test error (1 - Dice), % (log axis)"


def test_where_every_best_diverged_there_is_no_way():
    """The title says what the figure shows."""
    assert way({"GD": [NAN] * 5}) == "Test error over epochs"


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        (APART, "Training accuracy ends between 0.514 (GD) and 0.918 (Adam)"),
        ({"GD": APART["GD"]}, "Training accuracy ends at 0.514 (GD)"),
        (
            {**APART, "Momentum": [NAN] * 5},
            "Training accuracy ends between 0.514 (GD) and 0.918 (Adam); Momentum diverged",
        ),
        ({"GD": [NAN] * 5}, "Training accuracy: every optimizer diverged"),
    ],
)
def test_a_curve_of_training_tells_its_ends(ends, expected):
    """The means of the last evaluation, which nothing is claimed from."""
    whole = evidence(ends)
    curve = curves.curves_of(whole.task)[0]
    assert curve_sentences.of_curve(curves.rows(whole.found, curve), curve) == expected


def test_of_a_loss_the_highest_comes_first():
    """From the worst to the best, as of an accuracy."""
    whole, loss = evidence(APART), curves.curves_of(tasks.get("mnist_mlp"))[-1]
    said = curve_sentences.of_curve(curves.rows(whole.found, loss), loss)
    assert said == "Training loss ends between 1.786 (GD) and 1.382 (Adam)"


def widths(**found):
    """A row an optimizer with the width of its good rates, and whether it may reach further."""
    return [
        {"optimizer": label, "width_decades": wide, "open_below": beyond, "open_above": 0, "higher_is_better": True}
        for label, (wide, beyond) in found.items()
    ]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({"SGD": (0.4, 0), "Adam": (2.1, 0)}, "0.4 (SGD) to 2.1 (Adam) decades"),
        ({"SGD": (0.4, 0), "Adam": (2.1, 1)}, "0.4 (SGD) to at least 2.1 (Adam) decades"),
        ({"SGD": (0.4, 0), "GD": (1.0, 1), "Adam": (2.1, 0)}, "0.4 (SGD) to 2.1 or more decades"),
        ({"SGD": (0.4, 1), "Adam": (2.1, 1)}, "at least 0.4 to at least 2.1 (Adam) decades"),
        ({"SGD": (0.41, 0), "Adam": (0.43, 0)}, "0.4 decades for each optimizer"),
        ({"GD": (0.01, 0), "Adam": (0.43, 0)}, "less than 0.1 (GD) to 0.4 (Adam) decades"),
        ({"Adam": (2.1, 0), "GD": (NAN, 0)}, "2.1 decades (Adam)"),
    ],
)
def test_widths_go_from_the_narrowest_to_the_widest(found, expected):
    """Nobody is called the widest whom another, open at its end, may exceed; who has none is left out."""
    assert curve_sentences.of_rates(widths(**found)) == f"Rates that lose less than a point span {expected}"


def test_without_a_width_there_is_nothing_to_say():
    """All trials diverged."""
    assert curve_sentences.of_rates(widths(GD=(NAN, 0))) == ""


def test_the_widths_of_a_search_are_in_the_title():
    """From the rows of the figure itself."""
    table = tuning_rows.lost_rows(tuning_rows.tuning_rows(study(), *searched(study())))
    assert curve_sentences.of_rates(table).startswith("Rates that lose less than a point span 0.")
