"""The report as a person meets it: in a real browser, at the size of a phone and of a desk, by day and by night."""

import re
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from eurostat_assets.report import Check, Dataset, Event, Finding, Report, Source, Today, as_html, as_markdown

ARTEFACTS = Path(__file__).resolve().parents[2] / "artefacts"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
NOW = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
EVIL = "<script>window.broken = 1</script><img src=x onerror='window.broken = 1'> & \"title\" | `a` [b](javascript:c)"

browsing = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: NO PAGE WAS LOOKED AT"),
]


def dataset(number: int) -> Dataset:
    state = "failed" if number % 50 == 7 else "stale" if number % 30 == 3 else "current"
    group = ("CD", "EHIS", "SILC", "DH", "RS", "HLYE")[number % 6]
    return Dataset(
        code=f"HLTH_{group}_{number}",
        title=EVIL if number == 7 else f"Causes of death number {number} by sex, age group and NUTS 2 region",
        state=state,
        released_at=NOW - timedelta(days=number),
        offered_at=NOW - timedelta(hours=number),
        behind_since=None if state == "current" else NOW - timedelta(hours=number),
        published_at=NOW - timedelta(days=number % 9),
        rows=number * 1234,
        table_bytes=number * 100_000,
        raw_bytes=number * 9_000,
        note=EVIL if state == "failed" else "",
    )


@pytest.fixture
def mirror() -> Report:
    """The mirror of 490 datasets, some of them with titles and errors that were meant to break a page."""
    checks = [
        Check(f"HLTH_CD_{n}", name, n != 7, True, EVIL if n == 7 else "well", None, NOW)
        for n in range(0, 490, 6)
        for name in ("complete", "known_codes")
    ]
    checks.append(Check("HLTH_CD_7", "row_count_plausible", False, False, EVIL, "it is so", NOW))
    return Report(
        made_at=NOW,
        source="an invented Eurostat on this machine",
        theme="HLTH",
        datasets=[dataset(number) for number in range(490)],
        sources=[Source("feed", NOW, None), Source("sweep", None, EVIL)],
        checks=checks,
        findings=[Finding("hlth_cd_7", "differs", "error", EVIL, NOW)],
        events=[
            Event("HLTH_CD_1", "A title", "published", 1000, n - 3, 1.25, EVIL if n == 2 else None, NOW)
            for n in range(40)
        ],
        days=[Today(date(2026, 9, 23) + timedelta(days=n), n % 7, n % 3, 1000 * n) for n in range(60)],
    )


@pytest.fixture
def html(mirror, tmp_path) -> str:
    path = tmp_path / "report.html"
    path.write_text(as_html(mirror), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def opened(browser: Browser, html: str, *, width: int, scheme) -> tuple[Page, list[str]]:
    """The page, and all that it complained about or asked for besides itself."""
    page = browser.new_page(viewport={"width": width, "height": 850}, color_scheme=scheme)
    trouble: list[str] = []
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on(
        "request",
        lambda request: None if request.url in (html, "data:,") else trouble.append(request.url),
    )
    page.goto(html)
    return page, trouble


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
class TestInABrowser:
    pytestmark = browsing

    def test_it_is_quiet_and_fits_the_screen(self, chromium, html, width, scheme):
        page, trouble = opened(chromium, html, width=width, scheme=scheme)
        expect(page.get_by_role("heading", level=1)).to_have_text("The mirror of HLTH")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("window.broken") is None
        ARTEFACTS.mkdir(exist_ok=True)
        page.screenshot(path=ARTEFACTS / f"report-{width}-{scheme}.png")
        assert not trouble
        page.close()

    def test_text_stands_out_from_its_background(self, chromium, html, width, scheme):
        page, _ = opened(chromium, html, width=width, scheme=scheme)
        assert page.evaluate(FAINTEST) >= 4.5
        page.close()


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: NO PAGE WAS LOOKED AT")
def test_it_can_be_used_with_the_keyboard_alone(chromium, html):
    page, _ = opened(chromium, html, width=1280, scheme="light")
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    for _ in range(200):  # to the first group of datasets
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.tagName") == "SUMMARY":
            break
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.parentElement.open")
    page.goto(f"{html}#HLTH_RS_4")
    expect(page.locator("#HLTH_RS_4")).to_be_in_viewport()  # a closed group opens for what is linked to
    page.close()


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: NO PAGE WAS LOOKED AT")
def test_its_structure_can_be_read_aloud(chromium, html):
    page, _ = opened(chromium, html, width=1280, scheme="light")
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map(h => +h.tagName[1])")
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert page.evaluate("[...document.querySelectorAll('table')].every(t => t.caption?.textContent.trim())")
    assert page.evaluate("[...document.querySelectorAll('th')].every(h => h.scope)")
    assert page.evaluate("[...document.querySelectorAll('svg')].every(s => s.getAttribute('aria-label'))")
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))
    page.close()


def test_it_needs_nothing_but_itself(mirror):
    page = as_html(mirror)
    assert "<script" not in page
    assert not re.findall(r"(?:src|srcset)=", page.replace("src=x", ""))
    assert set(re.findall(r'href="([a-z]+:[^"#?]{0,11})', page)) == {"https://ec.europa", "data:,"}
    assert len(page) < 1_000_000


def test_what_eurostat_writes_stays_in_its_cell_of_the_markdown(mirror):
    told = as_markdown(mirror)
    assert "<script" not in told
    widths = {}
    for line in told.splitlines():
        if line.startswith("|"):
            widths.setdefault(line.count("|") - line.count("\\|"), []).append(line)
    assert sum(len(lines) for lines in widths.values()) > 490
    assert widths.keys() <= {4, 5, 6, 7}


def test_a_mirror_without_anything_has_a_report():
    empty = Report(NOW, "https://ec.europa.eu", "HLTH", [], [], [], [], [], [])
    assert "No dataset is known yet" in as_html(empty)
    assert as_markdown(empty).startswith("# The mirror of HLTH")


def test_the_longest_delay_comes_first(mirror):
    lags = [lag for _, lag in mirror.behind]
    assert lags == sorted(lags, reverse=True)
    assert {one.state for one, _ in mirror.behind} == {"stale", "failed"}


# The least contrast (WCAG 2) of any text with what is behind it.
FAINTEST = """() => {
  const light = c => { const [r, g, b] = c.map(v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
                       return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const rgb = s => s.match(/[\\d.]+/g).map(Number);
  const behind = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor);
                        if (c.length < 4 || c[3] > 0) return c.slice(0, 3); } return [255, 255, 255]; };
  return Math.min(...[...document.querySelectorAll('h1,h2,h3,p,a,li,td,th,caption,span,strong,summary,figcaption')]
    .slice(0, 3000).map(e => { const [a, b] = [light(rgb(getComputedStyle(e).color).slice(0, 3)), light(behind(e))];
                return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05); }));
}"""
