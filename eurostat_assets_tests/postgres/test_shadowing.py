"""No session of ours uses a function, operator, type or relation that somebody made under a name of the server's own."""

import datetime as dt
import os
import re
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path

import dagster as dg
import psycopg2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from eurostat_assets import access, postgres, resources, sandbox
from eurostat_assets.cli.app import app
from eurostat_assets.postgres import EmbeddedPostgres, connection, leases, orphans
from eurostat_assets.postgres.standalone import Standalone
from eurostat_assets.settings import Settings
from eurostat_assets_tests.mirroring import Mirroring
from eurostat_assets_tests.postgres import shadows
from eurostat_assets_tests.postgres.conftest import observations

CODE = "HLTH_RS_BDS"
Work = Callable[[], object]


class World:
    """A home with its own server, whose databases are full of shadows before anything of ours is in them."""

    def __init__(self, home: Path, server: EmbeddedPostgres) -> None:
        self.home = home
        self.server = server
        self.runner = CliRunner()
        self.source = sandbox.connect(home / "sandbox")
        with (
            closing(psycopg2.connect(server.url(resources.MIRROR_DATABASE))) as session,
            session.cursor() as cursor,
        ):
            self.shadowed = shadows.make(cursor, shadows.words())
            session.commit()
        self._read = len(self.log())

    def log(self) -> str:
        """All that the server ever logged: it was started again once, at most."""
        files = (self.server.log.with_suffix(".log.before"), self.server.log)
        return "".join(file.read_text(errors="replace") for file in files if file.exists())

    def new_log(self) -> str:
        """What the server logged since the shadows were made, or since this was last asked."""
        log = self.log()[self._read :]
        self._read += len(log)
        return log

    def command(self, *words: object) -> None:
        done = self.runner.invoke(app, [str(word) for word in words])
        assert done.exit_code == 0, (words, done.output, done.exception)

    def try_out(self, pieces: int | None = None) -> None:
        """Do the first pieces of the work, or all, and let them fail."""
        for piece in islice(self.work(), pieces):
            with suppress(Exception, AssertionError):
                piece()

    def work(self) -> Iterator[Work]:
        """Everything that speaks to the mirror's database, piece by piece."""
        settings = Settings()
        yield lambda: access.initialise(settings)
        with dg.DagsterInstance.ephemeral() as instance:
            chain = Mirroring(settings, instance)
            yield lambda: _succeed(chain.run("refresh_catalogue"))
            yield lambda: _succeed(chain.mirror(CODE))
            yield lambda: self.source.release(CODE)
            yield lambda: _succeed(chain.mirror(CODE))
            yield lambda: _succeed(chain.run("audit_mirror"))
        yield self._publish_both_ways
        yield self._load_files
        yield self._hold_leases
        for words in (
            ["status", "--all"], ["sizes"], ["freshness", "--all"], ["alarms"], ["audit", CODE, "--deep"],
            ["report", "--html", self.home / "report.html"],
            ["metrics", "--once", self.home / "metrics.prom"], ["db", "url"],
        ):  # fmt: skip
            yield lambda words=words: self.command(*words)

    def _publish_both_ways(self) -> None:
        url = resources.database_url(Settings(), resources.MIRROR_DATABASE)
        for codes in ("text", "smallint"):
            storage = postgres.Storage(codes=codes, indexes=postgres.Indexes.parse("brin, geo+time_period"))
            for day, dimensions in ((1, ("freq", "geo")), (2, ("freq", "geo")), (3, ("freq", "sex", "geo"))):
                path = self.home / f"{codes}-{day}.parquet"
                pq.write_table(observations(f"HLTH_{codes.upper()}", 500, day, dimensions), path)
                postgres.publish(url, path, storage=storage)
                with suppress(postgres.PublishError):  # an older one is refused
                    postgres.publish(url, self.home / f"{codes}-1.parquet", storage=storage)

    def _load_files(self) -> None:
        for day in (1, 2):
            folder = self.home / "days" / str(day)
            folder.mkdir(parents=True, exist_ok=True)
            days = pa.table({"day": [dt.date(2024, 5, day)] * 9, "name": ["x"] * 9, "value": range(9)})
            pq.write_table(days, folder / "0.parquet")
        load = ("load-parquet", "--table", "weather.days", self.home / "days")
        self.command(*load, "--replace", "--jobs", 1)
        self.command(*load, "--append")
        self.command(*load[:3], self.home / "days" / "2", "--scope", "day = 2024-05-02")

    def _hold_leases(self) -> None:
        url = resources.database_url(Settings(), resources.MIRROR_DATABASE)
        holder = leases.Holder("a run", "daemon", CODE)
        lease = leases.Lease(url, holder, leases.Terms(lasts=5, renewed_every=0.05), on_lost=print)
        assert leases.is_held(url, "a run")
        assert leases.expire(url, 600) == []
        lease.stop()
        assert leases.expire(url, 600, "a run", certain=True)
        assert leases.unreported(url)
        leases.reported(url, "a run")


def _succeed(why: str | None) -> None:
    assert why is None, why


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = tmp_path_factory.mktemp("shadowed")
    for folder in (home, home.parent):
        folder.chmod(0o755)  # as root, PostgreSQL runs as another user
    server = EmbeddedPostgres(home / "postgres", settings={"fsync": "off", "log_statement": "all"})
    server.start()
    before = dict(os.environ)
    try:
        with sandbox.running(folder=home / "sandbox", profile="tests") as source:
            for name, value in {
                "HOME": home, "API_URL": source.api_url, "DATABASE_URL": "", "STORE_URL": "",
                "THEME": "HLTH_RS_BDS", "THEME_INCLUDE": "", "INDEXES": "brin, geo",
            }.items():  # fmt: skip
                os.environ[f"EUROSTAT_{name}"] = str(value)
            yield World(home, server)
    finally:
        server.stop(fast_for=5)
        os.environ.clear()
        os.environ.update(before)


def test_none_of_the_shadows_of_what_our_sql_uses_is_used(world: World) -> None:
    for piece in world.work():
        piece()
    log = world.new_log()
    assert shadows.used(log) == set()
    with connection.connect(world.server.url(resources.MIRROR_DATABASE)) as session:
        known = {name for (name,) in connection.rows(session, shadows.KNOWN)}
    functions = shadows.calls(log) & known
    # Every function that the server was asked for had its shadows.
    assert len(functions) > 25
    assert functions - world.shadowed == set()


def test_without_the_first_statement_of_a_session_they_are_used(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = world.server.url(resources.MIRROR_DATABASE)
    monkeypatch.setattr(connection, "TRUSTED_PATH", "SELECT 1")
    world.try_out(pieces=4)
    in_pg_temp = shadows.used(world.new_log())
    with closing(psycopg2.connect(owner)) as session, session.cursor() as cursor:
        cursor.execute(
            "DROP EVENT TRIGGER login"
        )  # those in pg_temp end most statements before any function is called
        session.commit()
    world.try_out()
    url = resources.database_url(Settings(), resources.MIRROR_DATABASE)
    with suppress(postgres.DatabaseRefused):
        leases.record_never_started(url, leases.Holder("another run", "daemon", CODE))
        leases.expire(url, 600)
    elsewhere = shadows.used(world.new_log())
    assert {kind for kind, _ in in_pg_temp} >= {"relation", "type"}
    assert {kind for kind, _ in elsewhere} == {"function", "operator"}


def test_nor_by_the_look_before_the_first_client(world: World) -> None:
    server = world.server
    server.stop()
    settings = {**server.settings, "log_statement": "none"}  # a log would stand among the answers
    look = Standalone(server.programs, server.user, server.data, settings)
    assert look.column(resources.MIRROR_DATABASE, orphans.IN_USE)
    assert look.column(resources.MIRROR_DATABASE, orphans.DATABASES)
    server.start()


def test_sessions_are_opened_in_one_place_only() -> None:
    opening = re.compile(r"psycopg2?\.connect\(|create_engine\(|asyncpg")
    files = (path for path in shadows.PACKAGE.rglob("*.py") if opening.search(path.read_text()))
    assert {path.relative_to(shadows.PACKAGE).as_posix() for path in files} == {"postgres/connection.py"}
