"""The catalogue files: table of contents as text, inventories, code lists."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from eurostat_assets.sandbox.body import wire_date
from eurostat_assets.sandbox.clock import BRUSSELS
from eurostat_assets.sandbox.codelists import DIMENSION_LABELS, positions
from eurostat_assets.sandbox.datasets import Edition
from eurostat_assets.sandbox.languages import translated
from eurostat_assets.sandbox.sources import Source

Published = Iterable[tuple[Source, Edition]]
_SITE = "https://ec.europa.eu/eurostat"
# Depth by indentation, as in the file itself: two blanks here, four there.
_TREE = """\
Database by themes=data
  General and regional statistics=general
    Regional statistics=reg
      Regional health statistics=reg_hlth
        Causes of death=reg_hlth_cdeath
        Health care: resources and patients (non-expenditure data)=reg_hlth_care
  Economy and finance=economy
    National accounts (ESA 2010)=na10
  Population and social conditions=popul
    Demography, population stock and balance=demo
    Health=hlth
      Health status=hlth_state
        Self-perceived health and well-being=hlth_sph
      Health determinants=hlth_det
        Body mass index=hlth_bmi
      Health care=hlth_care
        Health care expenditure (SHA 2011)=hlth_sha11
        Health care resources=hlth_res
          Health care facilities=hlth_facil
        Health care activities=hlth_act
          Hospital discharges=hlth_hosd
      Disability=hlth_dsb
      Causes of death=hlth_cdeath
        General mortality=hlth_cd_gmor
      Health and safety at work=hsw
Cross cutting topics=cc
  European Neighbourhood Policy=enpe
"""
# The real table of contents calls some datasets tables, from one day to the next.
_TABLES = {"DEMO_PJANX"}
_HEADER = (
    "title",
    "code",
    "type",
    "last update of data",
    "last table structure change",
    "data start",
    "data end",
    "values",
)


def toc_txt(published: Published, language: str) -> Iterator[str]:
    """The lines of the table of contents. A dataset is filed in each of its folders, so its line repeats."""
    published = list(published)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        # Half a billion cells in `full`: counted once, and side by side, as numpy lets go of the interpreter.
        deque(pool.map(lambda offer: offer[0].count(offer[1]), published), maxlen=0)
    filed: dict[str, list[tuple[Source, Edition]]] = {}
    for source, edition in published:
        for folder in source.folders:
            filed.setdefault(folder, []).append((source, edition))
    yield "\t".join(f'"{column}"' for column in _HEADER) + "\n"
    for line in _TREE.splitlines():
        title, code = line.strip().split("=")
        depth = (len(line) - len(line.lstrip())) // 2
        yield "\t".join([_quoted(depth, title), f'"{code}"', '"folder"', *['" "'] * 4, ""]) + "\n"
        for source, edition in filed.get(code, ()):
            yield _toc_line(depth + 1, source, edition, language)


def _toc_line(depth: int, source: Source, edition: Edition, language: str) -> str:
    periods = next(
        (dimension.codes for dimension in source.dimensions(edition) if dimension.id == "time"), ("",)
    )
    days = (
        d.astimezone(BRUSSELS).strftime("%d.%m.%Y") for d in (edition.update_data, edition.update_structure)
    )
    kind = "table" if source.code in _TABLES else "dataset"
    cells = [source.code.lower(), kind, *days, min(periods, default=""), max(periods, default="")]
    title = _quoted(depth, translated(source.title, language))
    return "\t".join([title, *(f'"{cell}"' for cell in cells), str(source.count(edition))]) + "\n"


def _quoted(depth: int, title: str) -> str:
    # The real file has no quotes inside titles, so nobody knows how it would escape them.
    return f'"{"    " * depth}{title.replace(chr(34), chr(39))}"'


def inventory(published: Published, base: str) -> Iterator[str]:
    """The lines of the inventory of data: every dataset, with second precision, and a predefined extraction of some."""
    yield (
        "Code\tType\tSource dataset\tLast data change\tLast structural change\tData download url (tsv)\t"
        "Data download url (csv)\tData download url (sdmx)\tData structure download url\tOpen in Data Browser url\n"
    )
    for place, (source, edition) in enumerate(published):
        yield _inventory_line(source.code, "DATASET", "-", edition, base)
        if place % 7 == 3:
            yield _inventory_line(f"{source.code}$DV_{300 + place}", "EXTRACTION", source.code, edition, base)


def _inventory_line(code: str, kind: str, parent: str, edition: Edition, base: str) -> str:
    data = f"{base}/sdmx/2.1/data/{code}/?format="
    structure = f"{base}/sdmx/2.1/dataflow/ESTAT/{code}/?references=descendants&format=sdmx_2.1_generic"
    dates = wire_date(edition.update_data), wire_date(edition.update_structure)
    urls = f"{data}TSV", f"{data}SDMX-CSV", f"{data}sdmx_2.1_generic", structure
    return "\t".join([code, kind, parent, *dates, *urls, f"{_SITE}/databrowser/product/view/{code}"]) + "\n"


def codelist_inventory(base: str) -> Iterator[str]:
    """The lines of the inventory of code lists."""
    yield (
        "Code\tSource\tVersion\tLabel\tSpecific tsv download url\tSpecific sdmx download url\t"
        "Latest tsv download url\tLatest sdmx download url\tmapping file\n"
    )
    for dimension, label in sorted(DIMENSION_LABELS.items()):
        if dimension != "time":
            code = dimension.upper()
            # As in reality, tables are those of SDMX 3.0 and XML is that of 2.1; served here is the table of 2.1 alone.
            tsv = f"{base}/sdmx/3.0/structure/codelist/ESTAT/{code}"
            xml = f"{base}/sdmx/2.1/codelist/ESTAT/{code}"
            form = "?format=TSV&formatVersion=2.0"
            urls = f"{tsv}/1.0{form}", f"{xml}/1.0", f"{tsv}{form}", xml
            yield "\t".join([code, "ESTAT", "1.0", label, *urls, ""]) + "\n"


def codelist(identifier: str, language: str) -> str | None:
    """A code list as TSV with CRLF, or None for an unknown one."""
    dimension = identifier.lower()
    if dimension not in DIMENSION_LABELS or dimension == "time":
        return None
    return "".join(
        f"{code}\t{translated(label, language)}\r\n" for code, label in positions(dimension).items()
    )
