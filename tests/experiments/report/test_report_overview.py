"""Several problems in one page: one scale for all, ranks without p values, and the way to each report."""

import dataclasses
import math
import re

import pytest

from experiments import report, studies
from experiments.analysis.lint import Claims
from experiments.analysis.overview import Overview, map_table, several
from experiments.analysis.time_rows import drawable, solved_of
from experiments.report import write_overview
from tests.experiments.evidence import APART, NOISE, evidence, result


def problem(ends, data="mnist_5k", **how):
    """The evidence of one problem."""
    one = evidence(ends, **how)
    return dataclasses.replace(one, study=dataclasses.replace(one.study, data=data))


def whole(*ends):
    """The overview of some problems."""
    problems = [problem(end, data) for end, data in zip(ends, ("mnist_5k", "mnist"), strict=False)]
    return Overview(problems, [result(one) for one in problems])


def test_scores_of_all_problems_share_one_scale():
    """From the value at step 0 to the best that any run reached; a diverged run has 0."""
    shares = whole(APART, {**NOISE, "GD": [math.nan, 0.91, 0.90, 0.92, 0.89]}).normalised()
    # Test accuracies begin at 0.09, a hundredth below the small records' 0.1; the best of APART is 0.92.
    assert shares["GD"][0][0] == pytest.approx((0.50 - 0.09) / (0.92 - 0.09))
    assert max(value for rows in shares.values() for row in rows for value in row) == 1.0
    assert shares["GD"][1][0] == 0.0


def test_the_verdicts_are_those_of_each_problem():
    """What loses one and ties the other is shown so; ranks come without p values below 8 problems (rule B18)."""
    found = whole(APART, NOISE)
    told = {(row["optimizer"], row["problem"]): (row["verdict"], row["tied"]) for row in map_table(found)}
    assert told["GD", "mnist_mlp on mnist_5k"] == ("worse†", False)
    assert told["GD", "mnist_mlp on mnist"][1]
    assert found.ranks() == {"GD": 2.0, "Adam": 1.0} or found.ranks() == {"GD": 1.5, "Adam": 1.5}
    assert found.words()[-1].endswith("no critical-difference diagram is drawn: 2 problems are fewer than 8.")


def test_eight_problems_have_a_test_of_ranks():
    """Friedman's p and Nemenyi's distance are told from eight on."""
    three = {**APART, "Momentum": [0.7] * 5}
    one = problem(three)
    found = Overview([one] * 8, [result(one)] * 8)
    assert re.search(r"Friedman's test: p = 0\.000\d+; .* differ by 1\.17 or more\.$", found.words()[-1])


def test_the_time_of_a_problem_is_the_median_over_its_seeds():
    """Infinite as soon as half of them miss."""
    found = whole(APART, NOISE)
    one = dataclasses.replace(found.evidence[0], target=0.93)
    (adam,) = [row for row in Overview([one], found.results[:1]).times if row["optimizer"] == "Adam"]
    assert adam["epochs"] == math.inf
    table = whole(APART, NOISE).times
    assert len(table) == 4
    assert {row["share"] for row in table} == {1.0}


def test_a_problem_whose_target_is_void_is_in_no_profile():
    """No times are given for it (rule B14), and its name is told in their place."""
    found = whole(APART, NOISE)
    table = found.times
    names = list(dict.fromkeys(row["problem"] for row in table))
    void = [{**row, "void": "all do" if row["problem"] == names[0] else "", "epochs": 3.0} for row in table]
    assert solved_of(void) == {"GD": [3.0], "Adam": [3.0]}
    for rows, words in ((void, f" Left out, because the target is void: {names[0]}."), (void[-1:], "")):
        found.__dict__["times"] = rows
        assert found.left_out == words
    assert not drawable([{**row, "void": "all do"} for row in table])


def test_one_problem_or_missing_runs_have_no_overview():
    """A mean over the problems that happen to be there would flatter."""
    lost = problem({**APART, "GD": [0.5, 0.5, 0.5, 0.5, None]})
    assert several([problem(APART)], [result(problem(APART))]) is None
    assert several([problem(APART), lost], [result(problem(APART)), result(lost)]) is None


@pytest.mark.slow
def test_the_page_leads_to_the_report_of_each_problem(tmp_path, monkeypatch):
    """By links inside its folder; the sentences of each are there, and so are the numbers."""
    monkeypatch.setattr("experiments.figures.canvas.DPI", 20)
    monkeypatch.setattr(report, "findings", lambda *study, **given: [])
    monkeypatch.setattr(report, "claims", lambda *study: Claims())
    monkeypatch.setattr(report, "broken", lambda *study: [])
    path = studies.STUDIES / "mnist.toml"
    made = [
        report.write(one, path, tmp_path / name, illustrations=False)
        for name, one in (("a", problem(APART)), ("b", problem(NOISE, "mnist")))
    ]
    files = write_overview(made, "Two problems", tmp_path)
    page = files[-1].read_text(encoding="utf-8")
    assert files[-1] == tmp_path / "overview.html"
    assert [tmp_path / link for link in re.findall(r'<li><a href="([^"#]+)"', page)] == [one.page for one in made]
    assert "mnist_mlp on mnist: No winner" in page
    assert page.count("download=") == 1 + len([file for file in files if file.suffix == ".csv"])
    assert re.findall('name="problem" value="([^"]+)"', page) == ["mnist_mlp on mnist_5k", "mnist_mlp on mnist"]
