"""What a dataset says about itself: its code, its dates, its dimensions. Everything but the cells."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from eurostat_assets.jsonstat.dimensions import Dimension, dimensions_of
from eurostat_assets.jsonstat.errors import BadStructure
from eurostat_assets.jsonstat.members import check_codes, cleaned, dig, labels_in, text_or_none
from eurostat_assets.jsonstat.names import check_names
from eurostat_assets.model.numbers import whole_number

_TIME = ("time", "time_period")


@dataclass(frozen=True)
class Facts:
    """Which dataset a text says it is, and of which release: the fields of `Header` with these names."""

    dataset: str | None
    updated: str | None
    update_data: str | None
    update_structure: str | None


@dataclass(frozen=True)
class Header:
    """A dataset but for its cells. Dates are the text on the wire (`2023-12-21T23:00:00+0100`), None where absent;
    `update_data` is `updated` where there is no annotation UPDATE_DATA. Texts are without control characters.

    `dataset` is the upper-case code (`extension.id`); `dimensions` are in the order of `id`; `time` is the id of the
    time dimension, if there is one; `obs_count` is what Eurostat says it published, for the whole dataset;
    `status_labels` are by the status as on the wire, e.g. `{"|C": "|confidential"}`; `annotations` are as sent.
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


def facts_of(name: str | None, body: dict[str, Any]) -> Facts:
    """Return what identifies a dataset that its bundle calls `name`. Nothing is checked, not even the code."""
    annotations = _annotations(body)
    updated = text_or_none(body.get("updated"))
    return Facts(
        dataset=code_of(body) or (name.upper() if name else None),
        updated=updated,
        update_data=_annotation(annotations, "UPDATE_DATA", "date") or updated,
        update_structure=_annotation(annotations, "UPDATE_STRUCTURE", "date"),
    )


def header_of(name: str | None, body: dict[str, Any]) -> Header:
    """The header of a dataset that its bundle calls `name`. Raises `NotADataset`, `BadStructure`."""
    facts = facts_of(name, body)
    annotations = _annotations(body)
    dimensions = dimensions_of(body)
    time = _time(body, dimensions)
    check_names(dimensions, time)
    status_labels = labels_in(dig(body, "extension", "status", "label"))
    check_codes([facts.dataset] if facts.dataset else [], "extension.id")
    check_codes(status_labels, "extension.status.label")
    return Header(
        dataset=facts.dataset,
        title=text_or_none(body.get("label")),
        source=text_or_none(body.get("source")),
        language=text_or_none(dig(body, "extension", "lang")),
        updated=facts.updated,
        update_data=facts.update_data,
        update_structure=facts.update_structure,
        obs_count=_count(_annotation(annotations, "OBS_COUNT", "title")),
        dimensions=dimensions,
        time=time,
        status_labels=status_labels,
        annotations=annotations,
    )


def code_of(body: dict[str, Any]) -> str | None:
    """The upper-case code that a dataset gives itself."""
    code = dig(body, "extension", "id")
    return code.upper() if isinstance(code, str) and code else None


def _annotations(body: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    sent = dig(body, "extension", "annotation")
    return tuple(cleaned(one) for one in sent if isinstance(one, dict)) if isinstance(sent, list) else ()


def _annotation(annotations: tuple[dict[str, Any], ...], kind: str, member: str) -> str | None:
    return next((text_or_none(one.get(member)) for one in annotations if one.get("type") == kind), None)


def _count(text: str | None) -> int | None:
    return whole_number(text) if text is not None else None


def _time(body: dict[str, Any], dimensions: tuple[Dimension, ...]) -> str | None:
    """Eurostat calls it `time`; elsewhere `role.time` says which dimension it is. Raises `BadStructure`."""
    ids = [dimension.id for dimension in dimensions]
    role = body.get("role", dig(body, "dimension", "role"))
    roles = dig(role, "time") or []
    named = next((one for one in ids if one.lower() in _TIME), None)
    if named is None and not (isinstance(roles, list) and all(one in ids for one in roles)):
        raise BadStructure(f"{roles!r} are not dimensions of this dataset", member="role.time")
    return named or next(iter(roles), None)
