"""Columns and where they come from: raw JSON-stat members → Parquet columns → columns of the table.

Dagster shows them as an asset's schema and as column lineage.
"""

from __future__ import annotations

import dagster as dg
import pyarrow as pa

RAW_JSON, OBSERVATIONS = dg.AssetKey("raw_json"), dg.AssetKey("observations")
SOURCE_COLUMN = "source_dataset_id"

RAW_JSON_COLUMNS = dg.TableSchema(
    [
        dg.TableColumn("label", "string", description="Title of the dataset."),
        dg.TableColumn("updated", "string", description="When data or structure last changed."),
        dg.TableColumn("value", "object", description="Numbers, by the flat index of their cell."),
        dg.TableColumn("status", "object", description="Flags, by the flat index of their cell."),
        dg.TableColumn("id", "array", description="Ids of the dimensions, in the order of the flat index."),
        dg.TableColumn("size", "array", description="How many codes each dimension has."),
        dg.TableColumn("dimension", "object", description="Codes and labels of each dimension."),
        dg.TableColumn(
            "extension", "object", description="Eurostat's own: code, flags' labels, annotations."
        ),
    ]
)
"""The members of a JSON-stat 2.0 dataset as Eurostat sends it."""

_FROM_STATUS, _FROM_VALUE = ("status",), ("value",)
_FROM_DIMENSION = ("id", "size", "dimension")


def schema_of(schema: pa.Schema, *, published: bool = False) -> dg.TableSchema:
    """The columns of a Parquet file of observations, or of the table `published` from it, with Eurostat's labels."""
    columns = [
        dg.TableColumn(field.name, _type(field, published), description=_label(field)) for field in schema
    ]
    if published:
        columns.append(dg.TableColumn(SOURCE_COLUMN, "text", description="The dataset's code."))
    return dg.TableSchema(columns)


def lineage_of_observations(schema: pa.Schema) -> dg.TableColumnLineage:
    """Which members of the JSON-stat body each column is made from."""
    made_from = {"obs_value": _FROM_VALUE, "obs_flag": _FROM_STATUS, "conf_status": _FROM_STATUS}
    return dg.TableColumnLineage(
        {
            name: [dg.TableColumnDep(RAW_JSON, member) for member in made_from.get(name, _FROM_DIMENSION)]
            for name in schema.names
        }
    )


def lineage_of_table(schema: pa.Schema) -> dg.TableColumnLineage:
    """Every column of the table is the Parquet file's of the same name, but for the one that names the dataset."""
    return dg.TableColumnLineage({name: [dg.TableColumnDep(OBSERVATIONS, name)] for name in schema.names})


def _type(field: pa.Field, published: bool) -> str:
    if not published:
        return "code" if pa.types.is_dictionary(field.type) else str(field.type)
    if pa.types.is_floating(field.type):
        return "double precision"
    return "date" if pa.types.is_date(field.type) else "text"


def _label(field: pa.Field) -> str | None:
    return (field.metadata or {}).get(b"label", b"").decode(errors="replace") or None
