"""The first load, watched: `up` and `demo` start a sweep and show how the platform's own sensors fill the mirror.

Here belong requesting the sweep and reading from the books how far it is.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import dagster as dg
from click import ClickException
from dagster._cli.job import execute_launch_command
from dagster._cli.workspace.cli_target import RepositoryOpts
from dagster_postgres.utils import DagsterPostgresException
from dagster_shared.cli import WorkspaceOpts
from sqlalchemy.exc import DBAPIError

from eurostat_assets import postgres, resources, run_tags
from eurostat_assets.code_server import LOCATION
from eurostat_assets.failures import reason
from eurostat_assets.launcher import LauncherError, Platform, Tell
from eurostat_assets.postgres.errors import EmbeddedServerError
from eurostat_assets.sensors.sweeps import FIRST_IN_QUEUE, SECONDS_TO_START

Answer = TypeVar("Answer")
SECONDS_BETWEEN_NEWS = 15
DATABASE_IS_AWAY = (
    postgres.DatabaseUnavailable,
    EmbeddedServerError,
    DBAPIError,
    DagsterPostgresException,
)
ENDED = {dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED}


class SweepFailed(LauncherError):
    """The sweep ran and failed; the text says why. Another one may succeed."""


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
    """Starts the load of a platform and follows it, also while one of the platform's programs is being started again."""

    def __init__(self, platform: Platform, tell: Tell = lambda _: None) -> None:
        self._platform = platform
        self._tell = tell
        self.ui = platform.ui
        self._mirror = resources.Mirror(platform.settings)
        self._said_no_room = False

    def check_source(self) -> None:
        """Raises `EurostatError` when Eurostat cannot be reached."""
        resources.client(self._platform.settings).inventory()

    def published(self) -> set[str]:
        """The codes of datasets that readers can query now."""
        return {code for code, state in self.states().items() if state.release}

    def sweep(self) -> None:
        """Run the job `refresh_catalogue` and wait for its end. Raises `SweepFailed` with the reason when it fails.

        A run that Dagster has given up because it did not begin in time is requested anew: `start_timeout_seconds` in
        dagster.yaml is short for a busy machine, and for a daemon that is being started again.
        """
        while not self._ran(self._request_sweep()):
            self._tell(
                "The first sweep did not begin in time, so it is requested again; this machine is busy."
            )

    def _ran(self, run_id: str) -> bool:
        """Wait for the end of a run; returns whether it began. Raises `SweepFailed` when it failed thereafter."""
        with dg.DagsterInstance.get() as instance:
            while (record := self._persistently(lambda: instance.get_run_record_by_id(run_id))) is None or (
                record.dagster_run.status not in ENDED
            ):
                self._platform.check()
                time.sleep(0.3)
            if record.dagster_run.status == dg.DagsterRunStatus.SUCCESS:
                return True
            if record.start_time is None:
                return False
            events = (entry.dagster_event for entry in instance.all_logs(run_id) if entry.dagster_event)
            raise SweepFailed(f"The catalogue could not be read: {reason(events)}")

    def _request_sweep(self) -> str:
        """The id of the sweep that a sensor has just requested; else of our own, requested as soon as the code server can
        take it."""
        told, ours = time.monotonic(), False
        reason = run_tags.START if self.published() else run_tags.FIRST_LOAD
        while True:
            self._platform.check()
            if run_id := self._persistently(self._swept_by_a_sensor):
                return run_id
            ours = ours or postgres.claim_sweep(self._mirror.database, SECONDS_TO_START)
            if not ours:
                time.sleep(0.5)
                continue
            try:
                return self._persistently(lambda: self._launch_sweep(FIRST_IN_QUEUE | run_tags.why(reason)))
            except (dg.DagsterError, ClickException):
                if time.monotonic() - told > SECONDS_BETWEEN_NEWS:
                    told = time.monotonic()
                    log = self._platform.log("code-server")
                    self._tell(f"The code server cannot be asked yet; its log is {log}.")
                time.sleep(0.5)

    def _launch_sweep(self, tags: Mapping[str, str]) -> str:
        """Do as `dagster job launch` does: the UI may be read-only, or ask for a password. Raises DagsterError."""
        with dg.DagsterInstance.get() as instance:
            run = execute_launch_command(
                instance=instance,
                workspace_opts=WorkspaceOpts(workspace=(str(self._platform.workspace),)),
                repository_opts=RepositoryOpts(repository="__repository__", location=LOCATION),
                job_name="refresh_catalogue",
                tags=json.dumps(tags),
            )
        return run.run_id

    def _swept_by_a_sensor(self) -> str | None:
        """The id of a sweep that was requested moments ago."""
        since = datetime.now(UTC) - timedelta(seconds=SECONDS_TO_START)
        with dg.DagsterInstance.get() as instance:
            of_late = dg.RunsFilter(job_name="refresh_catalogue", created_after=since)
            runs = instance.get_runs(of_late, limit=1)
        return runs[0].run_id if runs else None

    def missing(self) -> list[str]:
        """The codes that were never published and that `stale_datasets` is going to request, or has."""
        return [
            code
            for code, state in self.states().items()
            if state.state in ("new", "failed") and not state.release
        ]

    def watch(self, codes: list[str]) -> Iterator[Seen]:
        """Yields the state of these datasets about once a second until each was published, failed, or left the theme."""
        seen, waiting = Seen(), set(codes)
        while waiting:
            self._platform.check()
            time.sleep(1)
            states = self.states()
            for code in sorted(waiting):
                state = states[code]
                if state.release:
                    seen.published.append(code)
                elif state.error:
                    seen.failed[code] = state.error
                elif state.state == "new":
                    if state.room_needed is not None and not self._said_no_room:
                        self._said_no_room = True
                        self._tell(f"{state.note}. So do others, maybe: `eurostat-assets status` lists them.")
                    continue
                waiting.remove(code)
            seen.rows = sum(states[code].rows or 0 for code in seen.published)
            yield seen

    def states(self) -> dict[str, postgres.DatasetState]:
        """Return where each dataset stands; while the database is being started again, this waits for it."""
        return self._persistently(lambda: postgres.states(self._mirror.database))

    def _persistently(self, ask: Callable[[], Answer]) -> Answer:
        while True:
            self._platform.check()
            try:
                return ask()
            except DATABASE_IS_AWAY:
                time.sleep(0.5)
