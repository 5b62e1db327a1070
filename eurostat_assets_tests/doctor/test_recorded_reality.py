"""The checks on answers that Eurostat really gave, recorded in other projects: they are as expected."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eurostat_assets.doctor.collecting import NO_SUCH_DATASET
from eurostat_assets.doctor.contract import Case, judge
from eurostat_assets.doctor.exchange import Exchange
from eurostat_assets.doctor.verdict import Outcome, Verdict

URL = "https://ec.europa.eu/eurostat/api/dissemination/statistics/1.0/data/X"


def judged(dataset: str | None = None, **bodies: bytes | tuple[int, bytes]) -> dict[str, Verdict]:
    """The verdicts over answers of these bodies, with status 200 where none is given."""
    exchanges = {}
    for name, body in bodies.items():
        status, content = body if isinstance(body, tuple) else (200, body)
        exchanges[name] = Exchange(name, URL, status=status, content=content)
    return {one.check: one for one in judge(Case(exchanges, dataset))}


def as_expected(verdicts: dict[str, Verdict], *names: str) -> None:
    assert {name: verdicts[name] for name in names if verdicts[name].outcome != Outcome.AS_EXPECTED} == {}


def test_the_whole_table_of_contents(shared: Path):
    verdicts = judged(toc_en=(shared / "real/toc/table_of_contents_en_a.txt").read_bytes())
    names = (
        "toc_address",
        "toc_columns",
        "toc_quotes",
        "toc_indentation",
        "toc_types",
        "toc_dates",
        "toc_sizes",
    )
    as_expected(verdicts, *names, "toc_subtree")


def test_the_feed(shared: Path):
    text = (shared / "real/rss/statistics-update_small.rss").read_text()
    # Two of its items were invented by the project that it comes from, and say so.
    head, *items = text.split("    <item>")
    real = [item for item in items[:-1] if "ynthetic" not in item] + ["  </channel>\n</rss>\n"]
    feed = "    <item>".join([head, *real[:-1]]) + real[-1]
    names = ("feed_shape", "feed_titles", "feed_links", "feed_categories", "feed_dates")
    as_expected(judged(feed_en=feed.encode()), *names)


WHOLE = (
    "json_stat", "json_members", "json_texts", "json_order", "value_object", "status_object", "numbers", "flags",
    "cells_inside", "obs_count", "dimensions", "time_dimension", "periods", "dataset_id", "annotation_dates", "updated",
    "labels", "status_labels", "obs_periods",
)  # fmt: skip


# They speak of the whole dataset, also in a filtered answer.
OF_ALL_CELLS = {"obs_count", "obs_periods"}


def test_a_whole_health_dataset(shared: Path):
    body = (shared / "real/jsonstat-eurostat/hlth_ehis_hc7.json").read_bytes()
    as_expected(judged("HLTH_EHIS_HC7", whole=body), *WHOLE)


@pytest.mark.parametrize("name", ["ilc_di03_eu27", "prc_hicp_manr_ea_monthly"])
def test_filtered_datasets_but_for_the_count_of_the_whole(name: str, shared: Path):
    body = (shared / f"real/jsonstat-eurostat/{name}.json").read_bytes()
    code = json.loads(body)["extension"]["id"]
    # No cell of the second has a flag: nothing is said about flags.
    flagged = {"flags", "status_labels"} if "status" not in json.loads(body) else set()
    as_expected(judged(code, whole=body), *(set(WHOLE) - OF_ALL_CELLS - flagged))


def test_an_empty_slice(shared: Path):
    body = (shared / "real/jsonstat-eurostat/nama_10_gdp_time_empty.json").read_bytes()
    as_expected(
        judged("NAMA_10_GDP", whole=body, outline_en=body),
        "outline_address",
        "outline_empty",
        "outline_dates",
    )


def test_refusals(shared: Path):
    whole = (shared / "real/jsonstat-eurostat/hlth_ehis_hc7.json").read_bytes()
    unknown = (shared / "real/errors/error_404_id100_err_not_found.json").read_bytes()
    filtered = (shared / "real/errors/error_400_id150_invalid_query_dimension.json").read_bytes()
    verdicts = judged(
        whole=whole,
        unknown_dataset=(404, unknown.replace(b"DS-059327", NO_SUCH_DATASET.encode())),
        unknown_dimension=(400, filtered),
    )
    as_expected(verdicts, "error_shape", "unknown_dataset", "unknown_dimension")


def test_an_answer_that_is_prepared_later_is_no_change(shared: Path):
    later = (shared / "real/errors/warning_413_asynchronous_response.json").read_bytes()
    assert judged(whole=later)["whole_address"].outcome == Outcome.UNREACHABLE


def test_the_inventory_of_code_lists(shared: Path):
    body = (shared / "real/meaning/codelist_inventory_excerpt.tsv").read_bytes()
    as_expected(judged(codelists=body), "codelists_address", "codelists_columns")
