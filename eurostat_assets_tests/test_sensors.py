"""Which partitions the feed makes due: decided by dates alone, and only inside the theme."""

from datetime import UTC, datetime

import pytest

from eurostat_assets.eurostat import FeedItem, Release
from eurostat_assets.sensors import hinted, stale

NOON = datetime(2026, 4, 24, 9, tzinfo=UTC)
NIGHT = datetime(2026, 4, 24, 21, tzinfo=UTC)
OLD, NEW = Release(NOON, NOON), Release(NIGHT, NOON)


def item(code: str, published: datetime) -> FeedItem:
    return FeedItem(code=code, category="UPDATED_DATASET_DATA", published=published, title=code)


@pytest.mark.parametrize(
    ("items", "ours", "expected"),
    [
        ([item("HLTH_A", NIGHT)], {"HLTH_A": OLD}, {"HLTH_A"}),
        ([item("HLTH_A", NOON)], {"HLTH_A": OLD}, set()),  # the release we have
        ([item("HLTH_A", NOON), item("HLTH_A", NIGHT)], {"HLTH_A": OLD}, {"HLTH_A"}),  # repeated, any order
        ([item("HLTH_NEW", NOON)], {}, {"HLTH_NEW"}),  # first sight
        ([item("NAMA_10_GDP", NIGHT)], {}, set()),  # another theme
        ([FeedItem("HLTH_A", None, NIGHT, "")], {"HLTH_A": OLD}, {"HLTH_A"}),  # no category to go by
        ([FeedItem("HLTH_A", "UPDATED_CODE_LIST", NIGHT, "")], {}, set()),  # a code list of that name
        ([], {"HLTH_A": OLD}, set()),
    ],
)
def test_a_feed_item_is_a_hint_when_it_is_younger_than_what_is_published(items, ours, expected):
    assert hinted(items, lambda code: "HLTH" in code, ours) == expected


@pytest.mark.parametrize(
    ("offered", "ours", "expected"),
    [
        ({"A": NEW}, {"A": OLD}, {"A"}),
        ({"A": OLD}, {"A": OLD}, set()),
        ({"A": OLD}, {"A": NEW}, set()),  # an older answer, e.g. from a cache, never replaces a newer release
        ({"A": Release(NOON, NIGHT)}, {"A": OLD}, {"A"}),  # only the structure changed
        ({"A": OLD}, {}, {"A"}),
    ],
)
def test_a_dataset_is_stale_when_data_or_structure_are_newer_at_the_source(offered, ours, expected):
    assert set(stale(offered, ours)) == expected
