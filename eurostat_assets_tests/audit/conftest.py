"""Published tables in a real database, and the releases they were loaded from."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from eurostat_assets import audit, postgres
from eurostat_assets_tests.postgres.conftest import mirror, query, release

__all__ = ["mirror", "query", "release"]


@dataclass
class Bench:
    """A dataset that is published and audited; `seal` is what its last audit left."""

    database: str
    parquet: Path
    dataset: str = "HLTH_TEST"
    seal: audit.Seal | None = None
    later: timedelta = field(default=timedelta(days=1))

    def audit(self, *, deep: bool = False) -> audit.Audited:
        state = postgres.states(self.database)[self.dataset]
        assert state.release
        assert state.published_at
        published = audit.Published(
            self.dataset, state.release, state.rows or 0, state.sha256, state.published_at
        )
        with postgres.reading(self.database) as server:
            now = datetime.now(UTC) + self.later
            found = audit.compare(server, self.parquet, published, self.seal, now, deep=deep)
        self.seal = found.seal or self.seal
        return found

    def kinds(self, *, deep: bool = False) -> list[str]:
        return [finding.kind for finding in self.audit(deep=deep).findings]


@pytest.fixture(params=["text", "smallint"])
def published(
    request: pytest.FixtureRequest, mirror: str, release: Callable[..., Path]
) -> Callable[..., Bench]:
    """Publish a release, in both ways of storing: `published(rows=…, day=…, dimensions=…)`."""

    def make(**about: Any) -> Bench:
        parquet = release(**about)
        postgres.publish(mirror, parquet, storage=postgres.Storage(codes=request.param))
        return Bench(mirror, parquet, about.get("dataset", "HLTH_TEST"))

    return make
