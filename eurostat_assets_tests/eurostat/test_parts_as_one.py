"""From the sandbox to Parquet: a dataset in parts arrives as complete as the undivided one."""

import json
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eurostat_assets.eurostat import Eurostat, RawJson
from eurostat_assets.jsonstat import read_header, write_parquet
from eurostat_assets.sandbox import Running, running

CODE = "HLTH_SPARSE"
SIZES = {"freq": 1, "unit": 2, "sex": 3, "age": 20, "icd10": 100, "geo": 83, "time": 20}


def sparse_dataset() -> str:
    """About 20 million cells, 6,000 of them observations."""
    chance = random.Random(5)
    size = 1
    for length in SIZES.values():
        size *= length
    assert size == 19_920_000
    # No code list of Eurostat's is in alphabetical order.
    codes = {
        name: [
            str(2005 + place) if name == "time" else f"{name[:1].upper()}{place * 37 % 101:03}"
            for place in range(length)
        ]
        for name, length in SIZES.items()
    }
    chosen = chance.sample(range(size), 6_000)
    status = {str(cell): chance.choice(["b", "p", "|C"]) for cell in chosen[:1_000]}
    value = {str(cell): chance.randrange(10**6) / 10 for cell in chosen if status.get(str(cell)) != "|C"}
    dates = ("UPDATE_DATA", "2026-02-06T23:00:00+0100"), ("UPDATE_STRUCTURE", "2026-01-07T11:00:00+0100")
    return json.dumps(
        {
            "version": "2.0",
            "class": "dataset",
            "label": "Invented",
            "source": "ESTAT",
            "updated": dates[0][1],
            "value": value,
            "status": status,
            "id": list(SIZES),
            "size": list(SIZES.values()),
            "dimension": {
                name: {
                    "label": name,
                    "category": {
                        "index": {code: place for place, code in enumerate(one)},
                        "label": {code: f"“{code}”" if name != "time" else code for code in one},
                    },
                }
                for name, one in codes.items()
            },
            "extension": {
                "lang": "EN",
                "id": CODE,
                "annotation": [
                    {"type": "OBS_COUNT", "title": "6000"},
                    *({"type": kind, "date": date} for kind, date in dates),
                ],
                "status": {"label": {"b": "break in time series", "p": "provisional", "|C": "|confidential"}},
            },
        }
    )


def table_of(raw: RawJson, folder: Path) -> pa.Table:
    written = write_parquet(raw.paths, folder / f"{raw.route}.parquet", provenance=raw.provenance())
    assert written.rows == written.header.obs_count
    return pq.read_table(written.path)


def without_provenance(schema: pa.Schema) -> pa.Schema:
    return schema.with_metadata({b"jsonstat": (schema.metadata or {})[b"jsonstat"]})


def download(sandbox: Running, folder: Path, code: str, *, last_resort: bool = False) -> RawJson:
    with Eurostat(sandbox.api_url, attempts=2, backoff=0.1) as eurostat:
        return eurostat.download(
            code, folder, inspect=read_header, slices=not last_resort, last_resort=last_resort
        )


def test_twenty_million_cells_behind_a_limit_of_five_arrive_complete_and_as_if_undivided(
    tmp_path: Path,
) -> None:
    (tmp_path / "recorded").mkdir()
    (tmp_path / "recorded" / "x.json").write_text(sparse_dataset())
    with running(recorded=tmp_path / "recorded") as sandbox:
        whole = download(sandbox, tmp_path / "raw", CODE)
    limits = {"full_is_cached": False, "refused_above": 5_000_000}
    with running(recorded=tmp_path / "recorded", cost=limits) as sandbox:
        sliced = download(sandbox, tmp_path / "raw", CODE)
        outlined = download(sandbox, tmp_path / "raw", CODE, last_resort=True)
    assert [raw.route for raw in (whole, sliced, outlined)] == ["whole", "slices", "sdmx-csv"]
    assert len(sliced.parts) > 20
    assert whole.release == sliced.release == outlined.release
    undivided, joined, from_csv = (table_of(raw, tmp_path) for raw in (whole, sliced, outlined))
    assert joined.to_pylist() == undivided.to_pylist() == from_csv.to_pylist()
    assert without_provenance(joined.schema).equals(without_provenance(undivided.schema), check_metadata=True)


@pytest.mark.parametrize("code", ["HLTH_CD_WEEKLY", "HLTH_DM_NOGEO", "HLTH_RS_MIXED", "HLTH_SILC_SECRET"])
def test_unusual_datasets_have_the_same_rows_by_every_route(tmp_path: Path, code: str) -> None:
    with running(profile="tests") as sandbox:
        whole = table_of(download(sandbox, tmp_path, code), tmp_path)
    cells = json.loads(whole.schema.metadata[b"jsonstat"])["obs_count"]
    with running(profile="tests", cost={"full_is_cached": False, "refused_above": cells // 2}) as sandbox:
        for last_resort in (False, True):
            raw = download(sandbox, tmp_path, code, last_resort=last_resort)
            assert raw.route == ("sdmx-csv" if last_resort else "slices")
            assert table_of(raw, tmp_path).to_pylist() == whole.to_pylist()
