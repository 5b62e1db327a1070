"""What a person sees in the Dagster UI, in a real browser. Screenshots are kept in `artefacts/`."""

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from playwright.sync_api import Page, expect, sync_playwright

from eurostat_assets import postgres

ARTEFACTS = Path(__file__).resolve().parents[2] / "artefacts"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SLOW = 60_000  # milliseconds
CHAIN = ("eurostat_dataset", "raw_json", "observations", "published_table")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: NOTHING OF THE UI WAS TESTED"),
]


@pytest.fixture
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
        )
        page = browser.new_page(viewport={"width": 1500, "height": 950})
        page.set_default_timeout(SLOW)
        yield page
        browser.close()


@pytest.fixture
def dataset(world) -> str:
    """A small published dataset of which the Union's total over time is known."""
    assert postgres.states(world.database)["HLTH_RS_BDS"].rows
    return "HLTH_RS_BDS"


def keep(page: Page, name: str) -> None:
    ARTEFACTS.mkdir(exist_ok=True)
    page.wait_for_timeout(700)  # animations
    page.screenshot(path=ARTEFACTS / f"{name}.png")


def test_from_home_to_the_chain_of_assets(world, page):
    page.goto(world.platform.ui)
    expect(page.get_by_text("mirror_dataset").first).to_be_visible(timeout=SLOW)
    keep(page, "home")
    page.set_viewport_size({"width": 2300, "height": 800})  # wide enough for the graph to show its details
    page.get_by_text("Lineage", exact=True).first.click()
    for asset in ("catalogue", *CHAIN):
        expect(page.get_by_text(asset, exact=True).first).to_be_visible(timeout=SLOW)
    page.wait_for_timeout(5000)  # for the graph to say how each asset fares
    keep(page, "lineage")


def test_an_asset_says_what_it_is_and_what_columns_it_has(world, page):
    page.goto(f"{world.platform.ui}/assets/observations?view=overview")
    expect(page.get_by_text("◀ you are here").first).to_be_visible(timeout=SLOW)
    for shown in ("data-platform", "Parquet", "eurostat/stage: file", "Geopolitical entity (reporting)"):
        expect(page.get_by_text(shown).first).to_be_visible(timeout=SLOW)
    keep(page, "asset")


def test_every_dataset_is_a_partition_and_shows_its_metadata(world, page, dataset):
    page.goto(f"{world.platform.ui}/assets/observations?view=partitions&partition={dataset}")
    for code in postgres.states(world.database):
        expect(page.get_by_text(code, exact=True).first).to_be_visible(timeout=SLOW)
    for shown in (
        "rows per second",
        "data changed",
        "Eurostat data browser",
        "reference metadata",
        "changes since the release before",
        "preview",
        "time_period",
    ):
        expect(page.get_by_text(shown).first).to_be_visible(timeout=SLOW)
    strip = page.locator("img[src^='data:image/png']").first
    expect(strip).to_be_visible(timeout=SLOW)
    assert strip.evaluate("image => image.complete && image.naturalWidth") == 300
    keep(page, "partition")


def test_the_picture_of_a_dataset_opens_in_the_page(world, page, dataset):
    page.goto(f"{world.platform.ui}/assets/observations?view=partitions&partition={dataset}")
    page.get_by_text("[Show Markdown]").first.click()
    picture = page.get_by_role("dialog").locator("img[src^='data:image/png']")
    expect(picture).to_be_visible(timeout=SLOW)
    assert picture.evaluate("image => image.complete && image.naturalWidth") > 600
    keep(page, "picture")


def test_the_checks_say_what_they_found_and_of_which_dataset(world, page):
    page.goto(f"{world.platform.ui}/assets/observations?view=checks&checkDetail=known_codes")
    for check in ("complete", "known_codes", "unique_keys", "row_count_plausible"):
        expect(page.get_by_text(check, exact=True).first).to_be_visible(timeout=SLOW)
    expect(page.get_by_text("HLTH_").first).to_be_visible(timeout=SLOW)
    keep(page, "checks")


def test_a_materialisation_launched_from_the_page_turns_green(world, page, dataset):
    with dg.DagsterInstance.get() as instance:
        before = {run.run_id for run in instance.get_runs()}
        page.goto(f"{world.platform.ui}/assets/published_table?view=partitions&partition={dataset}")
        expect(page.get_by_text("rows per second").first).to_be_visible(timeout=SLOW)
        page.get_by_role("button", name="Materialize").first.click()
        page.get_by_role("button", name="Launch 1 run").click()
        give_up = time.monotonic() + 60
        while not (new := {run.run_id for run in instance.get_runs()} - before):
            assert time.monotonic() < give_up, "the page launched no run"
            time.sleep(0.5)
    page.goto(f"{world.platform.ui}/runs/{new.pop()}")
    expect(page.get_by_text("Success", exact=True).first).to_be_visible(timeout=2 * SLOW)
    keep(page, "run")
    page.goto(f"{world.platform.ui}/assets/published_table?view=partitions&partition={dataset}")
    expect(page.get_by_text("Materialized", exact=True).first).to_be_visible(timeout=SLOW)


def test_runs_can_be_searched_by_dataset(world, page, dataset):
    page.goto(f"{world.platform.ui}/runs/?q%5B0%5D=tag%3Adagster%2Fpartition%3D{dataset}")
    expect(page.get_by_text("mirror_dataset").first).to_be_visible(timeout=SLOW)
    keep(page, "runs")


def test_what_runs_say_is_kept_as_lines_of_json(world, dataset):
    lines = "".join(path.read_text() for path in (world.settings.home / "logs").glob("runs-*.jsonl"))
    told = [line for line in map(json.loads, lines.splitlines()) if line.get("dataset") == dataset]
    rows = postgres.states(world.database)[dataset].rows
    assert {"raw_json", "observations", "published_table"} <= {line.get("asset") for line in told}
    assert rows in {line["numbers"].get("dagster/partition_row_count") for line in told if "numbers" in line}
    assert all(line["run"] for line in told)
