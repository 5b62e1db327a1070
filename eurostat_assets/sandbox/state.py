"""The sandbox's state as plain JSON, and the small file that keeps it: editions, feed items, dates.

What it means is the publisher's business.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from eurostat_assets.sandbox.clock import BRUSSELS
from eurostat_assets.sandbox.datasets import Edition
from eurostat_assets.sandbox.feed import Item

STATE_FILE = "sandbox.json"


def plain(record: Edition | Item) -> dict[str, Any]:
    """Dates as ISO 8601 in Brussels."""
    return {name: _plain(value) for name, value in asdict(record).items()}


def edition_of(record: Mapping[str, Any]) -> Edition:
    dates = {name: _date(record[name]) for name in ("update_data", "update_structure")}
    return Edition(**{**record, **dates, "changes": tuple(record.get("changes", ()))})


def item_of(record: Mapping[str, Any]) -> Item:
    return Item(**{**record, "date": _date(record["date"])})


def save(state: Mapping[str, Any], file: Path) -> None:
    """Whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(".part")
    unfinished.write_text(json.dumps(state, indent=1))
    os.replace(unfinished, file)  # noqa: PTH105 - the one atomic rename


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(BRUSSELS).isoformat()
    return list(value) if isinstance(value, tuple) else value


def _date(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(BRUSSELS)
