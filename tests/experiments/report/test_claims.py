"""A report never claims more than the lint allows, wherever it says something."""

import dataclasses
import re

import pytest

from experiments import report, studies
from experiments.analysis.lint import CLAIMS_STAY, Claims, Finding, check, claims, together
from experiments.analysis.overview import Overview
from experiments.analysis.statistics.comparing import compare
from experiments.analysis.statistics.resampling import generator
from experiments.figures import canvas
from experiments.report import printed, text
from experiments.report.captions import say
from experiments.text import from_csv
from tests.experiments.evidence import APART, NOISE, THREE, evidence, result
from tests.experiments.planted import PLANTED
from tests.experiments.sound import STUDY

FEW = Finding("L-B5", "S = 3: fewer than 5 evaluation seeds allow no claim.")
EDGE = Finding("L-B7", "The best of Adam lies at the edge of its range after the last widening.")
MIXED = Finding("L-B2", "Runs of different versions of keras are mixed: 3.13, 3.15.")
COARSE = Finding("L-B13", "Runs are evaluated after each pass, and not at the steps of the protocol's grid.")
BUSY = Finding("L-B16", "Times were taken on a machine that was not idle.", limits=False)
CLAIMS = re.compile(r"†|\bbetter than (?!column)|(?<!orange )\bworse\b|No winner|≈|told apart")


def of(ends, budget="standard", seeds=None):
    """The evidence of a study with a budget, and of its first few seeds alone where their number is given."""
    whole = evidence(ends)
    kept = whole.study.seeds[:seeds]
    study = dataclasses.replace(whole.study, budget=budget, seeds=kept)
    found = [record for record in whole.found if record.run.seed in kept]
    return dataclasses.replace(whole, study=study, found=found, trials=[])


def written(whole, folder, found=None):
    """A report, with findings of its own or with those of the lint."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(canvas, "DPI", 20)
        patch.setattr(report, "broken", lambda *study: [])
        if found is not None:
            patch.setattr(report, "findings", lambda *study, **how: found)
        return report.write(whole, studies.STUDIES / "small.toml", folder, illustrations=False)


def said(made, folder, capsys):
    """All that a report says of who is better, by where it says it."""
    printed.show(made, wide=False)
    narrow = capsys.readouterr().out
    printed.show(made, wide=True)
    plain = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir() if path.suffix in (".csv", ".md")}
    page = (folder / "report.html").read_text(encoding="utf-8")
    drawn = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.svg")}
    return {"narrow": narrow, "wide": capsys.readouterr().out, "report.html": page, **plain, **drawn}


@pytest.mark.parametrize(
    ("found", "budget", "why"),
    [
        ([FEW], "standard", "no claim: S = 3: fewer than 5 evaluation seeds."),
        ([EDGE], "standard", "The best of Adam lies at the edge of its range after the last widening."),
        ([MIXED, BUSY], "paper", "Runs of different versions of keras are mixed: 3.13, 3.15."),
        ([COARSE], "standard", "Runs are evaluated after each pass, and not at the steps of the protocol's grid."),
        ([], "laptop", "the budget 'laptop' is exploratory: too few trials and seeds for claims."),
        (
            [FEW],
            "smoke",
            (
                "S = 3: fewer than 5 evaluation seeds; "
                "the budget 'smoke' is exploratory: too few trials and seeds for claims."
            ),
        ),
        ([FEW, EDGE, MIXED], "standard", "after the last widening; and 1 more reason."),
    ],
    ids=["seeds", "edge", "versions", "grid", "budget", "two", "many"],
)
def test_with_a_broken_rule_of_claims_the_words_are_highest_mean_and_why(found, budget, why):
    """The one value that all else follows: of runs that every test tells apart."""
    whole = of(THREE, budget)
    made = report.result(whole, claims(whole.study, found))
    assert made.headline.startswith("Adam: highest mean; no claim: ")
    assert made.headline.endswith(why)
    assert [row.verdict for row in made.rows] == ["highest mean", "no claim", "no claim"]
    assert not any(row.tied for row in made.rows)
    assert {pair.verdict for pair in made.comparisons} == {"no claim"}


def test_rates_given_by_hand_allow_no_claim():
    """They were not searched with equal budgets, whatever the budget says (rule B4)."""
    study = dataclasses.replace(evidence(THREE).study, track="given", budget="standard")
    assert claims(study, []).words == "no claim: learning rates are given, not searched with equal budgets"


def test_what_a_newcomer_types_first_claims_nothing_anywhere(tmp_path, capsys):
    """Three seeds and a small budget: no claim in words, bold, daggers, verdicts, titles or captions."""
    made = written(of(THREE, "laptop", seeds=3), tmp_path)
    assert {"L-B5"} <= {finding.code for finding in made.findings}
    everything = said(made, tmp_path, capsys)
    for place, words in everything.items():
        assert not CLAIMS.search(words.replace("nothing is called better or worse", "")), (place, CLAIMS.search(words))
    assert 'class="tied"' not in everything["report.html"]
    assert "**Adam**" not in everything["report.md"]
    assert {row["tied"] for row in from_csv(everything["scores.csv"])} == {"False"}
    for name in ("scores.svg", "differences.svg", "test_accuracy.svg", "costs.svg"):
        assert re.search(r"<title>[^<]* \(no claim\)</title>", everything[name]), name
    assert "GD and Adam: no claim (" in everything["report.html"]


def test_with_no_rule_broken_the_verdicts_speak(tmp_path, capsys):
    """A budget for claims; what is broken of seconds alone bears on no score."""
    made = written(of(THREE), tmp_path, [BUSY])
    assert made.result.claims.allowed
    assert made.result.headline.startswith("No winner: the runs do not tell Adam and Momentum apart")
    everything = said(made, tmp_path, capsys)
    assert "worse†" in everything["narrow"]
    assert 'class="tied"' in everything["report.html"]
    assert "**Adam**" in everything["report.md"]
    assert "(no claim)" not in "".join(everything.values())


@pytest.mark.parametrize(("rule", "plant", "words"), PLANTED, ids=[rule.__name__ for rule, _, _ in PLANTED])
def test_every_rule_of_the_lint_limits_claims_but_those_of_seconds_targets_and_costs(rule, plant, words):
    """A rule that is added to the lint limits claims unless it is named as one that does not."""
    allowed = claims(dataclasses.replace(STUDY, budget="standard"), check(plant()))
    assert allowed.allowed is (rule in CLAIMS_STAY), words
    assert allowed.mark == ("" if rule in CLAIMS_STAY else " (no claim)")


def test_the_lowest_loss_is_called_so(monkeypatch):
    """Less is better, and the words say which way."""
    monkeypatch.setattr(report.Evidence, "higher", property(lambda self: False))
    found = report.result(evidence(APART), Claims(("why not",)))
    assert found.headline == "GD: lowest mean; no claim: why not."
    assert [row.verdict for row in found.rows] == ["lowest mean", "no claim"]


def test_equal_means_are_named_together_and_diverged_ones_not_at_all():
    """The first of equals is no better than the second, and a run that diverged leaves no mean."""
    equal = report.result(evidence({"GD": APART["Adam"], "Adam": APART["Adam"]}), Claims(("why not",)))
    assert equal.headline == "GD and Adam: highest mean; no claim: why not."
    lost = [float("nan"), *APART["GD"][1:]]
    none = report.result(evidence({"GD": lost, "Adam": lost}), Claims(("why not",)))
    assert none.headline == "Of every optimizer a run diverged, so that none has a mean; no claim: why not."


def test_missing_runs_and_an_optimizer_alone_are_told_as_ever():
    """Both say less than a claim."""
    gone = report.result(evidence({"GD": APART["GD"], "Adam": [0.90, None, 0.92, 0.90, 0.91]}), Claims(("why not",)))
    assert gone.headline.endswith("Adam has 4 of 5 runs, and no mean yet.")
    assert [pair.verdict for pair in gone.comparisons] == ["n/a"]
    alone = report.result(evidence({"GD": APART["GD"]}), Claims(("why not",)))
    assert alone.headline == "GD ran alone: there is nothing to compare it with."


def test_a_comparison_without_a_claim_keeps_its_numbers():
    """They are what was measured; from both sides there is no verdict, and no dagger."""
    runs = {label: dict(enumerate(ends)) for label, ends in APART.items()}
    (row,) = compare(runs, generator("study", "table"), higher_is_better=True)
    plain = row.unclaimed()
    assert (row.verdict, plain.verdict, plain.reversed().verdict, plain.mark) == ("worse", "no claim", "no claim", "")
    assert dataclasses.replace(plain, verdict="worse") == row
    assert plain.words().startswith("GD and Adam: no claim (mean difference -0.404, ")


def test_over_several_problems_one_that_allows_no_claim_leaves_none():
    """No p of ranks, no diagram of them, no star; each problem's sentence is its own."""
    whole = evidence(NOISE)
    limited, free = (report.result(whole, one) for one in (Claims(("why not",)), Claims()))
    overview = Overview([whole] * 8, [free] * 7 + [limited])
    assert overview.claims == together([free.claims, limited.claims]) == Claims(("why not",))
    assert overview.words()[-1] == "Ranks are shown without p values; no claim: why not."
    assert "star" not in say("overview", "overview", "how", overview)
    assert "star" in say("overview", "overview", "how", Overview([whole] * 8, [free] * 8))
    assert "refused; no claim: why not." in say("overview", "critical_differences", "refused", overview)


def test_the_notes_explain_bold_and_daggers_only_where_there_are_some():
    """Else they say why there are none."""
    whole = evidence(THREE)
    limited, free = (text.notes(whole, report.result(whole, one)) for one in (Claims(("why not",)), Claims()))
    assert "Nothing is bold and nothing is called better or worse: no claim: why not." in " ".join(limited)
    assert "Bold: the best mean" in " ".join(free)


def test_a_budget_that_is_no_budget_for_claims_says_so():
    """Five seeds are exploratory, ten are for claims."""
    small = evidence(APART)
    large = dataclasses.replace(small, study=dataclasses.replace(small.study, budget="standard"))
    said = [" ".join(text.notes(one, result(small))) for one in (small, large)]
    assert ["exploratory" in words for words in said] == [True, False]
