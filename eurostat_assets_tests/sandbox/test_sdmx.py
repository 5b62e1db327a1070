"""The bulk files of the SDMX API hold the cells of the JSON."""

from __future__ import annotations

import csv
import gzip
import io
from datetime import datetime
from xml.etree import ElementTree

import pytest

from eurostat_assets.sandbox import Running, running
from eurostat_assets.sandbox.profiles import profile
from eurostat_assets_tests.sandbox.conftest import Answer, data, get
from eurostat_assets_tests.sandbox.decoding import Cells, decoded

CODES = sorted(profile("tests"))


def bulk(sandbox: Running, code: str, query: str) -> Answer:
    return get(f"{sandbox.api_url}/sdmx/2.1/data/{code}/?{query}")


def cells_of_csv(text: str) -> Cells:
    header, *rows = csv.reader(io.StringIO(text))
    assert header[:2] == ["DATAFLOW", "LAST UPDATE"]
    assert header[-4:] == ["TIME_PERIOD", "OBS_VALUE", "OBS_FLAG", "CONF_STATUS"]
    return {
        tuple(row[2:-3]): (
            float(row[-3]) if row[-3] else None,
            row[-2] + (f"|{row[-1]}" if row[-1] else "") or None,
        )
        for row in rows
    }


def cells_of_tsv(text: str) -> Cells:
    header, *lines = text.split("\r\n")[:-1]
    periods = [period.rstrip(" ") for period in header.split("\t")[1:]]
    cells: Cells = {}
    for line in lines:
        key, *row = line.split("\t")
        for period, cell in zip(periods, row, strict=True):
            if cell:
                value, _, status = cell.partition(" ")
                flag, _, confidential = status.partition("@")
                number = None if value == ":" else float(value)
                cells[*key.split(","), period] = (
                    number,
                    flag + (f"|{confidential}" if confidential else "") or None,
                )
    return cells


@pytest.mark.parametrize("code", CODES)
def test_csv_and_tsv_hold_the_cells_of_the_json(sandbox: Running, code: str) -> None:
    document = data(sandbox, code).json()
    packed = bulk(sandbox, code, "format=SDMX-CSV&compressed=true")
    text = gzip.decompress(packed.body).decode()
    table = bulk(sandbox, code.lower(), "format=TSV").body.decode()
    last = datetime.fromisoformat(document["updated"]).strftime("%d/%m/%y %H:%M:%S")
    names = [name for name in document["id"] if name != "time"]

    assert cells_of_csv(text) == cells_of_tsv(table) == decoded(document)
    assert text.split("\r\n")[1].startswith(f"ESTAT:{code}(1.0),{last},")
    assert text.split("\r\n")[0].split(",")[2:-4] == names
    assert table.startswith(",".join(names) + "\\TIME_PERIOD\t")


def test_a_packed_file_is_gzip_that_no_header_tells_of(sandbox: Running) -> None:
    url = f"{sandbox.api_url}/sdmx/2.1/data/HLTH_RS_BDS/?format=TSV"
    packed = get(f"{url}&compressed=true", **{"Accept-Encoding": "gzip"})
    plain = get(url)

    assert gzip.decompress(packed.body) == plain.body
    assert "content-encoding" not in packed.headers
    assert packed.headers["content-disposition"] == 'attachment; filename="estat_hlth_rs_bds.tsv.gz"'
    assert packed.headers["content-type"].startswith("text/tab-separated-values")
    assert get(url.replace("/?", "?")).body == plain.body


def test_errors_are_xml(sandbox: Running) -> None:
    unknown, filtered = (
        bulk(sandbox, code, f"format=SDMX-CSV{filters}")
        for code, filters in (("NOPE", ""), ("HLTH_RS_BDS", "&startPeriod=2010"))
    )

    assert (unknown.status, filtered.status) == (404, 400)
    assert ElementTree.fromstring(unknown.body).findtext("faultstring") == (
        "ERR_NOT_FOUND_2: DATA_SET:NOPE is not available for dissemination."
    )
    assert ElementTree.fromstring(filtered.body).findtext("faultcode") == "140"


def test_faults_befall_the_bulk_files_in_their_own_shapes() -> None:
    with running(profile="tests") as sandbox:
        good = bulk(sandbox, "HLTH_RS_BDS", "format=SDMX-CSV").body.splitlines()
        sandbox.set_faults("async=1")
        assert bulk(sandbox, "HLTH_RS_BDS", "format=SDMX-CSV").body.splitlines() == good
        sandbox.set_faults("csv_queued=1")
        queued = bulk(sandbox, "HLTH_RS_BDS", "format=SDMX-CSV&compressed=true")
        sandbox.set_faults("missing_cells=1")
        lacking = bulk(sandbox, "HLTH_RS_BDS", "format=SDMX-CSV").body.splitlines()
        sandbox.set_faults("wrong_dataset=1")
        other = bulk(sandbox, "HLTH_RS_BDS", "format=SDMX-CSV").body
        sandbox.set_faults("html=1")
        page = bulk(sandbox, "HLTH_RS_BDS", "format=SDMX-CSV")

    assert queued.status == 200
    assert ElementTree.fromstring(queued.body).find(".//queued/status") is not None
    assert set(lacking) < set(good)
    assert b"ESTAT:HLTH_RS_BDS(1.0)" not in other
    assert page.body.startswith(b"<!DOCTYPE html>")
