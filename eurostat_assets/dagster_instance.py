"""Where Dagster keeps its own state, from this platform's settings; `dagster.yaml` names the classes below.

So one `dagster.yaml`, without variables, serves `make up`, `dg dev`, the containers and an installed package, and
definitions can be read while no database runs (`dg check defs`, `dg list defs`).
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn, Self

from dagster._core.run_coordinator import QueuedRunCoordinator
from dagster._core.storage.base_storage import DagsterStorage
from dagster._core.storage.event_log import InMemoryEventLogStorage
from dagster._core.storage.root import LocalArtifactStorage
from dagster._core.storage.runs import InMemoryRunStorage
from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage
from dagster_postgres.utils import get_conn_string

from eurostat_assets import environment, postgres, resources, settings
from eurostat_assets.loopback import is_local
from eurostat_assets.postgres.connection import NO_PLAIN_PASSWORD


class Storage(DagsterPostgresStorage):
    """Runs, events and schedules in PostgreSQL: the database that DAGSTER_PG_… name, else the one of this home.

    Beside the embedded server these variables count only where they were made for this home: those of another, left in a
    shell or a file, would lead into its database.
    """

    @classmethod
    def config_type(cls) -> Any:
        return {}

    @classmethod
    def from_config_value(  # type: ignore[override]
        cls, inst_data: ConfigurableClassData | None, config_value: object
    ) -> DagsterPostgresStorage | DefinitionsOnly:
        del config_value
        loaded = settings.load()
        variables: Mapping[str, str] = os.environ
        if not _named_for(loaded, variables):
            try:
                variables = resources.dagster_environment(loaded)
            except postgres.PostgresError as error:
                logging.getLogger("dagster").warning(
                    f"{error}. Without it, definitions can be read but not run."
                )
                return DefinitionsOnly(str(error))
        return DagsterPostgresStorage(_address(variables), should_autocreate_tables=True, inst_data=inst_data)


class DefinitionsOnly(DagsterStorage):
    """The storage of commands that only read definitions, while the database does not run: empty, and refuses runs."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self._runs = _NoRuns(reason)
        self._events = InMemoryEventLogStorage()

    @property
    def run_storage(self) -> InMemoryRunStorage:
        return self._runs

    @property
    def event_log_storage(self) -> InMemoryEventLogStorage:
        return self._events

    @property
    def schedule_storage(self) -> None:  # type: ignore[override]
        return None


class _NoRuns(InMemoryRunStorage):
    def __init__(self, reason: str) -> None:
        super().__init__()
        self._reason = reason

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise postgres.PostgresError(f"{self._reason} (`eurostat-assets db start`)")

    add_run = add_historical_run = add_daemon_heartbeat = _refuse


class Artifacts(LocalArtifactStorage):
    """The few files Dagster keeps itself, in the home."""

    @classmethod
    def config_type(cls) -> Any:
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: object) -> Self:
        del config_value
        return cls(base_dir=str(settings.load().home / "dagster"), inst_data=inst_data)


class RunQueue(QueuedRunCoordinator):
    """Dagster's own queue, with as many runs at a time as EUROSTAT_PARALLEL_RUNS says."""

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> Self:
        limit = {"max_concurrent_runs": settings.load().parallel_runs}
        return super().from_config_value(inst_data, {**config_value, **limit})  # type: ignore[arg-type]


def write_files(folder: Path) -> None:
    """Put `dagster.yaml` and, where there is none, `workspace.yaml` into `folder`.

    They come from the installed package, or from the checkout that the package lies in.
    """
    folder.mkdir(parents=True, exist_ok=True)
    package = Path(__file__).parent
    for name in ("dagster.yaml", "workspace.yaml"):
        if name == "workspace.yaml" and (folder / name).exists():
            continue
        source = package / name if (package / name).exists() else package.parent / name
        wanted = source.read_bytes()
        if (folder / name).exists() and (folder / name).read_bytes() == wanted:
            continue  # nothing to write, so that this does on a full disk, too
        new = folder / f".{name}.{os.getpid()}"
        try:
            new.write_bytes(wanted)
            new.replace(folder / name)  # whoever reads it meanwhile has all of one or the other
        finally:
            new.unlink(missing_ok=True)


def _named_for(loaded: settings.Settings, variables: Mapping[str, str]) -> bool:
    """Return whether the variables name Dagster's database, and not that of another home."""
    if "DAGSTER_PG_HOST" not in variables:
        return False
    return bool(loaded.database_url.get_secret_value()) or variables.get(environment.MADE_FOR) == str(
        loaded.home
    )


def _address(variables: Mapping[str, str]) -> str:
    host = variables["DAGSTER_PG_HOST"]
    return get_conn_string(
        # With its driver: SQLAlchemy's default for postgresql:// is no longer the one dagster-postgres brings.
        scheme="postgresql+psycopg2",
        username=variables.get("DAGSTER_PG_USERNAME", ""),
        # Without one, libpq looks into PGPASSWORD and ~/.pgpass.
        password=variables.get("DAGSTER_PG_PASSWORD", ""),
        hostname=host,
        port=variables.get("DAGSTER_PG_PORT", "5432"),
        db_name=variables.get("DAGSTER_PG_DB", "dagster"),
        params={"require_auth": NO_PLAIN_PASSWORD} if is_local(f"//{host}") else None,
    )
