"""The first load: what `up` and `demo` ask of a running platform, through the same door as the UI.

Here belong requesting runs over Dagster's GraphQL address and watching them; so all of it is seen in the UI as well.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import dagster as dg

from eurostat_assets import partitions, postgres, resources
from eurostat_assets.failures import reason
from eurostat_assets.launcher import LauncherError, Platform
from eurostat_assets.sensors import in_flight

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
    """Requests runs of a platform and follows them."""

    def __init__(self, platform: Platform) -> None:
        from dagster_graphql import DagsterGraphQLClient

        self._platform = platform
        self._client = DagsterGraphQLClient("127.0.0.1", port_number=platform.port)
        self._mirror = resources.Mirror(platform.settings)
        self._runs: dict[str, str] = {}

    def check_source(self) -> None:
        """Raises `EurostatError` when Eurostat cannot be reached."""
        resources.client(self._platform.settings).inventory()

    def published(self) -> set[str]:
        """The codes of datasets that readers can query now."""
        return {code for code, state in postgres.published(self._mirror.database).items() if state.release}

    def refresh_catalogue(self) -> None:
        """Run the job `refresh_catalogue` and wait for its end. Raises `LauncherError` with the reason when it fails."""
        run_id = self._submit("refresh_catalogue", {})
        with dg.DagsterInstance.get() as instance:
            while (run := instance.get_run_by_id(run_id)) is None or run.status not in ENDED:
                self._platform.check()
                time.sleep(0.3)
            if run.status != dg.DagsterRunStatus.SUCCESS:
                raise LauncherError(f"The catalogue could not be read: {_reason(instance, run_id)}")

    def request_missing(self) -> list[str]:
        """Request one run for every partition that was never published and that no run works for; returns their codes."""
        published = self.published()
        with dg.DagsterInstance.get() as instance:
            busy = in_flight(instance)
            missing = [
                code for code in partitions.known(instance) if code not in published and code not in busy
            ]
        for code in missing:
            self._runs[
                self._submit("mirror_dataset", {"dagster/partition": code, "eurostat/dataset": code})
            ] = code
        return missing

    def watch(self) -> Iterator[Seen]:
        """Yields the state of the requested runs about once a second until all have ended."""
        seen, waiting = Seen(), dict(self._runs)
        with dg.DagsterInstance.get() as instance:
            while waiting:
                self._platform.check()
                time.sleep(1)
                for run in instance.get_runs(dg.RunsFilter(run_ids=list(waiting), statuses=list(ENDED))):
                    code = waiting.pop(run.run_id)
                    if run.status == dg.DagsterRunStatus.SUCCESS:
                        seen.published.append(code)
                    else:
                        seen.failed[code] = _reason(instance, run.run_id)
                states = postgres.published(self._mirror.database)
                seen.rows = sum(states[code].rows or 0 for code in seen.published if code in states)
                yield seen

    def _submit(self, job: str, tags: dict[str, str]) -> str:
        return self._client.submit_job_execution(
            job, repository_location_name="eurostat_assets", repository_name="__repository__", tags=tags
        )


def _reason(instance: dg.DagsterInstance, run_id: str) -> str:
    return reason(entry.dagster_event for entry in instance.all_logs(run_id) if entry.dagster_event)
