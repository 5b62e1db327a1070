"""The project's own tables: migrated once, claimed by one source, honest about failures and withdrawals."""

import pickle
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime

import pytest

from eurostat_assets.postgres.errors import DatabaseUnavailable, MirrorMismatch, NotPublished
from eurostat_assets.postgres.migrations import migrate
from eurostat_assets.postgres.polls import poll_failed, polls
from eurostat_assets.postgres.state import (
    claim_mirror,
    published_table,
    record_failure,
    states,
)
from eurostat_assets.postgres.table import OWN_TABLES
from eurostat_assets_tests.postgres.conftest import Query


@dataclass(frozen=True)
class Dates:
    data: datetime
    structure: datetime


@dataclass(frozen=True)
class Offer:
    code: str
    title: str = "Invented"
    type: str = "DATASET"
    release: Dates | None = None
    period_start: str | None = "2008"
    period_end: str | None = "2019-S1"
    values: int | None = 7027
    folders: tuple[str, ...] = ("data/hlth",)


def test_migrations_run_once_however_many_processes_begin_them(database: str) -> None:
    program = "import sys; from eurostat_assets.postgres import migrate; print(len(migrate(sys.argv[1])))"
    processes = [
        subprocess.Popen([sys.executable, "-c", program, database], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    counts = sorted(int(process.communicate()[0]) for process in processes)
    assert counts[:3] == [0, 0, 0]
    assert counts[3] > 0
    assert migrate(database) == []


def test_no_dataset_can_take_the_name_of_a_table_of_ours(query: Query) -> None:
    ours = query(
        "SELECT relname FROM pg_class WHERE relnamespace = 'eurostat'::regnamespace AND relkind IN ('r', 'v')"
    )
    assert {name for (name,) in ours} == OWN_TABLES


def test_a_database_of_the_sandbox_is_not_used_for_eurostat(mirror: str) -> None:
    claim_mirror(mirror, "http://127.0.0.1:8123/api")
    claim_mirror(mirror, "http://127.0.0.1:8123/api/")
    with pytest.raises(MirrorMismatch, match="EUROSTAT_HOME to another one") as refusal:
        claim_mirror(mirror, "https://ec.europa.eu/eurostat/api/dissemination")
    assert refusal.value.claimed == "http://127.0.0.1:8123/api"


def test_a_failure_is_on_record_for_a_dataset_that_was_never_published(mirror: str, query: Query) -> None:
    record_failure(mirror, "HLTH_X", ValueError("404"))
    assert states(mirror)["HLTH_X"].error == "ValueError: 404"
    assert states(mirror)["HLTH_X"].release is None
    assert query("SELECT state, error FROM eurostat.releases") == [("failed", "ValueError: 404")]
    with pytest.raises(NotPublished):
        published_table(mirror, "HLTH_X")


def test_a_database_that_is_down_is_named_without_its_password() -> None:
    with pytest.raises(DatabaseUnavailable, match=r"127\.0\.0\.1:1/eurostat") as refusal:
        migrate("postgresql://postgres:secret@127.0.0.1:1/eurostat")
    assert "secret" not in str(refusal.value)


def test_errors_travel_between_processes_with_their_ingredients() -> None:
    error = DatabaseUnavailable("localhost:5432/eurostat", "no such host")
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), copy.where, copy.worth_retrying) == (
        DatabaseUnavailable, str(error), "localhost:5432/eurostat", True,
    )  # fmt: skip


def test_a_failure_that_quotes_a_nul_is_recorded(mirror: str) -> None:
    record_failure(mirror, "HLTH_TEST", "the body of 'a\0b'")
    poll_failed(mirror, "feed", ValueError("a feed of \0"))
    assert states(mirror)["HLTH_TEST"].error == "the body of 'ab'"
    assert polls(mirror)["feed"].error == "a feed of "
