"""Code lists: where they are listed, and one of them."""

from __future__ import annotations

from collections.abc import Iterator

from eurostat_assets.doctor.contract.check import Case, check, shown

_NONE_TODAY = "None today: labels come with each dataset"
_COLUMNS = ("Code", "Version", "Latest tsv download url", "Latest sdmx download url")


@check(
    "codelists_columns",
    "code lists: their inventory has code, version and addresses",
    needs=["codelists"],
    after=["codelists_address"],
    effect=_NONE_TODAY,
)
def codelists_columns(case: Case) -> Iterator[str]:
    names = case["codelists"].lines[0].split("\t")
    if missing := [name for name in _COLUMNS if name not in names]:
        yield f"without {', '.join(missing)}; the columns are {', '.join(names)}"


@check(
    "codelist_rows",
    "code lists: a line is code, tab, label, without a header; FREQ has A",
    needs=["codelist"],
    after=["codelist_address"],
    effect=_NONE_TODAY,
)
def codelist_rows(case: Case) -> Iterator[str]:
    lines = [line.split("\t") for line in case["codelist"].lines]
    if odd := [line for line in lines if len(line) != 2 or not line[0].isupper()]:
        yield f"a line reads {shown(odd[0])}"
    if not any(line[0] == "A" for line in lines):
        yield "FREQ has no code A"
