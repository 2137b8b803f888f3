"""Every page of the built site: links lead somewhere, a browser complains of nothing, none scrolls sideways."""

import time
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import pytest

from tests.browser import driver
from tests.tables import ROOT

SITE = ROOT / "build/docs"
PHONE, DESK = (390, 844), (1280, 900)
PAGES = sorted(path for path in SITE.rglob("*.html"))
SEARCHED = {"lookahead": "wrappers", "warmup": "schedules", "embedding": "embeddings"}

FOUND = "Array.from(document.querySelectorAll('#search-results a')).map(a => a.getAttribute('href'))"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PAGES, reason="there is no site yet; make docs builds it, and runs these tests on it"),
]


class Page(HTMLParser):
    """The links, places and pictures of a page."""

    def __init__(self, path):
        """Reads a page."""
        super().__init__()
        self.links, self.places, self.unnamed = [], set(), []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        """Keeps what leads elsewhere, what can be led to, and pictures without words."""
        given = dict(attrs)
        self.places |= {given[name] for name in ("id", "name") if given.get(name)}
        self.links += [given[name] for name in ("href", "src") if given.get(name)]
        if tag == "img" and not given.get("alt"):
            self.unnamed.append(given.get("src"))


@pytest.fixture(scope="module")
def read():
    """All pages, by path."""
    return {path: Page(path) for path in PAGES}


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """A headless browser; `make browser` installs it."""
    if driver.find() is None:
        pytest.skip("No browser to test the site in; run: make browser")
    with driver.Browser(tmp_path_factory.mktemp("browser")) as one:
        yield one


def size(browser, width, height):
    """Makes the window as wide and high as a screen."""
    browser.call(
        "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
    )


def dead(path, read):
    """The links of a page to nothing."""
    return [link for link in read[path].links if not leads_somewhere(path, link, read)]


def leads_somewhere(path, link, read):
    """Whether a link leads to a file, and to a place of the page that it names."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return parts.scheme in ("https", "http", "mailto", "data")
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not target.exists():
        return False
    return not parts.fragment or target not in read or unquote(parts.fragment) in read[target].places


def test_every_link_leads_somewhere(read):
    """Within the site; addresses elsewhere are not asked for."""
    assert len(read) > 80
    assert {} == {path.name: found for path in read if (found := dead(path, read))}


def test_every_picture_has_words(read):
    """For who cannot see it."""
    assert {} == {path.name: page.unnamed for path, page in read.items() if page.unnamed}


def test_no_page_complains_asks_elsewhere_or_scrolls_sideways(browser):
    """At the width of a phone, from the file system."""
    found = {}
    size(browser, *PHONE)
    for path in PAGES:
        browser.open(path)
        wide = browser.ask("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if problems := browser.problems() + ([f"{wide} px too wide"] if wide > 0 else []):
            found[path.relative_to(SITE).as_posix()] = problems
    assert {} == found


@pytest.mark.parametrize(("word", "page"), SEARCHED.items())
def test_search_finds_without_network(browser, word, page):
    """In a page opened from the file system."""
    size(browser, *DESK)
    browser.call("Page.navigate", url=f"{(SITE / 'search.html').as_uri()}?q={word}")
    links, end = [], time.monotonic() + driver.WAIT_SECONDS
    while not any(page in link for link in links) and time.monotonic() < end:
        time.sleep(0.05)
        links = browser.ask(FOUND) or []
    assert any(page in link for link in links), links


def test_start_page_leads_to_every_part():
    """Use, compare, trust, migrate, optimizers: one click."""
    links = Page(SITE / "index.html").links
    for part in ("use/quickstart", "compare/first-study", "trust/index", "migrate/index", "api/optimizers"):
        assert f"{part}.html" in links
