"""The report's page on screens of every width, and figures that show what is asked for and say each thing once."""

import pytest

from tests.experiments.paged import HOSTILE

BANDS = "Array.from(document.querySelectorAll('figure svg use[style*=\"fill-opacity\"]'))"
SEEN = "e => getComputedStyle(e).visibility === 'visible'"


@pytest.mark.parametrize("label", ["GD", "Adam"])
def test_bands_and_intervals_leave_with_their_optimizer(page, label):
    """Those in black too, whose colour an SVG does not name; every band belongs to somebody, and the others' stay."""
    owned = f"{BANDS}.map(e => e.closest('[data-optimizer]')?.dataset.optimizer)"
    whole = page.ask(owned)
    assert set(whole) == {"GD", "Adam", HOSTILE}
    page.click(f"form.filters input[value={label}]")
    assert page.ask(f"{BANDS}.filter({SEEN}).length") == len(whole) - whole.count(label)
    mine = f"Array.from(document.querySelectorAll('figure svg [data-optimizer={label}] *'))"
    assert page.ask(f"{mine}.length") > 50
    assert page.ask(f"{mine}.some({SEEN})") is False


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_letters_can_be_read_on_screens_of_every_width(page, width):
    """At least 11 px high, in figures as well; these scroll by themselves, and the page does not."""
    page.call("Emulation.setDeviceMetricsOverride", width=width, height=844, deviceScaleFactor=1, mobile=width < 500)
    try:
        sizes = page.ask(
            "Array.from(document.querySelectorAll('figure svg text'), e => parseFloat(getComputedStyle(e).fontSize) * "
            "e.ownerSVGElement.getBoundingClientRect().width / e.ownerSVGElement.viewBox.baseVal.width)"
        )
        plain = page.ask(
            "Array.from(document.querySelectorAll('p, li, td, th, figcaption, label'), "
            "e => parseFloat(getComputedStyle(e).fontSize))"
        )
        assert len(sizes) > 100
        assert min(sizes) >= 10.99  # 11, less what the browser rounds
        assert min(plain) >= 11
        assert page.ask("document.documentElement.scrollWidth") <= width
    finally:
        page.call("Emulation.clearDeviceMetricsOverride")


def test_each_caption_stands_once(page):
    """Under its figure; neither the picture nor what screen readers are told has it again, nor title or footer."""
    figures = page.ask(
        "Array.from(document.querySelectorAll('figure'), figure => [figure.textContent, "
        "figure.querySelector('figcaption').firstChild.textContent.trim(), figure.previousElementSibling.textContent, "
        "Array.from(figure.querySelectorAll('svg text'), e => e.textContent).join(' ')])"
    )
    assert len(figures) >= 10
    for whole, caption, title, drawn in figures:
        assert caption
        assert whole.count(caption) == 1
        assert title not in drawn
        assert "drawn by" not in drawn
