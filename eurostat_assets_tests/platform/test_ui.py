"""What a person sees in the Dagster UI, in a real browser. Screenshots are kept in `artefacts/`."""

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
    """A small published dataset."""
    states = (state for state in postgres.states(world.database).values() if (state.rows or 0) > 50)
    return min(states, key=lambda state: state.rows or 0).dataset


def keep(page: Page, name: str) -> None:
    ARTEFACTS.mkdir(exist_ok=True)
    page.wait_for_timeout(700)  # animations
    page.screenshot(path=ARTEFACTS / f"{name}.png")


def test_the_asset_graph_shows_the_chain(world, page):
    page.set_viewport_size({"width": 2300, "height": 700})  # wide enough for the graph to show its details
    page.goto(f"{world.platform.ui}/asset-groups")
    for asset in ("catalogue", "eurostat_dataset", "raw_json", "observations", "published_table"):
        expect(page.get_by_text(asset, exact=True).first).to_be_visible(timeout=SLOW)
    keep(page, "lineage")


def test_every_dataset_is_a_partition_and_shows_its_metadata(world, page, dataset):
    page.goto(f"{world.platform.ui}/assets/observations?view=partitions&partition={dataset}")
    for code in postgres.states(world.database):
        expect(page.get_by_text(code, exact=True).first).to_be_visible(timeout=SLOW)
    for shown in ("rows per second", "data changed", "Eurostat data browser", "preview", "time_period"):
        expect(page.get_by_text(shown).first).to_be_visible(timeout=SLOW)
    keep(page, "partition")


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
