"""Each line of the contract is right: as expected by the documented API, changed where just that one is broken."""

from __future__ import annotations

import pytest

from eurostat_assets.doctor.contract import CHECKS
from eurostat_assets.doctor.verdict import Outcome, exit_code
from eurostat_assets.sandbox import Running
from eurostat_assets.sandbox.contract import CHANGES
from eurostat_assets_tests.doctor.conftest import Diagnose, with_outcome

BROKEN_BY = {
    "inventory_moved": "inventory_address",
    "toc_moved": "toc_address",
    "feed_moved": "feed_address",
    "data_moved": "whole_address",
    "outline_refused": "outline_address",
    "slice_moved": "slice_address",
    "bulk_moved": "bulk_address",
    "codelists_moved": "codelists_address",
    "codelist_moved": "codelist_address",
    "codes_case_sensitive": "codes_case",
    "inventory_redirected": "redirects",
    "other_media_type": "media_types",
    "no_gzip": "gzip",
    "length_announced": "chunked",
    "etag": "no_validators",
    "ranges": "no_ranges",
    "inventory_column_renamed": "inventory_columns",
    "inventory_columns_moved": "inventory_order",
    "inventory_dates_form": "inventory_dates",
    "inventory_codes_lower": "inventory_codes",
    "inventory_type_new": "inventory_types",
    "inventory_dates_ahead": "inventory_is_dataset",
    "toc_column_renamed": "toc_columns",
    "toc_unquoted": "toc_quotes",
    "toc_indent_two": "toc_indentation",
    "toc_type_new": "toc_types",
    "toc_dates_iso": "toc_dates",
    "toc_sizes_grouped": "toc_sizes",
    "toc_health_elsewhere": "toc_subtree",
    "toc_codes_with_version": "toc_codes",
    "toc_german_short": "toc_languages",
    "theme_gone": "theme",
    "feed_atom": "feed_shape",
    "feed_titles_of_datasets": "feed_titles",
    "feed_links_by_query": "feed_links",
    "feed_category_new": "feed_categories",
    "feed_dates_rfc_822": "feed_dates",
    "feed_dates_utc": "feed_brussels",
    "feed_german_gone": "feed_languages",
    "json_stat_3": "json_stat",
    "json_without_size": "json_members",
    "json_without_label": "json_texts",
    "json_order": "json_order",
    "value_array": "value_object",
    "status_array": "status_object",
    "values_as_text": "numbers",
    "flags_capital": "flags",
    "cells_beyond": "cells_inside",
    "obs_count_wrong": "obs_count",
    "index_as_list": "dimensions",
    "time_renamed": "time_dimension",
    "financial_years": "periods",
    "labels_missing": "labels",
    "status_labels_missing": "status_labels",
    "obs_periods_as_days": "obs_periods",
    "id_with_agency": "dataset_id",
    "annotations_missing": "annotation_dates",
    "annotation_dates_form": "annotation_dates",
    "updated_today": "updated",
    "outline_with_cells": "outline_empty",
    "outline_shrunk": "outline_positions",
    "outline_undated": "outline_dates",
    "slice_by_first_value": "slice_positions",
    "slice_counts_itself": "slice_dates",
    "english_only": "dataset_languages",
    "error_shape": "error_shape",
    "unknown_dataset_numbered_otherwise": "unknown_dataset",
    "unknown_parameters_ignored": "unknown_dimension",
    "fault_as_json": "unknown_bulk",
    "bulk_column_renamed": "bulk_columns",
    "bulk_plain": "bulk_compressed",
    "bulk_dataflow_urn": "bulk_dataflow",
    "bulk_last_update_iso": "bulk_last_update",
    "bulk_rows_missing": "bulk_rows",
    "codelists_column_renamed": "codelists_columns",
    "codelist_with_header": "codelist_rows",
}


def hanging_on(name: str) -> set[str]:
    """The checks that cannot be judged without this one, directly or through others."""
    direct = {one.name for one in CHECKS.values() if name in one.after}
    return direct.union(*map(hanging_on, direct))


def test_every_check_can_be_broken_and_every_change_of_the_sandbox_breaks_one():
    assert set(BROKEN_BY.values()) == CHECKS.keys()
    assert BROKEN_BY.keys() == CHANGES.keys()


def test_the_documented_api_is_as_expected_by_some_twenty_requests(diagnose: Diagnose, source: Running):
    before = sum(source.tally()["requests"].values())
    answers, verdicts = diagnose()
    assert {name: one.found for name, one in verdicts.items() if one.outcome != Outcome.AS_EXPECTED} == {}
    assert exit_code(verdicts.values()) == 0
    assert sum(source.tally()["requests"].values()) - before == len(answers.exchanges) == 20


@pytest.mark.parametrize("change", BROKEN_BY)
def test_just_the_line_that_is_broken_says_changed(change: str, diagnose: Diagnose, source: Running):
    source.change_contract(change)
    _, verdicts = diagnose()
    broken = BROKEN_BY[change]
    assert with_outcome(verdicts, Outcome.CHANGED) == {broken}, verdicts
    assert verdicts[broken].found
    assert verdicts[broken].effect
    assert verdicts[broken].remedy
    assert with_outcome(verdicts, Outcome.UNCHECKED) <= hanging_on(broken)
    assert with_outcome(verdicts, Outcome.UNREACHABLE) == set()
    assert exit_code(verdicts.values()) == 1


@pytest.mark.parametrize(
    "dataset",
    [
        "HLTH_EHIS_ONE",
        "HLTH_DM_NOGEO",
        "HLTH_SILC_SECRET",
        "HLTH_RS_MIXED",
        "HLTH_CD_WEEKLY",
        "HLTH_CO_MONTHLY",
    ],
)
def test_a_dataset_of_any_shape_is_as_expected(dataset: str, diagnose: Diagnose):
    """One cell, no geo, confidential cells alone, mixed frequencies: what cannot be seen there is not checked."""
    answers, verdicts = diagnose(dataset)
    assert answers.dataset == dataset
    assert with_outcome(verdicts, Outcome.CHANGED) | with_outcome(verdicts, Outcome.UNREACHABLE) == set()


@pytest.mark.parametrize(
    ("faults", "address"),
    [("feed_503=1", "feed_address"), ("inventory_html=1", "inventory_address"), ("html=1", "whole_address")],
)
def test_an_outage_is_not_reachable_and_no_change(
    faults: str, address: str, diagnose: Diagnose, source: Running
):
    source.set_faults(faults)
    _, verdicts = diagnose()
    assert with_outcome(verdicts, Outcome.CHANGED) == set()
    unreachable = with_outcome(verdicts, Outcome.UNREACHABLE)
    assert address in unreachable
    assert with_outcome(verdicts, Outcome.AS_EXPECTED) & hanging_on(address) == set()
    assert exit_code(verdicts.values()) == 3


def test_without_any_answer_nothing_is_said_to_have_changed_and_few_requests_are_tried(settings, monkeypatch):
    from eurostat_assets.doctor import collecting
    from eurostat_assets.doctor.runner import ask, contract_verdicts

    tried: list[str] = []
    real_ask = collecting._ask
    monkeypatch.setattr(
        collecting, "_ask", lambda wire, request: tried.append(request.name) or real_ask(wire, request)
    )
    nobody = settings.model_copy(update={"api_url": "http://127.0.0.1:9/eurostat/api/dissemination"})
    answers = ask(nobody)
    outcomes = {one.outcome for one in contract_verdicts(nobody, answers)}
    assert outcomes == {Outcome.UNREACHABLE, Outcome.UNCHECKED}
    assert exit_code(contract_verdicts(nobody, answers)) == 3
    assert len(tried) == 2
