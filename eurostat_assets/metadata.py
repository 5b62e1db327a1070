"""What a materialisation shows in the UI: rows, bytes, seconds, dates, links, the schema and the first rows.

Here belongs how things are shown, not what they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq

from eurostat_assets.eurostat import CatalogueEntry, RawJson, Release
from eurostat_assets.jsonstat import ParquetFile
from eurostat_assets.postgres import CatalogueChange, DatasetState, Publication

Metadata = Mapping[str, Any]

BROWSER = "https://ec.europa.eu/eurostat/databrowser/product/view/"
PREVIEW_ROWS = 8
LISTED = 50


def of_release(dataset: str, release: Release) -> Metadata:
    return {
        "release": release.version,
        "data changed": dg.MetadataValue.timestamp(release.data),
        "structure changed": dg.MetadataValue.timestamp(release.structure),
        "Eurostat data browser": dg.MetadataValue.url(BROWSER + dataset),
    }


def of_catalogue(
    entries: Sequence[CatalogueEntry], change: CatalogueChange, states: Mapping[str, DatasetState]
) -> Metadata:
    lines = [
        f"| {e.code} | {e.title} | {e.release.updated:%Y-%m-%d %H:%M} | {states[e.code].state} |"
        for e in entries[:PREVIEW_ROWS]
        if e.release
    ]
    counts = Counter(state.state for state in states.values())
    return {
        "dagster/row_count": len(entries),
        **{state: counts[state] for state in ("current", "stale", "new", "failed", "withdrawn", "excluded")},
        "new datasets": dg.MetadataValue.text(", ".join(change.new[:LISTED]) or "none"),
        "withdrawn since the last sweep": dg.MetadataValue.text(", ".join(change.withdrawn) or "none"),
        "preview": dg.MetadataValue.md(
            "\n".join(["| dataset | title | last change (UTC) | here |", "|---|---|---|---|", *lines])
        ),
    }


def of_raw_json(raw: RawJson) -> Metadata:
    return {
        **of_release(raw.dataset, raw.release),
        "bytes": raw.bytes,
        "bytes uncompressed": raw.content_bytes,
        "seconds": raw.seconds,
        "sha256": raw.sha256,
        "fetched from": dg.MetadataValue.url(raw.url),
    }


def of_observations(parquet: ParquetFile, release: Release, seconds: float) -> Metadata:
    with pq.ParquetFile(parquet.path) as file:
        schema, first = file.schema_arrow, next(file.iter_batches(PREVIEW_ROWS), None)
    return {
        **of_release(parquet.header.dataset or "", release),
        "title": parquet.header.title or "",
        "dagster/partition_row_count": parquet.rows,
        "bytes": parquet.bytes,
        "seconds": round(seconds, 3),
        "rows per second": round(parquet.rows / seconds),
        "dagster/column_schema": _column_schema(schema),
        "preview": dg.MetadataValue.md(_preview(first) if first else "no observations"),
    }


def of_publication(publication: Publication) -> Metadata:
    return {
        "dagster/table_name": publication.table,
        "dagster/partition_row_count": publication.rows,
        "bytes": publication.bytes,
        "seconds": round(publication.seconds, 3),
        "seconds readers could wait": round(publication.switch_seconds, 4),
        "rows per second": round(publication.rows_per_second),
        "query": dg.MetadataValue.md(f"```sql\nSELECT * FROM {publication.table} LIMIT 100;\n```"),
    }


def _column_schema(schema: pa.Schema) -> dg.TableSchema:
    columns = []
    for field in schema:
        label = (field.metadata or {}).get(b"label", b"").decode()
        columns.append(dg.TableColumn(field.name, str(field.type), description=label or None))
    return dg.TableSchema(columns)


def _preview(rows: pa.RecordBatch) -> str:
    """The rows as a Markdown table."""
    names = rows.schema.names
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    for row in rows.to_pylist():
        cells = ("" if row[name] is None else str(row[name]).replace("|", "\\|") for name in names)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)
