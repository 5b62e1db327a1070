"""A scope of a bulk-loaded table is replaced as a whole or not at all, and the records are never believed unseen."""

import datetime as dt
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eurostat_assets.audit import strangers
from eurostat_assets.postgres import relation_sizes
from eurostat_assets.postgres.bulk import load_parquet
from eurostat_assets.postgres.bulk_transactions import Mode
from eurostat_assets.postgres.errors import BulkLoadError, FilesRefused, MalformedScope
from eurostat_assets.postgres.scope import Scope
from eurostat_assets_tests.postgres.conftest import Query

FIRST = dt.date(2024, 5, 1)
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a day's file: `write(day, version, rows=…)`; returns it."""

    def write(day: int, version: int = 0, rows: int = 10, name: str = "") -> Path:
        start = dt.datetime.combine(FIRST, dt.time()) + dt.timedelta(days=day - 1)
        columns = {
            "day": pa.array([start.date()] * rows, pa.date32()),
            "seen": pa.array([start + dt.timedelta(hours=n % 24) for n in range(rows)], pa.timestamp("us")),
            "station": [f"s{n}" for n in range(rows)],
            "version": pa.array([version] * rows, pa.int32()),
        }
        path = tmp_path / "days" / (name or f"{day:02}.parquet")
        path.parent.mkdir(exist_ok=True)
        pq.write_table(pa.table(columns), path)
        return path

    return write


@pytest.fixture
def days(mirror: str, write: Write) -> Path:
    """Five days of ten rows, a file each, in `public.days`; returns their folder."""
    files = [write(day) for day in range(1, 6)]
    load_parquet(mirror, files, "public.days")
    return files[0].parent


PER_DAY = (
    "SELECT extract(day FROM day)::int, version, count(*)::int FROM public.days GROUP BY 1, 2 ORDER BY 1, 2"
)
AS_LOADED = [(day, 0, 10) for day in range(1, 6)]


def test_a_day_that_somebody_deleted_is_refused_by_append_and_mended_by_the_scope_it_names(
    mirror: str, query: Query, days: Path
) -> None:
    query("DELETE FROM public.days WHERE day = '2024-05-03'")
    with pytest.raises(FilesRefused, match=r"03\.parquet: 10 rows .* 0 are there now") as refusal:
        load_parquet(mirror, [days], "public.days", mode="append")
    assert [path.name for path in refusal.value.paths] == ["03.parquet"]
    scope = str(refusal.value).split("--scope ")[1].strip("'")
    assert scope == "day = 2024-05-03"
    loaded = load_parquet(mirror, [days / "03.parquet"], "public.days", mode="scope", scope=scope)
    assert (loaded.rows, loaded.deleted) == (10, 0)
    assert query(PER_DAY) == AS_LOADED
    again = load_parquet(mirror, [days], "public.days", mode="append")
    assert (again.rows, again.skipped) == (0, 5)
    assert not list(strangers(relation_sizes(mirror), (), (), ()))


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM public.days WHERE station = 's1'",
        "INSERT INTO {child} SELECT * FROM {child} LIMIT 1",
        "TRUNCATE public.days",
        "DROP TABLE {child}",
    ],
)
def test_append_finds_every_way_to_change_a_files_rows(
    mirror: str, query: Query, days: Path, change: str
) -> None:
    children = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'days'::regclass"
    query(change.format(child=query(children)[0][0]))
    with pytest.raises(FilesRefused, match="somebody changed it"):
        load_parquet(mirror, [days], "public.days", mode="append")
    load_parquet(mirror, [days], "public.days", mode="replace")
    assert query(PER_DAY) == AS_LOADED


def test_a_table_that_is_gone_is_appended_to_whatever_is_recorded(
    mirror: str, query: Query, days: Path
) -> None:
    query("DROP TABLE public.days CASCADE")
    assert load_parquet(mirror, [days], "public.days", mode="append").rows == 50


@pytest.mark.parametrize(
    ("scope", "days_in_it", "jobs"),
    [
        ("day = 2024-05-02", [2], 1),
        ("seen = 2024-05-02", [2], 1),
        ("seen >= 2024-05-02 AND seen < 2024-05-04", [2, 3], 2),
        ("day >= '2024-05-02' and day < '2024-05-04'", [2, 3], 1),
    ],
)
def test_a_scope_is_replaced_and_nothing_else(
    mirror: str, query: Query, days: Path, write: Write, scope: str, days_in_it: list[int], jobs: int
) -> None:
    files = [write(day, version=1, rows=12) for day in days_in_it]
    loaded = load_parquet(mirror, files, "public.days", mode="scope", scope=scope, jobs=jobs)
    assert (loaded.rows, loaded.deleted) == (12 * len(files), 10 * len(files))
    wanted = [(day, 1, 12) if day in days_in_it else (day, 0, 10) for day in range(1, 6)]
    assert query(PER_DAY) == wanted
    assert load_parquet(mirror, [days], "public.days", mode="append").skipped == 5
    deleted = query("SELECT deleted_rows FROM eurostat.bulk_loads ORDER BY id DESC LIMIT 2")
    assert deleted == [(0,), (10 * len(files),)]


def test_a_scope_with_nothing_in_it_is_loaded_even_into_a_table_and_schema_that_are_missing(
    mirror: str, query: Query, write: Write
) -> None:
    for day in (1, 2):
        loaded = load_parquet(
            mirror, [write(day)], "weather.days", mode="scope", scope=f"day = 2024-05-0{day}", jobs=day
        )
        assert (loaded.rows, loaded.deleted) == (10, 0)
    assert query("SELECT count(*), count(DISTINCT day) FROM weather.days") == [(20, 2)]


def test_a_row_outside_the_scope_changes_nothing_and_is_named(
    mirror: str, query: Query, days: Path, write: Write
) -> None:
    write(2, version=1)
    odd = write(7, version=1, name="02b.parquet")
    outside = r"02b\.parquet: .* day 2024-05-07, which is not of the scope"
    with pytest.raises(FilesRefused, match=outside):  # a scope with rows
        load_parquet(
            mirror, [days / "02.parquet", odd], "public.days", mode="scope", scope="day = 2024-05-02"
        )
    with pytest.raises(FilesRefused, match=outside):  # and one without
        load_parquet(mirror, [odd], "public.days", mode="scope", scope="day = 2024-06-01")
    empty = pq.read_table(days / "02.parquet")
    pq.write_table(empty.set_column(0, "day", pa.nulls(10, pa.date32())), days / "02.parquet")
    with pytest.raises(FilesRefused, match="day null"):
        load_parquet(mirror, [days / "02.parquet"], "public.days", mode="scope", scope="day = 2024-05-02")
    assert query(PER_DAY) == AS_LOADED
    assert query("SELECT DISTINCT state FROM eurostat.bulk_loads WHERE mode = 'scope'") == [("failed",)]
    assert query("SELECT count(*) FROM eurostat.bulk_files") == [(5,)]


IMPOSSIBLE = [
    "", "day", "day =", "day = 1 OR 1 = 1", "day = 2024-05-02; DROP TABLE days", "day > 2024-05-02", "= 2024-05-02",
    "day = '2024-05-02", "day = NULL", "day <= 2024-05-02", "day >= 2024-05-02", "day = '2024-05-02\n'",
    "day >= 2024-05-01 AND seen < 2024-05-02", "day >= 2024-05-02 AND day < 2024-05-02", "(day) = 2024-05-02",
    "day >= 2024-05-03 AND day < 2024-05-02", "nothing = 1", "Day = 2024-05-02", "day = yesterday", "day = 02/05/2024",
    "day = 2024-02-30", "day = 2024-05-02T10:00", "seen = 2024-05-02T10:00Z", "version = one", "version = 1.5",
    "version = 99999999999", "ctid = '(0,1)'", "tableoid = 1",
]  # fmt: skip


def test_a_scope_that_cannot_be_is_refused_before_anything_is_done(
    mirror: str, query: Query, days: Path
) -> None:
    loads = query("SELECT count(*) FROM eurostat.bulk_loads")
    for scope in IMPOSSIBLE:
        for table in ("public.days", "public.other"):
            with pytest.raises(MalformedScope, match="nothing was done"):
                load_parquet(mirror, [days], table, mode="scope", scope=scope)
    assert query("SELECT count(*) FROM eurostat.bulk_loads") == loads
    assert query(PER_DAY) == AS_LOADED


def test_values_are_literals_whatever_is_in_them(mirror: str, query: Query, tmp_path: Path) -> None:
    names = ["it's", 'a "b"', "100 %s", "x'; DROP TABLE public.odd; --", "ü", " "]
    file = tmp_path / "odd.parquet"
    pq.write_table(pa.table({"a b": names, "n": list(range(len(names)))}), file)
    load_parquet(mirror, [file], "public.odd")
    for n, name in enumerate(names):
        one = tmp_path / f"{n}.parquet"
        pq.write_table(pa.table({"a b": [name] * 2, "n": [n + 100] * 2}), one)
        quoted = name.replace("'", "''")
        loaded = load_parquet(mirror, [one], "public.odd", mode="scope", scope=f"\"a b\" = '{quoted}'")
        assert (loaded.rows, loaded.deleted) == (2, 1)
    assert query("SELECT count(*), count(DISTINCT n) FROM public.odd WHERE n >= 100") == [(12, 6)]


def test_the_words_of_a_scope() -> None:
    assert Scope.parse("  day=2024-05-01 ").conditions == (("=", "2024-05-01"),)
    assert Scope.parse("\"a\"\"b\" = 'it''s'") == Scope("\"a\"\"b\" = 'it''s'", 'a"b', (("=", "it's"),))
    assert Scope.parse("n>=-1.5 AND n<1e3").conditions == ((">=", "-1.5"), ("<", "1e3"))


def test_a_changed_file_replaces_its_own_rows(mirror: str, query: Query, days: Path, write: Write) -> None:
    write(2, version=1, rows=7)
    write(6)
    loaded = load_parquet(mirror, [days], "public.days", mode="append", jobs=2)
    assert (loaded.rows, loaded.files, loaded.skipped, loaded.deleted) == (17, 2, 4, 10)
    assert query(PER_DAY) == [(1, 0, 10), (2, 1, 7), (3, 0, 10), (4, 0, 10), (5, 0, 10), (6, 0, 10)]
    assert load_parquet(mirror, [days], "public.days", mode="append").skipped == 6


def test_a_file_whose_rows_a_scope_replaced_does_not_come_back_unasked(
    mirror: str, query: Query, days: Path, write: Write, tmp_path: Path
) -> None:
    other = write(2, version=1).rename(tmp_path / "corrected.parquet")
    write(2)
    load_parquet(mirror, [other], "public.days", mode="scope", scope="day = 2024-05-02")
    with pytest.raises(FilesRefused, match=r"02\.parquet: .*replaced by a later load of a scope"):
        load_parquet(mirror, [days], "public.days", mode="append")
    load_parquet(mirror, [days / "02.parquet"], "public.days", mode="scope", scope="day = 2024-05-02")
    assert query(PER_DAY) == AS_LOADED


def test_a_file_that_had_other_days_before_is_not_there_twice(
    mirror: str, query: Query, days: Path, write: Write
) -> None:
    write(2, version=1, name="03.parquet")  # which has been of the third day, whose rows are still there
    with pytest.raises(FilesRefused, match="rows outside the scope, which would stay"):
        load_parquet(mirror, [days / "03.parquet"], "public.days", mode="scope", scope="day = 2024-05-02")
    assert query(PER_DAY) == AS_LOADED


def test_every_reader_sees_the_old_or_the_new_rows_whatever_its_isolation(mirror: str, write: Write) -> None:
    write(2)
    load_parquet(mirror, [write(1).parent], "public.days")
    seen: dict[str, set[tuple[int, int]]] = {}
    stop = threading.Event()

    def read(isolation: str) -> None:
        with closing(psycopg2.connect(mirror)) as connection:
            connection.set_session(isolation_level=isolation)
            while not stop.is_set():
                with connection, connection.cursor() as cursor:
                    cursor.execute("SELECT 1")  # takes the snapshot, before the table is named
                    stop.wait(0.02)
                    for _ in range(2):
                        cursor.execute(
                            "SELECT count(*), sum(version) FROM public.days WHERE day = '2024-05-01'"
                        )
                        seen.setdefault(isolation, set()).add(cursor.fetchone() or (0, 0))

    readers = [
        threading.Thread(target=read, args=(level,)) for level in ("READ COMMITTED", "REPEATABLE READ")
    ]
    for reader in readers:
        reader.start()
    for version in range(1, 31):
        file = write(1, version=version, rows=10 + version)
        load_parquet(mirror, [file], "public.days", mode="scope", scope="day = 2024-05-01")
    stop.set()
    for reader in readers:
        reader.join()
    possible = {(10 + version, (10 + version) * version) for version in range(31)}
    for isolation, states in seen.items():
        assert states <= possible, isolation
        assert len(states) > 1, isolation


@pytest.mark.parametrize(
    ("mode", "day", "scope", "sees"),
    [
        ("scope", 2, "day = 2024-05-02", "the old"),
        ("append", 2, None, "the old"),  # the file has changed
        ("append", 9, None, "the new"),
        ("scope", 9, "day = 2024-05-09", "the new"),
        ("replace", 9, None, "the new"),
    ],
)
@pytest.mark.usefixtures("days")
def test_what_an_older_snapshot_sees(
    mirror: str, query: Query, write: Write, mode: Mode, day: int, scope: str | None, sees: str
) -> None:
    with closing(psycopg2.connect(mirror)) as connection, connection.cursor() as cursor:
        connection.set_session(isolation_level="REPEATABLE READ")
        cursor.execute("SELECT 1")  # takes the snapshot
        load_parquet(mirror, [write(day, version=1)], "public.days", mode=mode, scope=scope)
        cursor.execute(PER_DAY)
        seen = cursor.fetchall()
    assert (seen == AS_LOADED) == (sees == "the old")
    assert (seen == query(PER_DAY)) == (sees == "the new")


@pytest.mark.usefixtures("days")
def test_a_reader_in_the_way_is_waited_for_and_named(mirror: str, query: Query, write: Write) -> None:
    from eurostat_assets.postgres.publication import Patience

    with closing(psycopg2.connect(mirror, application_name="long report")) as connection:
        connection.cursor().execute("SELECT count(*) FROM public.days")
        with pytest.raises(BulkLoadError, match="long report"):
            load_parquet(
                mirror, [write(2, version=1)], "public.days", mode="scope", scope="day = 2024-05-02",
                patience=Patience(readers=0.2),
            )  # fmt: skip
    assert query(PER_DAY) == AS_LOADED


def test_what_scopes_have_emptied_goes_after_a_day(mirror: str, query: Query, write: Write) -> None:
    children = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'days'::regclass"
    for version in range(3):
        load_parquet(
            mirror, [write(1, version=version)], "public.days", mode="scope", scope="day = 2024-05-01"
        )
    assert query(children) == [(3,)]
    query("UPDATE eurostat.bulk_loads SET emptied_at = emptied_at - interval '25 hours'")
    load_parquet(mirror, [write(2)], "public.days", mode="scope", scope="day = 2024-05-02")
    assert query(children) == [(2,)]
    assert query(PER_DAY) == [(1, 2, 10), (2, 0, 10)]


def test_an_end_after_the_commit_takes_no_rows_away(
    mirror: str, query: Query, days: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    from eurostat_assets.postgres import bulk

    def interrupted(*arguments: object) -> None:
        if "ANALYZE" in str(arguments[1]):
            raise KeyboardInterrupt
        rows(*arguments)  # pyright: ignore[reportArgumentType]

    rows = bulk.rows
    monkeypatch.setattr(bulk, "rows", interrupted)
    with pytest.raises(KeyboardInterrupt):
        load_parquet(mirror, [write(6)], "public.days", mode="append")
    monkeypatch.undo()
    assert query(PER_DAY)[-1] == (6, 0, 10)
    assert load_parquet(mirror, [days], "public.days", mode="append").skipped == 6
    assert query("SELECT DISTINCT state FROM eurostat.bulk_loads") == [("loaded",)]


def test_everything_is_the_owners_and_the_reader_may_read_it(mirror: str, query: Query, write: Write) -> None:
    load_parquet(mirror, [write(1)], "weather.days", jobs=2)
    load_parquet(mirror, [write(1, 1)], "weather.days", mode="scope", scope="day = 2024-05-01")
    assert query(
        "SELECT DISTINCT relowner::regrole::text FROM pg_class WHERE relname = 'days' OR relname LIKE 'bulk#%'"
    ) == [("eurostat_owner",)]
    assert query("SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 'weather'") == [
        ("eurostat_owner",)
    ]
    query("SET ROLE eurostat_reader")
    assert query("SELECT count(*) FROM weather.days") == [(10,)]
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        query("DELETE FROM weather.days")


def test_the_loader_may_load_without_being_anything_else(mirror: str, write: Write) -> None:
    from psycopg2.extensions import make_dsn

    from eurostat_assets.postgres.roles import initialise_roles

    initialise_roles(mirror, loader_password="of a test")
    loader = make_dsn(mirror, user="eurostat_loader", password="of a test")
    for table in ("weather.loaded", "eurostat.loaded"):
        load_parquet(loader, [write(1)], table, jobs=2)
        load_parquet(loader, [write(2)], table, mode="append")
        loaded = load_parquet(loader, [write(2, 1)], table, mode="scope", scope="day = 2024-05-02")
        assert (loaded.rows, loaded.deleted) == (10, 10)
        assert load_parquet(loader, [write(1)], table, mode="replace").rows == 10


def test_a_table_that_a_person_made_keeps_its_types_and_its_owner(
    mirror: str, query: Query, write: Write
) -> None:
    query("CREATE TABLE public.mine (station varchar(8), day date, seen timestamp, version int NOT NULL)")
    query("INSERT INTO public.mine VALUES ('s', '2024-05-01', NULL, 7)")
    loaded = load_parquet(mirror, [write(1)], "public.mine", mode="scope", scope="day = 2024-05-01")
    assert (loaded.rows, loaded.deleted) == (10, 1)
    assert query(
        "SELECT relowner::regrole::text <> 'eurostat_owner' FROM pg_class WHERE relname = 'mine'"
    ) == [(True,)]
    query("CREATE TABLE public.narrow (station int, day date, seen timestamp, version int)")
    with pytest.raises(BulkLoadError, match="column station is integer"):
        load_parquet(mirror, [write(1)], "public.narrow", mode="append")
    query("CREATE TABLE public.short (day date)")
    with pytest.raises(BulkLoadError, match="differ in seen, station, version"):
        load_parquet(mirror, [write(1)], "public.short", mode="append")


def test_a_table_of_another_role_is_refused_with_what_lets_the_loader_load_it(
    mirror: str, query: Query, write: Write
) -> None:
    from psycopg2.extensions import make_dsn

    from eurostat_assets.postgres.roles import initialise_roles

    initialise_roles(mirror, loader_password="of a test")
    loader = make_dsn(mirror, user="eurostat_loader", password="of a test")
    query("CREATE TABLE public.mine (station text, day date, seen timestamp, version int)")
    with pytest.raises(BulkLoadError, match="OWNER TO eurostat_owner") as refusal:
        load_parquet(loader, [write(1)], "public.mine", mode="append")
    query("ALTER TABLE public.mine OWNER TO eurostat_owner")
    assert load_parquet(loader, [write(1)], "public.mine", mode="append").rows == 10, refusal.value


def test_killed_at_any_moment_the_scope_has_its_old_rows_or_its_new_ones(mirror: str, tmp_path: Path) -> None:
    """Some kills; `EUROSTAT_TEST_KILLS=200` for more of them."""
    times = os.environ.get("EUROSTAT_TEST_KILLS", "8")
    program = [
        sys.executable,
        "-m",
        "eurostat_assets_tests.postgres.killed_scopes",
        mirror,
        str(tmp_path),
        times,
    ]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
