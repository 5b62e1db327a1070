"""A short, repeatable part of `python -m benchmarks.fuzz_catalogue`."""

from __future__ import annotations

import random

import pytest

from benchmarks import fuzz_catalogue
from benchmarks.fuzzing import Wrong
from eurostat_assets.eurostat import tree


@pytest.mark.parametrize("kind", fuzz_catalogue.KINDS)
def test_a_damaged_catalogue_loses_no_readable_row_and_invents_none(kind: str) -> None:
    tally = fuzz_catalogue.run(kind, 1, 1000)
    assert tally.failure is None
    assert tally.outcomes.total() == 1000
    assert tally.outcomes["rows"] > 500
    assert tally.outcomes["unreadable"] > 5


def test_a_dataset_under_a_foreign_folder_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree._Branch, "lose", lambda _: None)
    tally = fuzz_catalogue.run("toc", 1, 3000)
    assert tally.failure
    assert "is filed under" in tally.failure


def test_a_lost_item_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    item = fuzz_catalogue.legal_feed(random.Random(1))
    monkeypatch.setattr("eurostat_assets.eurostat.rss._salvaged", lambda _: [])
    with pytest.raises(Wrong, match="unreadable"):
        fuzz_catalogue.judge_feed(item, item.replace(b"<channel>", b"<channel>&"))
