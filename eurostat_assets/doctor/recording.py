"""Answers on disk: one file for each body, uncompressed, and `manifest.json` with everything else.

For bug reports, so without secrets: users and passwords in addresses, cookies and credentials in headers are gone before
an answer comes here (exchange.py).
"""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from eurostat_assets.doctor.collecting import Answers
from eurostat_assets.doctor.exchange import Exchange
from eurostat_assets.doctor.verdict import Verdict

MANIFEST = "manifest.json"
_SUFFIXES = {"json": ".json", "xml": ".xml", "csv": ".csv", "tab-separated": ".tsv", "octet-stream": ".tsv"}


class NoRecording(Exception):
    """A folder that holds no recording, or one that is not whole; the text names it and says why."""


class Recorder:
    """Writes into `folder`, which is made; each answer as soon as it is there."""

    def __init__(self, folder: Path, api_url: str) -> None:
        self._folder = folder
        self._api_url = api_url
        self._entries: list[dict[str, object]] = []
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, exchange: Exchange) -> None:
        media = exchange.headers.get("content-type", "")
        suffix = next((suffix for kind, suffix in _SUFFIXES.items() if kind in media), ".txt")
        name = f"{len(self._entries) + 1:02}_{exchange.name}{suffix}"
        (self._folder / name).write_bytes(exchange.content)
        record = asdict(exchange)
        del record["content"]
        self._entries.append({**record, "file": name})

    def finish(self, answers: Answers, verdicts: Iterable[Verdict]) -> None:
        """Write the manifest, which makes it a recording."""
        manifest = {
            "software": f"eurostat-assets {version('eurostat-assets')}",
            "python": platform.python_version(),
            "system": platform.platform(),
            "api_url": self._api_url,
            "dataset": answers.dataset,
            "answers": self._entries,
            "verdicts": [verdict.as_dict() for verdict in verdicts],
        }
        (self._folder / MANIFEST).write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")


def recorded(folder: Path) -> Answers:
    """The answers of a recording. Raises NoRecording."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
        answers = Answers(manifest["dataset"])
        for entry in manifest["answers"]:
            content = (folder / Path(entry.pop("file")).name).read_bytes()
            exchange = Exchange(content=content, **entry)
            answers.exchanges[exchange.name] = exchange
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise NoRecording(f"{folder} holds no recording of `doctor --record` ({error})") from error
    return answers
