"""What was asked of the sandbox, which bodies it gave away whole, and which faults were met: counts and nothing else."""

from __future__ import annotations

from collections import Counter
from threading import Lock
from typing import Any

from eurostat_assets.sandbox.datasets import Edition


class Tally:
    """Counts of one server's life; safe between threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._requests: Counter[str] = Counter()
        self._faults: Counter[str] = Counter()
        self._bodies: dict[str, Counter[tuple[str, str]]] = {}

    def asked(self, resource: str) -> None:
        with self._lock:
            self._requests[resource] += 1

    def met(self, fault: str) -> None:
        with self._lock:
            self._faults[fault] += 1

    def delivered(self, edition: Edition) -> None:
        """A whole dataset went out to its last byte and without a fault."""
        with self._lock:
            dates = (edition.update_data.isoformat(), edition.update_structure.isoformat())
            self._bodies.setdefault(edition.code, Counter())[dates] += 1

    def report(self) -> dict[str, Any]:
        """`requests` by resource (data, slice, probe, csv, feed, inventory, toc, codelist, refused), `faults_met` by kind,
        `bodies` delivered whole by dataset, and of these `again` those of an edition that had been delivered before.
        """
        with self._lock:
            return {
                "requests": dict(sorted(self._requests.items())),
                "faults_met": dict(sorted(self._faults.items())),
                "bodies": {code: sum(times.values()) for code, times in sorted(self._bodies.items())},
                "again": {
                    code: sum(times.values()) - len(times)
                    for code, times in sorted(self._bodies.items())
                    if sum(times.values()) > len(times)
                },
            }
