"""What each step of the chain shows of its result, and the sweep of its own."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq

from eurostat_assets import pictures, revisions
from eurostat_assets.eurostat import CatalogueEntry, RawJson, Release
from eurostat_assets.jsonstat import ParquetFile
from eurostat_assets.metadata import columns
from eurostat_assets.model import markdown
from eurostat_assets.model.addresses import without_secrets
from eurostat_assets.model.messages import message
from eurostat_assets.postgres import CatalogueChange, DatasetState, Publication

if TYPE_CHECKING:
    from upath import UPath

Metadata = Mapping[str, Any]

BROWSER = "https://ec.europa.eu/eurostat/databrowser/product/view/"
EXPLAINED = "ESMS_HTML"  # the annotation that links to the reference metadata
PREVIEW_ROWS = 8
LISTED = 50


def of_release(dataset: str, release: Release) -> Metadata:
    return {
        "release": release.version,
        "data changed": dg.MetadataValue.timestamp(release.data),
        "structure changed": dg.MetadataValue.timestamp(release.structure),
        "Eurostat data browser": dg.MetadataValue.url(BROWSER + dataset),
    }


def of_source(state: DatasetState, release: Release, api_url: str, found_by: str) -> Metadata:
    """What is known of a dataset at Eurostat before anything of it is downloaded; `found_by`: what told of the release."""
    size = {"observations at Eurostat": state.offered_rows} if state.offered_rows is not None else {}
    return {
        "title": state.title or "",
        **of_release(state.dataset, release),
        **size,
        "API": dg.MetadataValue.url(
            f"{without_secrets(api_url)}/statistics/1.0/data/{state.dataset}?format=JSON&lang=EN"
        ),
        "found by": found_by,
    }


def of_state(state: DatasetState) -> Metadata:
    """What is known of a published dataset where its last materialisation is not."""
    numbers = {"dagster/partition_row_count": state.rows, "bytes": state.bytes}
    return {
        "title": state.title or "",
        "release": state.release or "",
        "dagster/table_name": state.table or "",
        "Eurostat data browser": dg.MetadataValue.url(BROWSER + state.dataset),
        **{name: number for name, number in numbers.items() if number is not None},
    }


def of_catalogue(
    entries: Sequence[CatalogueEntry], change: CatalogueChange, states: Mapping[str, DatasetState]
) -> Metadata:
    rows = (
        (e.code, e.title, f"{e.release.updated:%Y-%m-%d %H:%M}", states[e.code].state)
        for e in entries[:PREVIEW_ROWS]
        if e.release
    )
    counts = Counter(state.state for state in states.values())
    return {
        "dagster/row_count": len(entries),
        **{state: counts[state] for state in ("current", "stale", "new", "failed", "withdrawn", "excluded")},
        "new datasets": dg.MetadataValue.text(", ".join(change.new[:LISTED]) or "none"),
        "withdrawn since the last sweep": dg.MetadataValue.text(", ".join(change.withdrawn) or "none"),
        "preview": dg.MetadataValue.md(
            markdown.table(("dataset", "title", "last change (UTC)", "here"), rows)
        ),
    }


def of_raw_json(raw: RawJson) -> Metadata:
    return {
        **of_release(raw.dataset, raw.release),
        "bytes": raw.bytes,
        "bytes uncompressed": raw.content_bytes,
        "seconds": raw.seconds,
        "megabytes per second": round(raw.content_bytes / 1e6 / max(raw.seconds, 0.001), 2),
        "had": raw.route if len(raw.parts) == 1 else f"{raw.route}, {len(raw.parts)} bodies",
        "fetched at": dg.MetadataValue.timestamp(raw.fetched_at),
        "sha256": raw.sha256,
        "fetched from": dg.MetadataValue.url(without_secrets(raw.url)),
    }


def of_observations(parquet: ParquetFile, release: Release, seconds: float) -> Metadata:
    header = parquet.header
    with pq.ParquetFile(parquet.path) as file:
        schema, first = file.schema_arrow, next(file.iter_batches(PREVIEW_ROWS), None)
    seen = pictures.glance(parquet.path)
    cells = math.prod(len(dimension.codes) for dimension in header.dimensions)
    return {
        **_pictures(seen),
        "title": header.title or "",
        **of_release(header.dataset or "", release),
        **_explained(header.annotations),
        "dagster/partition_row_count": parquet.rows,
        "periods": len(seen.periods),
        "first period": seen.periods[0] if seen.periods else "none",
        "last period": seen.periods[-1] if seen.periods else "none",
        "cells": cells,
        "percent of cells with an observation": round(100 * parquet.rows / cells, 2) if cells else 0.0,
        "bytes": parquet.bytes,
        "seconds": round(seconds, 3),
        "rows per second": round(parquet.rows / max(seconds, 0.001)),
        "dimensions": dg.MetadataValue.md(
            markdown.table(
                ("dimension", "label", "codes"),
                ((one.id, one.label, len(one.codes)) for one in header.dimensions),
            )
        ),
        "preview": dg.MetadataValue.md(_preview(first) if first else "no observations"),
        "dagster/column_schema": columns.schema_of(schema),
        "dagster/column_lineage": columns.lineage_of_observations(schema),
    }


def of_revision(before: UPath | Path, after: UPath | Path) -> Metadata:
    """How many observations a release adds, removes and changes; why that was not counted, where it was not."""
    told = "changes since the release before"
    if not before.exists():
        return {told: "this is the first one here"}
    try:
        found = revisions.compare(before, after)
    except revisions.NotCompared as why:
        return {told: f"not counted: {why}"}
    except (OSError, pa.ArrowException, KeyError, ValueError) as error:
        return {told: message(f"not counted: the file of the release before cannot be read ({error})")}
    return {
        told: f"{found.added:,} added, {found.removed:,} removed, {found.changed:,} changed, {found.same:,} the same",
        "observations added": found.added,
        "observations removed": found.removed,
        "observations changed": found.changed,
    }


def of_table(dataset: str, release: Release, parquet: UPath | Path) -> Metadata:
    """What is known of a table before it is loaded from its Parquet file."""
    with parquet.open("rb") as opened, pq.ParquetFile(opened) as file:
        schema = file.schema_arrow
    return {
        **of_release(dataset, release),
        "dagster/column_schema": columns.schema_of(schema, published=True),
        "dagster/column_lineage": columns.lineage_of_table(schema),
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


def _pictures(seen: pictures.Glance) -> Metadata:
    """A strip that Dagster shows in the page, which it does with up to a thousand characters, and a picture to be opened."""
    try:
        strip, picture = (pictures.data_uri(draw(seen)) for draw in (pictures.sparkline, pictures.draw))
    except Exception as error:  # noqa: BLE001 - no picture is worth withholding data for
        return {"picture": message(f"could not be drawn: {type(error).__name__}: {error}")}
    said = f"Observations of {len(seen.periods)} periods" + (", and a total over time" if seen.series else "")
    return {
        "at a glance": dg.MetadataValue.md(f"![{said}]({strip})"),
        "picture": dg.MetadataValue.md(f"![{said}]({picture})"),
    }


def _explained(annotations: Iterable[Mapping[str, Any]]) -> Metadata:
    """The link to the reference metadata, where Eurostat gives one that is a web page."""
    links = (one.get("href") for one in annotations if one.get("type") == EXPLAINED)
    link = next((link for link in links if isinstance(link, str) and link.startswith("https://")), None)
    return {"reference metadata": dg.MetadataValue.url(link)} if link else {}


def _preview(rows: pa.RecordBatch) -> str:
    names = rows.schema.names
    return markdown.table(names, ([row[name] for name in names] for row in rows.to_pylist()))
