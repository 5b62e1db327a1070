"""The whole client against the project's own Eurostat."""

import json
from pathlib import Path

import pytest

from eurostat_assets.eurostat import Eurostat, NotAvailable, Release, Theme
from eurostat_assets.eurostat.errors import EmptyTheme, Unreadable
from eurostat_assets.sandbox import running
from eurostat_assets_tests.eurostat.bodies import content_of, inspect


def test_catalogue_feed_probe_and_download_tell_of_the_same_release(tmp_path: Path) -> None:
    with running(profile="tests") as sandbox, Eurostat(sandbox.api_url, attempts=2, backoff=0.1) as eurostat:
        inventory, toc = eurostat.inventory(), eurostat.toc()
        assert not inventory.broken_lines
        assert not toc.broken_lines
        entries = {entry.code: entry for entry in Theme().select(toc, inventory)}
        assert "HLTH_CD_ARO" in entries
        assert "ENPE_HLTH_EXP" in entries
        assert "NAMA_10_GDPX" not in entries
        assert "HSW_N2_01" in {entry.code for entry in Theme("", subtree="hlth").select(toc, inventory)}
        for code in ("HLTH_CD_ARO", "HLTH_DM_NOGEO"):
            assert eurostat.probe(code) == entries[code].release

        sandbox.release("HLTH_CD_ARO", what="both")
        news = eurostat.probe("HLTH_CD_ARO")
        assert news.newer_than(entries["HLTH_CD_ARO"].release)
        assert eurostat.inventory()["HLTH_CD_ARO"].release == news
        items = [item for item in eurostat.feed() if item.code == "HLTH_CD_ARO"]
        assert news.updated in [item.published for item in items]
        assert not eurostat.feed().broken_items

        raw = eurostat.download("HLTH_CD_ARO", tmp_path, inspect=inspect)
        assert raw.release == news
        assert Release.parse(raw.provenance()["release"]) == news
        assert len(json.loads(content_of(raw.path))["value"]) == pytest.approx(40_000, rel=0.5)
        with pytest.raises(NotAvailable, match="HLTH_NO_SUCH"):
            eurostat.download("HLTH_NO_SUCH", tmp_path, inspect=inspect)
        assert [*tmp_path.iterdir()] == [raw.path]


def test_a_catalogue_that_lacks_the_health_branch_or_a_line_never_shrinks_a_theme_in_silence() -> None:
    by_subtree, by_pattern = Theme(pattern="", subtree="data/popul/hlth"), Theme()

    def codes(eurostat: Eurostat, theme: Theme) -> set[str]:
        return {entry.code for entry in theme.select(eurostat.toc(), eurostat.inventory())}

    with running(profile="tests") as sandbox, Eurostat(sandbox.api_url, attempts=2, backoff=0.1) as eurostat:
        everything = codes(eurostat, by_pattern)
        assert codes(eurostat, by_subtree)
        sandbox.set_faults("toc_no_health=1")
        with pytest.raises(EmptyTheme, match="no dataset under the folder 'data/popul/hlth'"):
            codes(eurostat, by_subtree)
        with pytest.raises(EmptyTheme):
            codes(eurostat, Theme(subtree="hlth"))
        assert codes(eurostat, by_pattern) == everything
        sandbox.set_faults("inventory_line=1")
        assert len(eurostat.inventory().broken_lines) == 1
        assert codes(eurostat, by_pattern) == everything
        for fault in ("feed_junk", "feed_bomb", "feed_encoding"):
            sandbox.set_faults(f"{fault}=1")
            with pytest.raises(Unreadable):
                eurostat.feed()
        sandbox.set_faults("feed_odd=1")
        assert eurostat.feed().broken_items
