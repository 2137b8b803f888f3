"""All studies at a glance: what their reports say, on one page, and no more."""

import dataclasses
import math
from collections import Counter
from pathlib import Path

import pytest

from experiments import report, studies
from experiments.analysis import standing
from experiments.analysis.lint import Claims
from experiments.cli import results
from experiments.errors import UserError
from experiments.report import gallery, glance, tables
from experiments.text import from_csv
from tests.experiments import small
from tests.experiments.evidence import APART, NOISE, THREE, evidence
from tests.experiments.figures.drawn import STYLES


@pytest.fixture
def reported(tmp_path, monkeypatch):
    """What is found where some studies have reports of given test accuracies, with or without claims."""

    def made(**given):
        monkeypatch.chdir(tmp_path)
        for name, (ends, claims) in given.items():
            (tmp_path / f"{name}.toml").write_text(small.TOML.replace('"figures"', f'"{name}"'), "utf-8")
            if ends is not None:
                write(evidence(ends), claims, Path(name))
        monkeypatch.delattr(
            studies, "load", raising=False
        )  # the user names no study, so that no code of its own may run
        monkeypatch.setattr(studies, "names", lambda: [str(tmp_path / f"{name}.toml") for name in given])
        return glance.reported()

    return made


def write(whole, claims, folder):
    """What is read of a report: its table and its first figure, coarse."""
    made = report.result(whole, claims)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("experiments.figures.canvas.DPI", 20)
        patch.setattr(gallery, "FIGURES", gallery.FIGURES[:1])
        gallery.draw(whole, made, folder, STYLES)
    (folder / "report.csv").write_text(tables.of_results(whole, made).csv, encoding="utf-8")
    (folder / "report.html").touch()


WHY = Claims(("why not",))


def test_every_study_with_a_report_has_a_row_and_a_picture(reported):
    """The finding of its first figure, and the way to its page; a study without a report is left out."""
    found = reported(three=(THREE, Claims()), noise=(NOISE, Claims()), none=(None, None))
    files = glance.write(found, Path("out"))
    assert [path.name for path in files] == ["results.html", "results.md", "results.csv"]
    page, text, table = (path.read_text(encoding="utf-8") for path in files)
    title = "Adam and Momentum tie at 9.2 to 9.6 % test error; GD is worse† by 40.4 points"
    assert f"[MLP 784-1000-500-100-10 on mnist_5k](../three/report.html): {title}" in text
    assert f'<a href="../three/report.html">{title}</a>' in page
    assert page.count("<svg") == 2
    assert "none" not in {row["study"] for row in from_csv(table)}


def test_the_verdicts_are_those_of_the_reports(reported):
    """Ties, a winner, nobody apart, and no claim where none is allowed."""
    found = reported(a=(THREE, Claims()), b=(NOISE, Claims()), c=(APART, Claims()), d=(THREE, WHY))
    assert [one.verdict for one in found] == ["2 tie; 1 worse", "no winner: all tie", "best; 1 worse", "no claim"]
    assert [one.ties for one in found] == [["Adam", "Momentum"], ["Adam", "GD"], ["Adam"], []]
    assert found[0].score[0] == pytest.approx(0.908)
    assert [one.seeds for one in found] == [5] * 4
    assert found[3].finding.endswith("(no claim)")


def test_with_a_reference_the_best_is_the_best_mean_and_verdicts_are_against_the_reference(reported):
    """The reference need not be good, and what ties with it need not tie with the best."""
    (one,) = reported(three=(THREE, Claims()))
    verdicts = {"Adam": "better†", "Momentum": "≈", "GD": "reference", "Lion": "worse", "Muon": "runs missing"}
    scores = {key: value for key, value in one.rows[0].items() if key not in ("optimizer", "verdict", "in_tie_group")}
    rows = [
        {**scores, "optimizer": label, "verdict": verdict, "in_tie_group": str(verdict in ("≈", "reference"))}
        for label, verdict in verdicts.items()
    ]
    planned = glance.Reported("one", "One", Path("nowhere"), rows)
    assert planned.verdict == "against GD: 1 better, 1 tie, 1 worse, 1 not compared"
    assert planned.ties == ["Adam"]
    assert planned.finding == "Adam has the best mean; against GD: 1 better, 1 tie, 1 worse, 1 not compared"
    assert [standing.place(label, rows) for label in verdicts] == [
        "the best mean, better† than GD", "tied with GD", "the reference", "worse than GD", "runs missing",
    ]  # fmt: skip


def test_of_a_reference_without_claims_nothing_is_called_best(reported):
    """Its row is named, and that is all."""
    (one,) = reported(three=(THREE, WHY))
    rows = [{**row, "verdict": "no claim" if number else "reference"} for number, row in enumerate(one.rows)]
    assert dataclasses.replace(one, rows=rows).verdict == "no claim"
    assert {standing.place(row["optimizer"], rows) for row in rows} == {"no claim"}


@pytest.mark.parametrize(
    ("ends", "said"),
    [(THREE, {"tied for the best": 2, "worse†": 1}), (APART, {"the best": 1, "worse†": 1})],
    ids=["ties", "best"],
)
def test_pages_say_of_one_optimizer_what_the_table_says(reported, ends, said):
    """Where all pairs are compared."""
    (one,) = reported(one=(ends, Claims()))
    assert Counter(standing.place(row["optimizer"], one.rows) for row in one.rows) == said


def test_an_optimizer_alone_has_nothing_to_compare(reported):
    """It neither wins nor ties."""
    (one,) = reported(alone=({"GD": APART["GD"]}, Claims()))
    assert one.verdict == "nothing to compare"


def test_a_report_without_its_page_or_picture_is_told_from_its_table(reported):
    """As in a fresh clone: pages are not committed."""
    (one,) = reported(three=(THREE, Claims()))
    (Path("three") / "report.html").unlink()
    (Path("three") / "scores.svg").unlink()
    assert one.page(Path()) == "three/report.md"
    assert dataclasses.replace(one).finding == "Adam, Momentum: 2 tie; 1 worse"


def test_a_function_is_called_an_illustration(reported):
    """It says nothing about networks (rule B20)."""
    (one,) = reported(three=(THREE, Claims()))
    toy = dataclasses.replace(one, rows=[{**row, "model": "beale", "data": "beale"} for row in one.rows])
    assert toy.problem == "Beale's plateaus with sharp walls (1958) (illustration, not evidence)"


def test_errors_of_three_problems_make_a_profile(reported):
    """With a picture on the page; no claims, rates that were not chosen, and losses make none."""
    found = reported(**{name: (THREE, Claims()) for name in "abc"}, d=(THREE, WHY))
    assert set(found[0].errors) == {"Adam", "GD"}  # Momentum has left the study since
    found = [dataclasses.replace(one, styles=STYLES) for one in found]
    assert [set(one.errors) for one in found] == [{"Adam", "Momentum", "GD"}] * 3 + [set()]
    assert found[0].errors["Adam"] == pytest.approx(1 - 0.908)
    files = glance.write(found, Path("out"))
    assert [path.name for path in files[3:]] == ["error_profiles.png", "error_profiles.svg", "error_profiles.csv"]
    title = "Nearest to the lowest test errors shown: Adam on 3 problems"
    assert f"<title>{title}</title>" in files[4].read_text(encoding="utf-8")
    assert files[0].read_text(encoding="utf-8").count("<svg") == len(found) + 1
    assert not dataclasses.replace(found[0], tuned=False).errors
    toy = [{**row, "model": "beale", "data": "beale"} for row in found[0].rows]
    assert not dataclasses.replace(found[0], rows=toy).errors
    losses = [{**row, "model": "deepobs_quadratic_deep"} for row in found[0].rows]
    assert not dataclasses.replace(found[0], rows=losses).errors
    lost = [{**row, "test_accuracy_mean": ""} for row in found[0].rows]
    assert set(dataclasses.replace(found[0], rows=lost).errors.values()) == {math.inf}
    assert glance.profile(found[:2], Path("out")) == ([], "")  # and what was drawn of three is gone
    assert list(Path("out").glob("error_profiles.*")) == []


def test_problems_of_a_profile_have_names_of_their_own(reported):
    """By study, model and data, as far as is needed; one on which somebody makes no error is told."""
    (one,) = reported(three=(THREE, Claims()))
    one = dataclasses.replace(one, styles=STYLES)

    def other(name="three", data="mnist_5k", mean=None):
        rows = [{**row, "data": data, "test_accuracy_mean": mean or row["test_accuracy_mean"]} for row in one.rows]
        return dataclasses.replace(one, name=name, rows=rows)

    table, faultless = glance.profiled([one, other(data="mnist"), other("third"), other("easy", mean="1.0")])
    names = {"three (mnist_mlp, mnist_5k)", "three (mnist_mlp, mnist)", "third"}
    assert ({row["problem"] for row in table}, faultless) == (names, ["easy"])


def test_of_one_that_was_tuned_too_little_no_error_is_compared(reported):
    """Nothing is claimed of it (rule B8)."""
    (one,) = reported(three=(THREE, Claims()))
    rows = [{**row, "verdict": "no claim"} if row["optimizer"] == "GD" else row for row in one.rows]
    assert set(dataclasses.replace(one, rows=rows, styles=STYLES).errors) == {"Adam", "Momentum"}


def test_the_command_writes_them_or_says_how_to_make_the_first(reported, capsys):
    """One sentence, with the command."""
    reported(three=(THREE, Claims()))
    given = type("Given", (), {"out": Path("out")})
    results.results(given, "")
    assert capsys.readouterr().out.endswith(f"Open {Path('out') / 'results.html'}\n")
    reported(none=(None, None))
    with pytest.raises(UserError, match="No study has a report here"):
        results.results(given, "")
