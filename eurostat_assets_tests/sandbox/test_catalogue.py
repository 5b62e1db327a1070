"""The catalogue files: table of contents, inventory, code lists."""

from __future__ import annotations

import re
from pathlib import Path

from eurostat_assets.sandbox import Running
from eurostat_assets_tests.sandbox.conftest import data, get

HEADER = "title code type,last update of data,last table structure change,data start,data end,values"


def rows(text: str) -> list[list[str]]:
    return [line.split("\t") for line in text.splitlines()]


def test_the_table_of_contents_has_the_form_of_the_real_one(sandbox: Running, shared: Path) -> None:
    answer = get(f"{sandbox.api_url}/catalogue/toc/txt?lang=en")
    real = rows((shared / "real" / "toc" / "table_of_contents_en_a.txt").read_text())
    mine = rows(answer.body.decode())

    assert answer.headers["content-type"] == "text/plain;charset=UTF-8"
    assert mine[0] == real[0]
    assert {len(row) for row in mine} == {8}
    forms = {kind: {_form(row) for row in mine if row[2] == kind} for kind in ('"folder"', '"dataset"')}
    assert forms['"folder"'] == {_form(row) for row in real if row[2] == '"folder"'}
    assert all(
        re.fullmatch(r'" *[^"]+" "[a-z0-9_]+" "dataset" "D" "D" "P" "P" \d+', form)
        for form in forms['"dataset"']
    )


def test_indentation_is_the_tree_and_health_is_where_it_is_in_reality(sandbox: Running) -> None:
    path: list[str] = []
    paths: dict[str, list[str]] = {}
    for title, code, kind, *_ in rows(get(f"{sandbox.api_url}/catalogue/toc/txt").body.decode())[1:]:
        depth = (len(title) - 1 - len(title[1:].lstrip(" "))) // 4 if title[1:].startswith(" ") else 0
        path = [*path[:depth], code.strip('"')]
        assert len(path) == depth + 1
        if kind != '"folder"':
            paths.setdefault(code.strip('"'), []).append("/".join(path[:-1]))

    assert "data/popul/hlth/hlth_cdeath/hlth_cd_gmor" in paths["hlth_cd_aro"]
    assert len(paths["hlth_cd_aro"]) == 2  # filed twice, and once outside the health branch
    assert paths["hsw_n2_01"] == ["data/popul/hlth/hsw"]
    assert not any(
        "/hlth" in path for path in paths["enpe_hlth_exp"] + paths["demo_pjanx"] + paths["nama_10_gdpx"]
    )
    assert "hlth_cd_daily" not in paths  # a dataset in no folder at all


def test_the_inventory_lists_every_dataset_to_the_second_and_some_extractions(sandbox: Running) -> None:
    answer = get(f"{sandbox.api_url}/files/inventory?type=data")
    header, *lines = rows(answer.body.decode())
    inventory = {line[0]: line for line in lines}

    assert answer.headers["content-type"] == "application/octet-stream"
    assert header[:5] == ["Code", "Type", "Source dataset", "Last data change", "Last structural change"]
    assert len(header) == 10
    for code, line in inventory.items():
        assert len(line) == 10
        assert line[1:3] == (["EXTRACTION", code.split("$")[0]] if "$" in code else ["DATASET", "-"])
    document = data(sandbox, "HLTH_CD_DAILY").json()
    dates = {a["type"]: a.get("date") for a in document["extension"]["annotation"]}
    assert inventory["HLTH_CD_DAILY"][3:5] == [dates["UPDATE_DATA"], dates["UPDATE_STRUCTURE"]]
    assert any("$" in code for code in inventory)
    assert inventory["HLTH_CD_DAILY"][5].startswith(f"{sandbox.api_url}/sdmx/2.1/data/HLTH_CD_DAILY/")


def test_code_lists_are_tsv_in_three_languages(sandbox: Running) -> None:
    sex = get(f"{sandbox.api_url}/sdmx/2.1/codelist/ESTAT/SEX/latest?format=TSV&lang=de")

    assert sex.body.decode() == "T\tInsgesamt\r\nM\tMänner\r\nF\tFrauen\r\n"
    assert get(f"{sandbox.api_url}/sdmx/2.1/codelist/ESTAT/NOPE").status == 404
    assert b"\nGEO\t" in get(f"{sandbox.api_url}/files/inventory?type=codelist").body


def test_a_narrow_accept_header_is_not_acceptable_to_the_feed(sandbox: Running) -> None:
    url = f"{sandbox.api_url}/catalogue/rss/en/statistics-update.rss"

    assert get(url, Accept="application/rss+xml").status == 406
    assert get(url, Accept="*/*").status == 200
    assert get(url.replace("/en/", "/xx/")).status == 404


def _form(row: list[str]) -> str:
    """A row with its title's words, dates and periods replaced by what they are; folders show only their blanks."""
    if row[2] == '"folder"':
        return " ".join(row[2:])
    dates = ['"D"' if re.fullmatch(r'"\d\d\.\d\d\.\d{4}"', cell) else cell for cell in row[3:5]]
    periods = ['"P"' if re.fullmatch(r'"[12]\d{3}[-0-9SQW]*"', cell) else cell for cell in row[5:7]]
    return " ".join([*row[:3], *dates, *periods, row[7]])
