"""The chain of assets run in this process, for tests: no daemon, no UI, but the real jobs, files and database."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import dagster as dg
import psycopg2
import pyarrow as pa
from psycopg2 import sql
from pydantic import SecretStr

from eurostat_assets.definitions import build
from eurostat_assets.failures import reason
from eurostat_assets.settings import Settings

DERIVED = {"source_dataset_id", "period_start", "period_end"}


@dataclass(frozen=True)
class Mirroring:
    """A mirror's definitions with a Dagster instance of their own."""

    settings: Settings
    instance: dg.DagsterInstance

    def run(
        self, job: str, dataset: str | None = None, run_config: dict[str, Any] | None = None
    ) -> str | None:
        """Execute a job, for one partition where a dataset is given; returns why it failed, or None."""
        result = self.execute(job, dataset, run_config)
        return None if result.success else reason(result.all_events)

    def execute(
        self, job: str, dataset: str | None = None, run_config: dict[str, Any] | None = None
    ) -> dg.ExecuteInProcessResult:
        """The same, with all that happened."""
        definition = build(self.settings).resolve_job_def(job)
        with patch.object(
            dg.RetryPolicy, "calculate_delay", return_value=0.01
        ):  # no waiting for a minute here
            return definition.execute_in_process(
                instance=self.instance, partition_key=dataset, run_config=run_config, raise_on_error=False
            )

    def mirror(self, dataset: str, *, force: bool = False) -> str | None:
        """Make the dataset a partition and mirror it; with `force` also when there is nothing newer."""
        self.instance.add_dynamic_partitions("eurostat_dataset", [dataset])
        return self.run("mirror_dataset", dataset, {"ops": {"raw_json": {"config": {"force": force}}}})

    def files(self) -> set[str]:
        """Every file of the store and the workbench, but for locks."""
        home = self.settings.home
        folders = (home / "store", self.settings.scratch)
        files = (path for folder in folders for path in folder.rglob("*"))
        return {str(path.relative_to(home)) for path in files if path.is_file() and path.name != "lock"}


@contextmanager
def mirroring(home: Path, api_url: str, database: str) -> Iterator[Mirroring]:
    """A mirror in `home` of the Eurostat at `api_url`, published in `database`."""
    settings = Settings(
        home=home,
        api_url=api_url,
        database_url=SecretStr(database),
        attempts=1,
        read_timeout=10,
        download_deadline=60,
        request_pace=0,
    )
    with dg.DagsterInstance.ephemeral() as instance:
        yield Mirroring(settings, instance)


def table(database: str, dataset: str) -> list[tuple]:
    """The cells readers see, in no particular order: dimensions, `time_period`, `obs_value`, `obs_flag`, `conf_status`."""
    with psycopg2.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier("eurostat", dataset.lower())))
        names = [column.name for column in cursor.description or ()]
        keep = [place for place, name in enumerate(names) if name not in DERIVED]
        rows = [tuple(row[place] for place in keep) for row in cursor.fetchall()]
    connection.close()
    return rows


def truth(batches: Iterator[pa.RecordBatch]) -> list[tuple]:
    """The rows of record batches of observations, as `table` gives them."""
    rows = pa.Table.from_batches(batches)
    return list(zip(*(column.to_pylist() for column in rows.itercolumns()), strict=True))
