"""What a body says of itself: which dataset it is, of which release, and which positions its dimensions have.

The little of JSON-stat that a client must see. Reading data is another room's.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from eurostat_assets.eurostat.errors import DatedAhead, Unreadable, WrongDataset
from eurostat_assets.eurostat.release import Release
from eurostat_assets.model.bounds import too_many_values
from eurostat_assets.model.numbers import whole_number

TIME = "time"


class Facts(Protocol):
    """A dataset's code, and its dates as sent: UPDATE_DATA, else `updated`; UPDATE_STRUCTURE, where there is one."""

    @property
    def dataset(self) -> str | None: ...
    @property
    def update_data(self) -> str | None: ...
    @property
    def update_structure(self) -> str | None: ...


Inspect = Callable[[Path], Facts]
"""Reads a finished file's own account of itself; whatever it raises means that the body is unreadable."""


@dataclass(frozen=True, slots=True)
class Outline:
    """A dataset without its cells: `positions` holds the codes of every dimension but time, in their
    order; `observations` is their number as announced (OBS_COUNT), None where it is not."""

    release: Release
    positions: dict[str, tuple[str, ...]]
    observations: int | None = None


def release_of_file(path: Path, code: str, inspect: Inspect) -> Release:
    """The release of the body at `path`. Raises Unreadable, WrongDataset."""
    try:
        facts = inspect(path)
    except Exception as error:
        if isinstance(error, OSError) and error.errno:
            raise
        raise Unreadable(f"the body is not a readable dataset ({error})", dataset=code) from error
    return _release(code, facts.dataset, facts.update_data, facts.update_structure)


def outline_of(body: bytes, code: str) -> Outline:
    """The outline in a small body, such as one without cells. Raises Unreadable, WrongDataset."""
    if too_many_values(body):
        raise Unreadable("the answer has more values than any dataset's description", dataset=code)
    try:
        answer: dict[str, Any] = json.loads(body)
        extension = answer["extension"]
        notes = extension.get("annotation") or []
        dates = {note.get("type"): note.get("date") for note in notes if isinstance(note, dict)}
        data = dates.get("UPDATE_DATA") or answer.get("updated")
        release = _release(code, extension["id"], data, dates.get("UPDATE_STRUCTURE"))
        dimensions = answer["dimension"]
        positions = {name: _codes(dimensions[name]) for name in answer["id"] if name.lower() != TIME}
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise Unreadable(f"the answer is not a dataset ({error!r})", dataset=code) from error
    return Outline(release, positions, _observations(notes))


def believed(release: Release, ahead: timedelta | None, dataset: str) -> Release:
    """`release`, unless it is dated more than `ahead` in the future (None: no matter when). Raises DatedAhead."""
    if ahead is not None and release.updated > datetime.now(UTC) + ahead:
        raise DatedAhead(release.updated, dataset)
    return release


def _observations(notes: list[Any]) -> int | None:
    counts = [
        note.get("title") for note in notes if isinstance(note, dict) and note.get("type") == "OBS_COUNT"
    ]
    return whole_number(counts[0]) if counts and isinstance(counts[0], str) else None


def _codes(dimension: dict[str, Any]) -> tuple[str, ...]:
    index: dict[str, int] = dimension["category"]["index"]
    return tuple(sorted(index, key=lambda position: index[position]))


def _release(code: str, claimed: str | None, data: str | None, structure: str | None) -> Release:
    if claimed is None or claimed.upper() != code:
        raise WrongDataset(code, claimed)
    try:
        return Release.from_wire(data, structure)
    except ValueError as error:
        raise Unreadable(f"the body does not say when it was released ({error})", dataset=code) from error
