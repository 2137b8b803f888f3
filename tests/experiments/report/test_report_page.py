"""The report's page in a real browser: it sorts, filters and hands out its numbers, and trusts no name."""

import re

import pytest

from experiments.report import Evidence
from experiments.report.page import inlined
from experiments.text import from_csv
from tests.experiments.evidence import APART
from tests.experiments.paged import ENDS, HOSTILE, heading, names, written


def test_a_click_sorts_by_numbers_and_another_turns_the_order(page):
    """By learning rate: as numbers, not as words; what is sorted is told to screen readers."""
    assert names(page) == ["Adam", HOSTILE, "GD"]
    page.click(heading(2))
    assert names(page) == ["Adam", HOSTILE, "GD"]
    assert page.ask("document.querySelector('#results thead th:nth-child(2)').ariaSort") == "ascending"
    page.click(heading(2))
    assert names(page) == [HOSTILE, "GD", "Adam"], "equal rates stay as they stood"
    page.click(heading(8))
    assert names(page)[-1] == "Adam", "the best has no p: what has no number comes last"


@pytest.mark.parametrize("column", [3, 4, 5, 6, 7])
def test_the_first_click_on_a_score_puts_the_best_first(page, column):
    """By mean, median, interquartile mean, at best validation, and by the gap to the best, which has none to itself."""
    page.click(heading(2))
    page.click(heading(column))
    assert names(page) == ["Adam", HOSTILE, "GD"]
    page.click(heading(column))
    assert names(page) == ["GD", HOSTILE, "Adam"]


def test_the_first_click_on_the_score_of_a_run_puts_the_best_run_first(page):
    """Runs have a table of their own; passes and seeds are no scores."""
    page.click("#runs thead th:nth-child(7) button")
    ends = page.ask("Array.from(document.querySelectorAll('#runs tbody tr'), row => Number(row.cells[6].textContent))")
    assert ends == sorted(ends, reverse=True)
    page.click("#runs thead th:nth-child(2) button")
    assert page.ask("document.querySelector('#runs thead th:nth-child(2)').ariaSort") == "ascending"


def test_the_first_click_on_a_loss_puts_the_lowest_first(browser, tmp_path, monkeypatch):
    """Less is better: in the mean as in the runs; what the best is ahead is below zero, and its own gap is zero."""
    monkeypatch.setattr(Evidence, "higher", property(lambda self: False))
    written(tmp_path, APART)
    browser.open(tmp_path / "report.html")
    assert "GD: lowest mean; no claim: " in browser.ask("document.querySelector('#headline').textContent")
    for column in (3, 4, 5, 7):  # of all curves the lowest end is the first, so that by validation all are equal
        browser.click(heading(2))
        browser.click(heading(column))
        assert names(browser) == ["GD", "Adam"], column
    browser.click("#runs thead th:nth-child(7) button")
    assert names(browser, "runs")[:5] == ["GD"] * 5


def test_an_optimizer_can_be_hidden_and_shown_again(page):
    """Its rows leave every table, pairs with it as well, and what is drawn of it leaves the figures."""
    page.click("form.filters input[value=GD]")
    assert names(page, seen=True) == ["Adam", HOSTILE]
    assert names(page, "pairs", seen=True) == ["Adam"]
    assert "GD" not in names(page, "runs", seen=True)
    faded = page.ask("document.querySelectorAll('figure svg .off').length")
    assert faded > 20
    page.click("form.filters input[value=GD]")
    assert names(page, seen=True) == ["Adam", HOSTILE, "GD"]
    assert page.ask("document.querySelectorAll('figure svg .off').length") == 0


def test_filters_have_the_best_first_and_one_problem_has_none(page):
    """In the order of the table and of the first figure."""
    boxes = page.ask("Array.from(document.querySelectorAll('form.filters input'), box => [box.name, box.value])")
    assert boxes == [["optimizer", name] for name in ("Adam", HOSTILE, "GD")]


def test_three_figures_stand_above_everything_else(page):
    """With their findings as headings; at 1280 pixels side by side and above the fold, on a phone one by one."""
    page.call("Emulation.setDeviceMetricsOverride", width=1280, height=800, deviceScaleFactor=1, mobile=False)
    try:
        tops = "Array.from(document.querySelectorAll('.first figure'), e => Math.round(e.getBoundingClientRect().top))"
        assert len(set(page.ask(tops))) == 1
        assert max(page.ask(tops.replace(".top", ".bottom").replace(".first figure", ".first svg"))) < 800
        assert page.ask("document.querySelector('.first h2').textContent").startswith("Adam has the lowest mean")
        page.call("Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=1, mobile=True)
        assert len(set(page.ask(tops))) == 3
    finally:
        page.call("Emulation.clearDeviceMetricsOverride")


def test_figures_that_few_need_are_folded_away(page):
    """And everything that they show is there, one click away."""
    folded = "document.querySelector('details.appendix').open"
    assert page.ask(folded) is False
    assert page.ask("document.querySelectorAll('details.appendix figure').length") >= 3
    page.click("details.appendix summary")
    assert page.ask(folded) is True


def test_methods_say_once_what_all_figures_rest_on(page):
    """Data, steps, rates and versions, at the end of the page and nowhere else."""
    methods = page.ask("document.querySelector('#methods').nextElementSibling.textContent")
    for words in ("4,000 / 500 / 500", "Learning rates, chosen", "TensorFlow", "expanded percentile bootstrap"):
        assert words in methods
        assert page.ask("document.body.textContent").count(words) == 1, words


def test_numbers_are_one_click_away_as_csv(page, folder):
    """Of the table above all, and of every figure: what is saved is what the figure was drawn from."""
    saved = page.download("#results a[download]")
    assert saved == (folder / "report.csv").read_text(encoding="utf-8")
    assert [row["optimizer"] for row in from_csv(saved)] == ["Adam", HOSTILE, "GD"]
    assert page.download("#figure-scores a[download]") == (folder / "scores.csv").read_text(encoding="utf-8")
    links = page.ask("document.querySelectorAll('figure').length")
    assert links == page.ask("document.querySelectorAll('figure figcaption a[download]').length") >= 10


def test_the_page_needs_no_network_and_has_no_errors(page):
    """Nothing is asked for but the file itself, and nothing is complained of."""
    assert page.problems() == []


def test_broken_rules_are_in_red(page):
    """With their code, above the table, on light and on dark paper, told apart from it well enough to be read."""
    assert page.ask("document.querySelector('#lint li').textContent") == "L-B5: The study has <b>two</b> seeds."
    for theme in ("light", "dark"):
        page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])
        colors = page.ask("(s => [s.color, s.backgroundColor])(getComputedStyle(document.querySelector('#lint')))")
        ink, paper = (list(map(int, re.findall(r"\d+", color)[:3])) for color in colors)
        assert ink[0] > max(ink[1:]), "red"
        assert contrast(ink, paper) >= 4.5
        body = page.ask("(s => [s.color, s.backgroundColor])(getComputedStyle(document.body))")
        assert contrast(*(list(map(int, re.findall(r"\d+", color)[:3])) for color in body)) >= 7


def contrast(one, other):
    """How well two colours are told apart, 1 to 21, by the definition of the Web Content Accessibility Guidelines."""

    def luminance(color):
        parts = [c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in color]
        return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), parts, strict=True))

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_the_page_can_be_read_without_scripts(browser, folder):
    """Tables and figures are there; what would do nothing is not shown."""
    browser.open(folder / "report.html", script=False)
    browser.call("Emulation.setScriptExecutionDisabled", value=False)
    assert names(browser, seen=True) == ["Adam", HOSTILE, "GD"]
    assert browser.ask("document.querySelectorAll('#results button').length") == 0
    assert browser.ask("document.querySelector('form.filters').offsetParent") is None
    browser.open(folder / "report.html")


def test_the_page_is_told_to_those_who_cannot_see_it(page):
    """Tables have headings of columns and rows, figures a title and a description, the page its language."""
    assert page.ask("document.documentElement.lang") == "en"
    assert page.ask("document.querySelectorAll('td').length > 20")
    assert page.ask(
        "Array.from(document.querySelectorAll('table tbody tr')).every(row => row.cells[0].scope === 'row')"
    )
    assert page.ask("Array.from(document.querySelectorAll('thead th')).every(cell => cell.scope === 'col')")
    assert page.ask(
        "Array.from(document.querySelectorAll('figure svg')).every(svg => svg.querySelector('title, desc'))"
    )
    assert page.ask("new Set(Array.from(document.querySelectorAll('[id]'), e => e.id)).size") == page.ask(
        "document.querySelectorAll('[id]').length"
    )


def test_names_are_never_markup(page):
    """A label with a script and a formula in it is shown letter by letter, in tables and in figures."""
    assert page.ask("document.title").startswith("Report: MLP")
    assert page.ask("document.querySelectorAll('script').length") == 1
    assert HOSTILE in names(page)
    assert HOSTILE in page.ask("Array.from(document.querySelectorAll('svg text'), e => e.textContent).join(' ')")


def test_a_script_that_is_not_the_pages_own_does_not_run(page):
    """Even if a name became markup, the page allows one script, by its digest."""
    page.ask("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.had = 1\">')")
    page.ask("(s => { s.textContent = 'window.had = 2'; document.body.append(s); })(document.createElement('script'))")
    assert page.ask("window.had") is None


@pytest.mark.slow
def test_two_reports_of_one_study_are_equal_to_the_byte(folder, tmp_path):
    """Random draws derive from the study, and nothing tells the time (rule B18)."""
    written(tmp_path, ENDS)
    first, second = ({p.name: p.read_bytes() for p in place.iterdir() if p.is_file()} for place in (folder, tmp_path))
    assert first == second


def test_a_figure_in_a_page_keeps_its_references():
    """Names are made the page's own, and what refers to them follows."""
    content = '<g id="a"/><g id="ab"/><use href="#a"/><p clip="url(#ab)"/>'
    svg = f'<?xml version="1.0"?><svg><metadata>x</metadata>{content}</svg>\n'
    assert inlined(svg, "f1") == ('<svg><g id="f1-a"/><g id="f1-ab"/><use href="#f1-a"/><p clip="url(#f1-ab)"/></svg>')
