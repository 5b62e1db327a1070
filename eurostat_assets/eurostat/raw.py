"""A downloaded dataset: what it is, where it lies, and how that is written down. How it came here is
`client.py`'s.
"""

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from eurostat_assets.eurostat.release import Release

if TYPE_CHECKING:
    from upath import UPath


@dataclass(frozen=True, slots=True)
class RawJson:
    """A dataset as Eurostat sent it. The file at `path` is its holder's to move or delete.

    `sha256` and `content_bytes` are of the uncompressed content, `bytes` of the file; `seconds` the download
    took.
    """

    dataset: str
    path: "Path | UPath"
    release: Release
    url: str
    fetched_at: datetime
    sha256: str
    bytes: int
    content_bytes: int
    seconds: float

    def with_path(self, path: "Path | UPath") -> Self:
        """The same body in another place."""
        return replace(self, path=path)

    def provenance(self) -> dict[str, Any]:
        """Where the body came from, as a JSON object."""
        described = asdict(self)
        del described["path"], described["dataset"]
        return {**described, "release": self.release.version, "fetched_at": self.fetched_at.isoformat()}

    def to_json(self) -> str:
        """Everything but the folder."""
        return json.dumps({"dataset": self.dataset, "file": self.path.name, **self.provenance()}, indent=2)

    @classmethod
    def from_json(cls, text: str, folder: "Path | UPath") -> Self:
        """The inverse of `to_json` for a body that lies in `folder`. Raises ValueError, KeyError."""
        described = json.loads(text)
        return cls(
            path=folder / described.pop("file"),
            release=Release.parse(described.pop("release")),
            fetched_at=datetime.fromisoformat(described.pop("fetched_at")),
            **described,
        )
