"""Totals that do not fit their parts are told as warnings, where adding up is sound, and only there."""

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eurostat_assets import audit, postgres

Cell = tuple[str, str, str, float | None]
CODES = {"unit": ("NR", "RT"), "sex": ("T", "M", "F"), "geo": ("EU27_2020", "DE", "FR")}


@pytest.fixture
def told(mirror: str, tmp_path: Path) -> Callable[..., list[audit.Finding]]:
    """Publish cells (unit, sex, geo, value) of one year, and say what is implausible about them."""

    def tell(*cells: Cell, codes: dict[str, tuple[str, ...]] = CODES) -> list[audit.Finding]:
        columns: dict[str, pa.Array] = {
            name: pa.array([cell[place] for cell in cells]).dictionary_encode()
            for place, name in enumerate(("unit", "sex", "geo"))
        }
        columns["time_period"] = pa.array(["2020"] * len(cells)).dictionary_encode()
        columns["obs_value"] = pa.array([cell[3] for cell in cells], pa.float64())
        columns["conf_status"] = pa.nulls(len(cells), pa.string())
        fields = [
            pa.field(
                name, column.type, metadata={"labels": json.dumps(dict.fromkeys(codes.get(name, ()), ""))}
            )
            for name, column in columns.items()
        ]
        about = {"jsonstat": json.dumps({"dataset": "HLTH_TEST"})}
        parquet = tmp_path / "cells.parquet"
        pq.write_table(pa.table(list(columns.values()), schema=pa.schema(fields, about)), parquet)
        postgres.publish(mirror, parquet)
        found = []
        with postgres.reading(mirror) as server:
            for hierarchy in audit.hierarchies(audit.codes_of(parquet)):
                compared, off, worst = server.implausible("HLTH_TEST", hierarchy)
                if off:
                    found.append(audit.implausible("HLTH_TEST", hierarchy, compared, off, worst))
        return found

    return tell


def test_both_sexes_are_the_sum_of_males_and_females(told):
    right = [("NR", "T", "DE", 300.0), ("NR", "M", "DE", 100.0), ("NR", "F", "DE", 200.0)]
    wrong = [("NR", "T", "FR", 500.0), ("NR", "M", "FR", 100.0), ("NR", "F", "FR", 200.0)]
    assert told(*right) == []
    (finding,) = told(*right, *wrong)
    assert (finding.kind, finding.severity) == ("totals_implausible", "warning")
    assert finding.sentence.startswith("HLTH_TEST: 1 of 2 counts of sex=T are not the sum of F and M")
    assert finding.numbers["worst"] == [
        {"unit": "NR", "geo": "FR", "time_period": "2020", "total": 500.0, "parts": 300.0}
    ]


def test_the_union_is_not_smaller_than_its_largest_member(told):
    (finding,) = told(("NR", "T", "EU27_2020", 80.0), ("NR", "T", "DE", 90.0), ("NR", "T", "FR", 10.0))
    assert finding.kind == "aggregate_implausible"
    assert finding.numbers["worst"][0]["parts"] == 90.0
    assert told(("NR", "T", "EU27_2020", 95.0), ("NR", "T", "DE", 90.0)) == []


@pytest.mark.parametrize(
    "cells",
    [
        [("RT", "T", "DE", 9.0), ("RT", "M", "DE", 800.0), ("RT", "F", "DE", 700.0)],
        [("NR", "T", "DE", 1000.0), ("NR", "M", "DE", 494.0), ("NR", "F", "DE", 495.0)],
        [("NR", "T", "DE", 4.0), ("NR", "M", "DE", 4.0), ("NR", "F", "DE", 4.0)],
        [("NR", "T", "DE", 900.0), ("NR", "M", "DE", 100.0), ("NR", "F", "DE", None)],
        [("NR", "T", "DE", None), ("NR", "M", "DE", 100.0), ("NR", "F", "DE", 100.0)],
    ],
    ids=["rates", "rounding", "small counts", "a part is missing", "the total is missing"],
)
def test_what_need_not_add_up_is_left_alone(told, cells):
    assert told(*cells) == []


def test_where_there_are_persons_of_unknown_sex_the_total_may_be_larger(told):
    codes = CODES | {"sex": ("T", "M", "F", "UNK")}
    parts = [("NR", "M", "DE", 100.0), ("NR", "F", "DE", 200.0)]
    assert told(("NR", "T", "DE", 400.0), *parts, codes=codes) == []
    (finding,) = told(("NR", "T", "DE", 200.0), *parts, codes=codes)
    assert "smaller than the sum" in finding.sentence
