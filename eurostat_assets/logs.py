"""The runs' own words as lines of JSON, for whoever collects logs: `<home>/logs/runs-2026-11-21.jsonl`.

A logging handler that dagster.yaml names (`python_logs`); what is logged is Dagster's and the assets' business.
"""

from __future__ import annotations

import json
import logging
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dagster import BetaWarning, DagsterEvent

from eurostat_assets import settings
from eurostat_assets.model.messages import message

DAYS_KEPT = 30
# Of what Dagster itself says at every step, that which tells how a dataset fares.
EVENTS = {
    "ASSET_MATERIALIZATION",
    "STEP_FAILURE",
    "STEP_UP_FOR_RETRY",
    "PIPELINE_SUCCESS",
    "PIPELINE_FAILURE",
}

# Said at every run; nothing here depends on more than that it calls this handler.
warnings.filterwarnings("ignore", message=".*yaml-defined logging configuration", category=BetaWarning)


class JsonLines(logging.Handler):
    """Appends each record, whole and at once, to the file of its day; many processes may do so together."""

    def __init__(self, folder: Path | None = None) -> None:
        super().__init__()
        self._folder = folder or settings.load().home / "logs"
        self._folder.mkdir(parents=True, exist_ok=True)
        for old in sorted(self._folder.glob("runs-*.jsonl"))[:-DAYS_KEPT]:
            old.unlink(missing_ok=True)

    def emit(self, record: logging.LogRecord) -> None:
        event = getattr(record, "dagster_meta", {}).get("dagster_event")
        if record.levelno < logging.INFO and (event is None or event.event_type_value not in EVENTS):
            return
        try:
            line = json.dumps(told(record), ensure_ascii=False, default=str) + "\n"
            path = self._folder / f"runs-{datetime.fromtimestamp(record.created, UTC):%Y-%m-%d}.jsonl"
            with path.open("ab", buffering=0) as file:
                file.write(line.encode())
        except OSError:  # a full disk is told by other means; the run goes on
            self.handleError(record)


def told(record: logging.LogRecord) -> dict[str, Any]:
    """A record of a run as a JSON object: when, how grave, of which dataset, release and run, in which step, what; the
    numbers of what was materialised."""
    about = getattr(record, "dagster_meta", {})
    tags = about.get("job_tags") or {}
    line = {
        "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname,
        "dataset": tags.get("dagster/partition"),
        "release": tags.get("eurostat/release"),
        "run": about.get("run_id"),
        "job": about.get("job_name"),
        "step": about.get("step_key"),
        "message": message(about.get("orig_message") or record.getMessage()),
    }
    if event := about.get("dagster_event"):
        line |= {"event": event.event_type_value} | _numbers(event)
    return {name: value for name, value in line.items() if value is not None}


def _numbers(event: DagsterEvent) -> dict[str, Any]:
    if event.event_type_value != "ASSET_MATERIALIZATION":
        return {}
    shown = event.step_materialization_data.materialization
    numbers = {
        name: value.value for name, value in shown.metadata.items() if isinstance(value.value, int | float)
    }
    return {"asset": shown.asset_key.to_user_string(), "numbers": numbers}
