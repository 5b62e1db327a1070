"""The table of contents: its columns, the tree by indentation, days, periods and sizes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from eurostat_assets.doctor.collecting import LANGUAGES
from eurostat_assets.doctor.contract.check import Case, check, not_given, shown
from eurostat_assets.doctor.contract.inventory import rows as inventory_rows
from eurostat_assets.eurostat import EurostatError
from eurostat_assets.eurostat.inventory import parse_inventory
from eurostat_assets.eurostat.toc import COLUMNS, parse_toc

_INDENT = 4
_HEALTH = "data/popul/hlth"
_FOLDERS = "A theme by subtree could take wrong datasets or none"


def cells(line: str) -> list[str]:
    """The cells of a line, without their quotes."""
    return [cell[1:-1] if len(cell) > 1 and cell[0] == cell[-1] == '"' else cell for cell in line.split("\t")]


def rows(case: Case, name: str = "toc_en") -> Iterator[tuple[int, list[str]]]:
    """(line number, the eight cells) of each row; `values`, which copies before 2023 lack, may be missing."""
    for number, line in enumerate(case[name].lines[1:], start=2):
        yield number, [*cells(line), ""][: len(COLUMNS)]


def places(case: Case) -> dict[str, str]:
    """The path of every folder by its code, by indentation; of several places the last."""
    found: dict[str, str] = {}
    branch: list[str] = []
    for _, (title, code, kind, *_) in rows(case):
        if kind == "folder":
            depth = (len(title) - len(title.lstrip(" "))) // _INDENT
            branch = [*branch[:depth], code]
            found[code] = "/".join(branch)
    return found


@check(
    "toc_columns",
    "contents: the eight columns of the documentation",
    needs=["toc_en"],
    after=["toc_address"],
    effect="Of a column that is gone or renamed: titles, folders or sizes are unknown, or sweeps fail",
)
def toc_columns(case: Case) -> Iterator[str]:
    names = cells(case["toc_en"].lines[0])
    if tuple(names) != COLUMNS:
        changed = [name for name in names if name not in COLUMNS]
        yield f"{len(names)} columns, of which new or renamed: {', '.join(changed) or 'none (another order)'}"


@check(
    "toc_quotes",
    "contents: all cells but sizes are in double quotes",
    needs=["toc_en"],
    after=["toc_columns"],
    effect="None as long as no title holds a tab",
)
def toc_quotes(case: Case) -> Iterator[str]:
    for number, line in enumerate(case["toc_en"].lines[1:], start=2):
        if not all(cell[:1] == cell[-1:] == '"' for cell in line.split("\t")[: len(COLUMNS) - 1]):
            yield f"line {number}: {shown(line)}"


@check(
    "toc_indentation",
    "contents: four blanks more than the folder above make a level",
    needs=["toc_en"],
    after=["toc_columns"],
    effect=_FOLDERS,
)
def toc_indentation(case: Case) -> Iterator[str]:
    open_folders = 0
    for number, (title, _, kind, *_) in rows(case):
        depth, rest = divmod(len(title) - len(title.lstrip(" ")), _INDENT)
        if rest or depth > open_folders:
            yield f"line {number}: {len(title) - len(title.lstrip(' '))} blanks below {open_folders} folders"
            return
        if kind == "folder":
            open_folders = depth + 1


@check(
    "toc_types",
    "contents: a row is a folder, a dataset or a table",
    needs=["toc_en"],
    after=["toc_columns"],
    effect="Another type is taken for a dataset",
)
def toc_types(case: Case) -> Iterator[str]:
    for number, (_, code, kind, *_) in rows(case):
        if kind not in ("folder", "dataset", "table"):
            yield f"line {number}: {code} is a {shown(kind)}"


@check(
    "toc_dates",
    "contents: days as 06.02.2026",
    needs=["toc_en"],
    after=["toc_columns"],
    effect="These days are unknown in the catalogue; freshness is judged by other dates",
)
def toc_dates(case: Case) -> Iterator[str]:
    for number, (_, code, _, data, structure, *_) in rows(case):
        for text in (data.strip(), structure.strip()):
            if text and not re.fullmatch(r"\d\d\.\d\d\.\d{4}", text):
                yield f"line {number}: {code} has {shown(text)}"


@check(
    "toc_sizes",
    "contents: the number of observations in digits, or nothing",
    needs=["toc_en"],
    after=["toc_columns"],
    effect="Sizes are unknown: no estimates, and the biggest datasets are not loaded first",
)
def toc_sizes(case: Case) -> Iterator[str]:
    for number, (_, code, *_, values) in rows(case):
        if values.strip() and not values.strip().isdecimal():
            yield f"line {number}: {code} has {shown(values)}"


@check(
    "toc_subtree",
    "contents: the theme's folder, or that of health, is where it was",
    needs=["toc_en"],
    after=["toc_indentation"],
    effect="A theme by subtree selects nothing or something else; a theme by pattern does not mind",
    remedy="Look for the folder's new place: `eurostat-assets catalogue`; then set EUROSTAT_THEME_SUBTREE",
)
def toc_subtree(case: Case) -> Iterator[str]:
    wanted = (case.theme.subtree or _HEALTH).strip("/").lower()
    code = wanted.rpartition("/")[2]
    found = {folder.lower(): path.lower() for folder, path in places(case).items()}.get(code)
    if found is None:
        yield f"there is no folder {code!r}"
    elif "/" in wanted and found != wanted:
        yield f"the folder {code!r} is at {found}, not {wanted}"


@check(
    "toc_codes",
    "contents: its datasets are those of the inventory",
    needs=["toc_en", "inventory"],
    after=["toc_columns", "inventory_columns"],
    effect="Titles and folders cannot be joined to dates: datasets seem to be there twice",
)
def toc_codes(case: Case) -> Iterator[str]:
    listed = {code.upper() for _, (code, *_) in inventory_rows(case)}
    filed = {code.strip().upper() for _, (_, code, kind, *_) in rows(case) if kind != "folder"}
    unlisted = sorted(filed - listed)
    if len(unlisted) > len(filed) // 10:
        yield f"{len(unlisted):,} of {len(filed):,} are not in the inventory, such as {unlisted[0]}"


@check(
    "toc_languages",
    "contents: the same rows in French and German",
    needs=[f"toc_{one}" for one in LANGUAGES],
    after=["toc_columns"],
    effect="With EUROSTAT_LANGUAGE=fr or de titles are missing or sweeps fail; none in English",
)
def toc_languages(case: Case) -> Iterator[str]:
    codes = [code for _, (_, code, *_) in rows(case)]
    for language in LANGUAGES[1:]:
        if refused := not_given(case[f"toc_{language}"]):
            yield refused
            continue
        others = [code for _, (_, code, *_) in rows(case, f"toc_{language}")]
        if others != codes:
            yield f"{language}: {len(others):,} rows, {len(set(codes) - set(others)):,} codes are missing"


@check(
    "theme",
    "contents and inventory: the theme of this mirror selects datasets",
    needs=["inventory", "toc_en"],
    after=["inventory_columns", "inventory_dates", "toc_columns"],
    effect="Sweeps refuse an empty theme; nothing is withdrawn",
    remedy="Check EUROSTAT_THEME, EUROSTAT_THEME_SUBTREE and EUROSTAT_THEME_INCLUDE against the catalogue",
)
def theme(case: Case) -> Iterator[str]:
    try:
        case.theme.select(parse_toc(case["toc_en"].content), parse_inventory(case["inventory"].content))
    except EurostatError as error:
        yield error.what
