"""The first load, watched: `up` and `demo` start a sweep and show how the platform's own sensors fill the mirror.

Here belong requesting the sweep over Dagster's GraphQL address and reading from the books how far it is.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import dagster as dg

from eurostat_assets import postgres, resources
from eurostat_assets.failures import reason
from eurostat_assets.launcher import LauncherError, Platform

ENDED = {dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED}


@dataclass
class Seen:
    """How far the load is: dataset codes published in order, failures with their reason, rows so far."""

    published: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    rows: int = 0

    @property
    def done(self) -> int:
        return len(self.published) + len(self.failed)


class FirstLoad:
    """Starts the load of a platform and follows it."""

    def __init__(self, platform: Platform) -> None:
        from dagster_graphql import DagsterGraphQLClient

        self._platform = platform
        self.ui = platform.ui
        self._client = DagsterGraphQLClient("127.0.0.1", port_number=platform.port)
        self._mirror = resources.Mirror(platform.settings)

    def check_source(self) -> None:
        """Raises `EurostatError` when Eurostat cannot be reached."""
        resources.client(self._platform.settings).inventory()

    def published(self) -> set[str]:
        """The codes of datasets that readers can query now."""
        return {code for code, state in self._states().items() if state.release}

    def sweep(self) -> None:
        """Run the job `refresh_catalogue` and wait for its end. Raises `LauncherError` with the reason when it fails."""
        run_id = self._client.submit_job_execution(
            "refresh_catalogue",
            repository_location_name="eurostat_assets",
            repository_name="__repository__",
            tags={"dagster/priority": "10"},
        )
        with dg.DagsterInstance.get() as instance:
            while (run := instance.get_run_by_id(run_id)) is None or run.status not in ENDED:
                self._platform.check()
                time.sleep(0.3)
            if run.status != dg.DagsterRunStatus.SUCCESS:
                events = (entry.dagster_event for entry in instance.all_logs(run_id) if entry.dagster_event)
                raise LauncherError(f"The catalogue could not be read: {reason(events)}")

    def missing(self) -> list[str]:
        """The codes that were never published and that `stale_datasets` is going to request, or has."""
        return [
            code
            for code, state in self._states().items()
            if state.state in ("new", "failed") and not state.release
        ]

    def watch(self, codes: list[str]) -> Iterator[Seen]:
        """Yields the state of these datasets about once a second until each was published, failed, or left the theme."""
        seen, waiting = Seen(), set(codes)
        while waiting:
            self._platform.check()
            time.sleep(1)
            states = self._states()
            for code in sorted(waiting):
                state = states[code]
                if state.release:
                    seen.published.append(code)
                elif state.error:
                    seen.failed[code] = state.error
                elif state.state == "new":
                    continue
                waiting.remove(code)
            seen.rows = sum(states[code].rows or 0 for code in seen.published)
            yield seen

    def _states(self) -> dict[str, postgres.DatasetState]:
        return postgres.states(self._mirror.database)
