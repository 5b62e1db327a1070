"""The memory of incidents in a small file: for what cannot be written into the database, because that is what is down."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from eurostat_assets.alarms.conditions import Condition
from eurostat_assets.alarms.telling import Incident


@dataclass(frozen=True)
class Kept:
    """An incident as the file has it."""

    id: int
    kind: str
    subject: str
    sentence: str
    severity: str
    opened_at: datetime
    closed_at: datetime | None


class FileMemory:
    """Incidents in a JSON file, at most a handful. It is replaced as a whole; one that cannot be read is begun anew."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def reconcile(self, conditions: Collection[Condition], looked_at: Collection[str]) -> None:
        book, now = self._read(), datetime.now(UTC).isoformat()
        wrong = {(one.kind, one.subject): one for one in conditions}
        for entry in book:
            key = (entry["kind"], entry["subject"])
            lasts = entry["closed_at"] is None
            if lasts and key in wrong:
                del wrong[key]
            elif lasts and entry["kind"] in looked_at:
                entry["closed_at"] = now
                if entry["severity"] == "notice":  # news have no all-clear
                    entry["told"] = []
        following = 1 + max((entry["id"] for entry in book), default=0)
        for number, one in enumerate(wrong.values(), start=following):
            book.append(
                {"id": number, **asdict(one), "opened_at": now, "closed_at": None, "told": [], "cleared": []}
            )
        self._write(book)

    def untold(self, channel: str) -> Sequence[Incident]:
        return [
            _incident(entry)
            for entry in self._read()
            if (entry["closed_at"] is None and channel not in entry["told"])
            or (entry["closed_at"] and channel in entry["told"] and channel not in entry["cleared"])
        ]

    def told(self, channel: str, incidents: Sequence[Incident]) -> None:
        book = self._read()
        for entry in book:
            for one in incidents:
                if one.id == entry["id"]:
                    entry["cleared" if one.closed_at else "told"].append(channel)
        self._write(book)

    def failed(self, channel: str, reason: str) -> None:
        """Nothing to note: it is told again at the next occasion."""

    def _read(self) -> list[dict[str, Any]]:
        try:
            return json.loads(self._path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return []

    def _write(self, book: list[dict[str, Any]]) -> None:
        waiting = [one for one in book if one["closed_at"] is None or set(one["told"]) - set(one["cleared"])]
        if waiting == self._read():
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._path.with_suffix(".new")
        temporary.write_text(json.dumps(waiting), encoding="utf-8")
        temporary.replace(self._path)


def _incident(entry: dict[str, Any]) -> Kept:
    closed = entry["closed_at"]
    return Kept(
        entry["id"], entry["kind"], entry["subject"], entry["sentence"], entry["severity"],
        datetime.fromisoformat(entry["opened_at"]), datetime.fromisoformat(closed) if closed else None,
    )  # fmt: skip
