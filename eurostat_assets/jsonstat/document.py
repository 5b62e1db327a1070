"""From a text to its dataset: which one it is, what it says about itself, and where its cells are."""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import prod
from typing import Any

from eurostat_assets.jsonstat.errors import BadStructure, JsonStatError, NotADataset
from eurostat_assets.jsonstat.header import Facts, Header, code_of, facts_of, header_of
from eurostat_assets.jsonstat.outline import Region, outline
from eurostat_assets.jsonstat.source import Source, Text
from eurostat_assets.jsonstat.strict import parse_strictly

_BLANKET_STATUS_BYTES = 4096


@dataclass(frozen=True)
class Cells:
    """Where the cells of a dataset are: `status` may also be one text that holds for every value."""

    value: Region
    status: Region | str | None

    @property
    def size(self) -> int:
        """Bytes of uncompressed text."""
        return sum(one.end - one.start for one in (self.value, self.status) if isinstance(one, Region))


def read_header(source: Source, *, dataset: str | None = None) -> Header:
    """Everything but the cells of the JSON-stat text in `source` (plain, gzip or zstd).

    The whole text is gone over once, since Eurostat writes the dimensions last; the cells are not looked at.
    `dataset` chooses from a text with several: a name of a 1.x bundle, or a position (`"0"`) in a collection.

    Raises `JsonStatError`: `CorruptSource`, `NotJson`, `NotADataset` or `BadStructure`.
    """
    return locate(source, dataset)[0]


def read_facts(source: Source) -> Facts:
    """Return which dataset the text in `source` says it is, and of which release.

    The text is whole JSON and a dataset with values; whether its dimensions and codes are right is left to `read_header`.
    Raises `JsonStatError`: `CorruptSource`, `NotJson`, `NotADataset`, or `BadStructure` for a repeated member.
    """
    document, _ = outline(source)
    name, body = _choose(document, None)
    if not isinstance(body.get("value"), Region):
        raise NotADataset("it has no values", dataset=code_of(body) or name, member="value")
    return facts_of(name, body)


def locate(source: Source, dataset: str | None = None) -> tuple[Header, Cells]:
    """The header, and where the cells are."""
    document, regions = outline(source)
    name, body = _choose(document, dataset)
    header = None
    try:
        header = header_of(name, body)
        cells = _cells(body, source, prod(len(one.codes) for one in header.dimensions))
        _check_unread([region for region in regions if region not in (cells.value, cells.status)], source)
        return header, cells
    except JsonStatError as bad:
        raise bad.within(header.dataset if header else code_of(body) or name) from bad.__cause__


def _choose(document: Any, wanted: str | None) -> tuple[str | None, dict[str, Any]]:
    """The dataset of the document: the document itself, or the chosen or only one of a bundle or collection."""
    if not isinstance(document, dict):
        raise NotADataset(f"a JSON {type(document).__name__}, not an object")
    kind = document.get("class")
    if kind == "collection":
        link = document.get("link")
        items = link.get("item") if isinstance(link, dict) else None
        items = items if isinstance(items, list) else []
        found = {
            str(n): item for n, item in enumerate(items) if isinstance(item, dict) and "dimension" in item
        }
    elif kind in (None, "bundle") and "dimension" not in document:
        found = {k: v for k, v in document.items() if isinstance(v, dict) and "dimension" in v}
    elif kind in (None, "dataset"):
        return None, document
    else:
        raise NotADataset(f"its class is {kind!r}, not 'dataset'")
    if wanted is not None and wanted in found:
        return _bundle_name(wanted, kind), found[wanted]
    if wanted is None and len(found) == 1:
        [(name, body)] = found.items()
        return _bundle_name(name, kind), body
    raise NotADataset(_why_none(document, list(found), wanted))


def _bundle_name(name: str, kind: Any) -> str | None:
    return None if kind == "collection" or name == "dataset" else name


def _why_none(document: dict[str, Any], found: list[str], wanted: str | None) -> str:
    for envelope in ("error", "warning"):
        if envelope in document:
            return f"the server's {envelope} instead of data: {json.dumps(document[envelope])[:500]}"
    if not found:
        return "there is no dataset in it"
    names = ", ".join(found)
    if wanted is not None:
        return f"there is no dataset {wanted!r} in it, only {names}"
    return f"it holds {len(found)} datasets; name one of: {names}"


def _cells(body: dict[str, Any], source: Source, size: int) -> Cells:
    value, status = body.get("value"), body.get("status")
    if not isinstance(value, Region):
        raise NotADataset("it has no values", member="value")
    if isinstance(status, dict):  # the oldest Eurostat service: {"value": [...]}
        status = status.get("value")
    if isinstance(status, Region) and status.is_array and size != 1:
        status = _blanket(status, source)
    if status is not None and not isinstance(status, Region | str):
        raise BadStructure(f"a JSON {type(status).__name__}, not an object, array or text", member="status")
    return Cells(value, status or None)


def _check_unread(regions: list[Region], source: Source) -> None:
    """Cells of other datasets in the text are of no interest, but a text that is not JSON is not to be trusted."""
    for region in regions:
        from eurostat_assets.jsonstat.reference import check

        with Text(source, region.start, region.end) as text:
            check(text, "value or status of another dataset")


def _blanket(status: Region, source: Source) -> Region | str:
    """A status array of one element holds for every value, whatever the size of the cube (JSON-stat 2.0)."""
    if status.end - status.start > _BLANKET_STATUS_BYTES:
        return status
    with Text(source, status.start, status.end) as text:
        elements = parse_strictly(text.read(_BLANKET_STATUS_BYTES))
    return elements[0] if len(elements) == 1 and isinstance(elements[0], str) else status
