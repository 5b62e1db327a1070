"""A downloaded dataset: what it is, where it lies, and how that is written down. How it came here is
`download.py`'s."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from eurostat_assets.eurostat.release import Release

if TYPE_CHECKING:
    from upath import UPath

Route = Literal["whole", "slices", "sdmx-csv"]
"""How a dataset came here: in one body; in slices by codes, each a JSON-stat body with positions of its own; or as
the JSON-stat body without cells, which tells everything about them, and the cells as SDMX-CSV."""


@dataclass(frozen=True, slots=True)
class RawPart:
    """One body of a dataset. `sha256` and `content_bytes` are of the uncompressed content, `bytes` of the
    file."""

    path: "Path | UPath"
    url: str
    sha256: str
    bytes: int
    content_bytes: int


@dataclass(frozen=True, slots=True)
class RawJson:
    """A dataset as Eurostat sent it: nearly always whole, in one part; in several where that was not to be had.

    All parts are of the same `release`. The files are their holder's to move or delete. `seconds`: what
    receiving took, without waiting for a turn or for Eurostat to prepare the answer.
    """

    dataset: str
    release: Release
    fetched_at: datetime
    seconds: float
    parts: tuple[RawPart, ...]
    route: Route = "whole"

    @property
    def paths(self) -> "tuple[Path | UPath, ...]":
        """Of all parts, in the order in which a reader of this dataset wants them."""
        return tuple(part.path for part in self.parts)

    @property
    def path(self) -> "Path | UPath":
        """Of the only part. Raises ValueError for a dataset in several, which no single file holds."""
        (part,) = self.parts
        return part.path

    @property
    def url(self) -> str:
        """Of the first part."""
        return self.parts[0].url

    @property
    def sha256(self) -> str:
        """Of the only part's content; of several, the hash of their hashes."""
        if len(self.parts) == 1:
            return self.parts[0].sha256
        return hashlib.sha256("".join(part.sha256 for part in self.parts).encode()).hexdigest()

    @property
    def bytes(self) -> int:
        return sum(part.bytes for part in self.parts)

    @property
    def content_bytes(self) -> int:
        return sum(part.content_bytes for part in self.parts)

    def with_path(self, *paths: "Path | UPath") -> Self:
        """The same bodies in other places, one for each part."""
        parts = (replace(part, path=path) for part, path in zip(self.parts, paths, strict=True))
        return replace(self, parts=tuple(parts))

    def provenance(self) -> dict[str, Any]:
        """Where it came from, as a JSON object."""
        return {
            "url": self.url,
            "route": self.route,
            "fetched_at": self.fetched_at.isoformat(),
            "release": self.release.version,
            "sha256": self.sha256,
            "bytes": self.bytes,
            "content_bytes": self.content_bytes,
            "seconds": self.seconds,
        } | ({"slices": len(self.parts)} if self.route == "slices" else {})

    def to_json(self) -> str:
        """Everything but the folder."""
        parts = [{**asdict(part), "path": part.path.name} for part in self.parts]
        return json.dumps({"dataset": self.dataset, **self.provenance(), "parts": parts}, indent=2)

    @classmethod
    def from_json(cls, text: str, folder: "Path | UPath") -> Self:
        """The inverse of `to_json` for files that lie in `folder`. Raises ValueError, KeyError."""
        described = json.loads(text)
        return cls(
            dataset=described["dataset"],
            release=Release.parse(described["release"]),
            fetched_at=datetime.fromisoformat(described["fetched_at"]),
            seconds=described["seconds"],
            parts=tuple(RawPart(**{**part, "path": folder / part["path"]}) for part in described["parts"]),
            route=described.get("route", "whole"),
        )
