"""The publisher: what Eurostat offers, what it released, and its datasets as it sends them.

Belongs here: the API and its limits, catalogue, feed, releases, refusals. Does not: the JSON-stat format,
Parquet, Postgres, Dagster.
"""

from eurostat_assets.eurostat.client import REAL_API, Eurostat
from eurostat_assets.eurostat.codes import check_code
from eurostat_assets.eurostat.errors import (
    EurostatError,
    ExtractionTooBig,
    MalformedCode,
    NotAvailable,
    StillPreparing,
    Transient,
)
from eurostat_assets.eurostat.feed import FeedItem
from eurostat_assets.eurostat.gate import Gate
from eurostat_assets.eurostat.inventory import Inventory, InventoryEntry
from eurostat_assets.eurostat.measure import Allowance
from eurostat_assets.eurostat.raw import RawJson
from eurostat_assets.eurostat.release import Release
from eurostat_assets.eurostat.theme import CatalogueEntry, Theme

__all__ = [
    "REAL_API",
    "Allowance",
    "CatalogueEntry",
    "Eurostat",
    "EurostatError",
    "ExtractionTooBig",
    "FeedItem",
    "Gate",
    "Inventory",
    "InventoryEntry",
    "MalformedCode",
    "NotAvailable",
    "RawJson",
    "Release",
    "StillPreparing",
    "Theme",
    "Transient",
    "check_code",
]
