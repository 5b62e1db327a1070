"""What a dataset says about itself: its dates, its dimensions and their codes. Everything but the cells.

JSON-stat 2.0 as Eurostat writes it, and the older shapes: 1.x bundles (`id`, `size` and `role` inside
`dimension`), sizes as strings, `category.index` as list or object in any order, no index for a dimension of
one position.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from eurostat_assets.jsonstat.errors import BadStructure, JsonStatError, NotADataset
from eurostat_assets.jsonstat.outline import Region, outline, parse_strictly
from eurostat_assets.jsonstat.source import Source, Text

_TIME = ("time", "time_period")
_BLANKET_STATUS_BYTES = 4096


@dataclass(frozen=True)
class Dimension:
    """One dimension of the cube: `codes` in position order, `labels` by code (a code may lack one)."""

    id: str
    label: str | None
    codes: tuple[str, ...]
    labels: dict[str, str]


@dataclass(frozen=True)
class Header:
    """A dataset but for its cells. Dates are the text on the wire (`2023-12-21T23:00:00+0100`), None where
    absent.

    `dataset` is the upper-case code (`extension.id`); `dimensions` are in the order of `id`; `time` is the id
    of the time dimension, if there is one; `obs_count` is what Eurostat says it published, for the whole
    dataset; `status_labels` are by the status as on the wire, e.g. `{"|C": "|confidential"}`; `annotations`
    are as sent.
    """

    dataset: str | None
    title: str | None
    source: str | None
    language: str | None
    updated: str | None
    update_data: str | None
    update_structure: str | None
    obs_count: int | None
    dimensions: tuple[Dimension, ...]
    time: str | None
    status_labels: dict[str, str]
    annotations: tuple[dict[str, Any], ...] = field(repr=False)


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


def locate(source: Source, dataset: str | None = None) -> tuple[Header, Cells]:
    """The header, and where the cells are."""
    document = outline(source)
    name, body = _choose(document, dataset)
    header = None
    try:
        header = _header(name, body)
        return header, _cells(body, source)
    except JsonStatError as bad:
        raise bad.within(header.dataset if header else _code(body) or name) from bad.__cause__


def _choose(document: Any, wanted: str | None) -> tuple[str | None, dict[str, Any]]:
    """The dataset of the document: the document itself, or the chosen or only one of a bundle or
    collection."""
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


def _header(name: str | None, body: dict[str, Any]) -> Header:
    extension = body.get("extension")
    extension = extension if isinstance(extension, dict) else {}
    annotations = _annotations(extension)
    dimensions = _dimensions(body)
    code = _code(body) or (name.upper() if name else None)
    return Header(
        dataset=code,
        title=_text(body.get("label")),
        source=_text(body.get("source")),
        language=_text(extension.get("lang")),
        updated=_text(body.get("updated")),
        update_data=_annotation(annotations, "UPDATE_DATA", "date"),
        update_structure=_annotation(annotations, "UPDATE_STRUCTURE", "date"),
        obs_count=_count(_annotation(annotations, "OBS_COUNT", "title")),
        dimensions=dimensions,
        time=_time(body, dimensions),
        status_labels=_labels(_dig(extension, "status", "label")),
        annotations=annotations,
    )


def _code(body: dict[str, Any]) -> str | None:
    code = _text(_dig(body, "extension", "id"))
    return code.upper() if code else None


def _annotations(extension: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    sent = extension.get("annotation")
    return tuple(one for one in sent if isinstance(one, dict)) if isinstance(sent, list) else ()


def _annotation(annotations: tuple[dict[str, Any], ...], kind: str, member: str) -> str | None:
    return next((_text(one.get(member)) for one in annotations if one.get("type") == kind), None)


def _count(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() and len(text) < 19 else None


def _dimensions(body: dict[str, Any]) -> tuple[Dimension, ...]:
    described = body.get("dimension")
    if not isinstance(described, dict):
        raise NotADataset("it has no dimensions", member="dimension")
    ids = body.get("id", described.get("id"))
    sizes = body.get("size", described.get("size"))
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        raise BadStructure("not a list of dimension ids", member="id")
    if not isinstance(sizes, list):
        raise BadStructure("not a list of numbers of positions", member="size")
    if len(set(ids)) < len(ids):
        raise BadStructure("names a dimension twice", member="id")
    dimensions = tuple(_dimension(one, described.get(one)) for one in ids)
    _check_sizes([_size(size) for size in sizes], [len(one.codes) for one in dimensions])
    return dimensions


def _check_sizes(sizes: list[int], counts: list[int]) -> None:
    """The sizes must be the numbers of codes. A publisher that leaves out sizes of 1 (the ONS did) leaves no
    doubt about any cell, since a dimension of one position does not move the flat index."""
    if sizes == counts:
        return
    if len(sizes) == len(counts) or [n for n in sizes if n != 1] != [n for n in counts if n != 1]:
        raise BadStructure(f"{sizes}, but the dimensions have {counts} codes", member="size")


def _size(size: Any) -> int:
    if isinstance(size, str) and size.isdecimal() and len(size) < 19:
        size = int(size)
    if isinstance(size, bool) or not isinstance(size, int) or size < 0:
        raise BadStructure(f"{size!r} is not a number of positions", member="size")
    return size


def _dimension(id: str, described: Any) -> Dimension:  # noqa: A002 (the format's own word)
    member = f"dimension.{id}"
    category = _dig(described, "category")
    if not isinstance(category, dict):
        raise BadStructure("no category, so its codes are not known", member=member)
    labels = _labels(category.get("label"))
    return Dimension(id, _text(described.get("label")), _codes(category.get("index"), labels, member), labels)


def _codes(index: Any, labels: dict[str, str], member: str) -> tuple[str, ...]:
    """The codes in position order, of `category.index` as a list, as an object {code: position}, or left
    out."""
    if index is None and len(labels) == 1:
        return tuple(labels)
    if isinstance(index, list) and all(isinstance(code, str) for code in index):
        if len(set(index)) < len(index):
            raise BadStructure("category.index names a code twice", member=member)
        return tuple(index)
    if isinstance(index, dict):
        positions = list(index.values())
        exact = all(type(position) is int for position in positions)
        if not exact or sorted(positions) != list(range(len(positions))):
            raise BadStructure("category.index is not the positions 0, 1, 2, …, each once", member=member)
        return tuple(sorted(index, key=index.__getitem__))
    raise BadStructure(
        "category.index is neither a list of codes nor an object {code: position}", member=member
    )


def _time(body: dict[str, Any], dimensions: tuple[Dimension, ...]) -> str | None:
    """Eurostat calls it `time`; elsewhere `role.time` says which dimension it is."""
    ids = [dimension.id for dimension in dimensions]
    role = body.get("role", _dig(body, "dimension", "role"))
    roles = _dig(role, "time")
    named = [one for one in ids if one.lower() in _TIME]
    return next((one for one in [*named, *(roles if isinstance(roles, list) else [])] if one in ids), None)


def _cells(body: dict[str, Any], source: Source) -> Cells:
    value, status = body.get("value"), body.get("status")
    if not isinstance(value, Region):
        raise NotADataset("it has no values", member="value")
    if isinstance(status, dict):  # the oldest Eurostat service: {"value": [...]}
        status = status.get("value")
    if isinstance(status, Region) and status.is_array:
        status = _blanket(status, source)
    if status is not None and not isinstance(status, Region | str):
        raise BadStructure(f"a JSON {type(status).__name__}, not an object, array or text", member="status")
    return Cells(value, status or None)


def _blanket(status: Region, source: Source) -> Region | str:
    """A status array of one element holds for every value, whatever the size of the cube (JSON-stat 2.0)."""
    if status.end - status.start > _BLANKET_STATUS_BYTES:
        return status
    with Text(source, status.start, status.end) as text:
        elements = parse_strictly(text.read(_BLANKET_STATUS_BYTES))
    return elements[0] if len(elements) == 1 and isinstance(elements[0], str) else status


def _dig(value: Any, *names: str) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _labels(labels: Any) -> dict[str, str]:
    return {k: v for k, v in labels.items() if isinstance(v, str)} if isinstance(labels, dict) else {}
