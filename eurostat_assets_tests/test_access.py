"""The reader's address: it reads every table, also those of later releases, and writes nothing; who has which password."""

import os
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from dagster_postgres import DagsterPostgresStorage
from psycopg2.errors import InsufficientPrivilege
from pydantic import SecretStr

from eurostat_assets import access, launcher, resources, sandbox
from eurostat_assets.postgres import EmbeddedPostgres, PostgresError
from eurostat_assets.postgres.errors import RolesMissing, ServerStopped
from eurostat_assets.settings import Settings
from eurostat_assets_tests.mirroring import mirroring

CODE = "HLTH_RS_BDS"


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory):
    """The embedded server of a home; roles belong to a whole server, so it is this test's own."""
    home = tmp_path_factory.mktemp("mirror")
    for folder in (home, home.parent):
        folder.chmod(0o755)  # as root, PostgreSQL runs as another user
    started = EmbeddedPostgres(home / "postgres", settings={"fsync": "off"})
    started.start()
    yield started
    started.stop()


def query(url: str, statement: str) -> list[tuple]:
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def test_the_reader_reads_what_is_there_and_what_comes_and_writes_nothing(server, tmp_path, monkeypatch):
    monkeypatch.setenv("EUROSTAT_DATABASE_URL", "")
    settings = Settings(home=server.folder.parent)
    with sandbox.running(profile="tests") as source:
        with mirroring(tmp_path, source.api_url, server.url("eurostat")) as chain:
            assert chain.mirror(CODE) is None
            url = access.reader_url(settings)
            count = f"SELECT count(*) FROM eurostat.{CODE.lower()}"  # noqa: S608 - no input
            before = query(url, count)
            source.release(CODE)
            assert chain.mirror(CODE) is None
            assert chain.mirror("HLTH_SILC_10") is None
        assert query(url, count)[0][0] > 0
        assert before[0][0] > 0
        assert query(url, "SELECT count(*) > 0 FROM eurostat.hlth_silc_10") == [(True,)]
        assert query(url, "SELECT count(*) FROM eurostat.datasets WHERE rows > 0") == [(2,)]
    assert access.reader_url(settings) == url
    for forbidden in (
        f"UPDATE eurostat.{CODE.lower()} SET obs_value = 1",  # noqa: S608 - no input
        "DELETE FROM eurostat.datasets",
        "DROP TABLE eurostat.hlth_silc_10",
        "CREATE TABLE eurostat.mine (a int)",
        "CREATE TABLE public.mine (a int)",
        "CREATE SCHEMA mine",
        "CREATE ROLE somebody",
    ):
        with pytest.raises(InsufficientPrivilege):
            query(url, f"SET transaction_read_only = off; {forbidden}")
    file = server.folder.parent / access.PASSWORD_FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


RISES = """
BEGIN
    IF (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = session_user) THEN
        EXECUTE 'RESET ROLE; ALTER ROLE eurostat_loader SUPERUSER';
    END IF;
    RETURN true;
END
"""


def test_no_superuser_executes_what_the_loader_has_put_into_his_way(server, monkeypatch):
    """Here by a view where the list of migrations is read; a trigger or a default where it is written is the same."""
    monkeypatch.setenv("EUROSTAT_DATABASE_URL", "")
    settings = Settings(home=server.folder.parent)
    launcher.start_databases(settings)
    access.initialise(settings)
    traps = f"""
        CREATE FUNCTION eurostat.rises() RETURNS bool LANGUAGE plpgsql AS $${RISES}$$;
        ALTER TABLE eurostat.migrations RENAME TO moved;
        CREATE VIEW eurostat.migrations AS SELECT * FROM eurostat.moved WHERE eurostat.rises();
        SELECT 1
    """  # noqa: S608 - no input
    query(resources.database_url(settings, "eurostat"), traps)
    for password in (None, "one that the server does not know yet"):
        access.initialise(settings, loader_password=password)
        is_superuser = "SELECT rolsuper FROM pg_roles WHERE rolname = 'eurostat_loader'"
        assert query(server.url("eurostat"), is_superuser) == [(False,)]


def test_a_server_of_ones_own_keeps_the_password_of_a_reader_it_has_and_a_second_home_says_what_to_do(
    server, tmp_path
):
    address = server.url("eurostat")
    own = f"{address}?application_name=me"
    first, second = (
        Settings(home=tmp_path / name, database_url=SecretStr(own)) for name in ("first", "second")
    )
    with pytest.raises(access.ReaderUnknown, match="db init"):
        access.reader_url(first)  # printing an address changes nothing on somebody's server
    access.initialise(first)
    url = access.reader_url(first)
    assert url.endswith("?application_name=me")
    assert query(url, "SELECT current_user") == [("eurostat_reader",)]
    access.initialise(second)
    assert query(url, "SELECT current_user") == [("eurostat_reader",)]
    with pytest.raises(access.ReaderUnknown, match="db init"):
        access.reader_url(second)
    access.initialise(second, reader_password="it's/new@")
    assert query(access.reader_url(second), "SELECT current_user") == [("eurostat_reader",)]


def owners(url: str, condition: str) -> set[str]:
    return {
        name
        for (name,) in query(url, f"SELECT relowner::regrole::text FROM pg_class WHERE {condition}")  # noqa: S608
    }


IN_PUBLIC = "relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'S')"
OURS = "relnamespace IN ('eurostat'::regnamespace, 'eurostat_releases'::regnamespace) AND relkind IN ('r', 'p', 'v')"


def test_a_home_of_an_earlier_version_is_handed_over_to_the_loader_when_it_starts(
    server, tmp_path, monkeypatch
):
    home = server.folder.parent
    for name, value in {"HOME": home, "DATABASE_URL": "", "STORE_URL": str(tmp_path / "store")}.items():
        monkeypatch.setenv(f"EUROSTAT_{name}", str(value))
    for name in ("DAGSTER_HOME", "DAGSTER_PG_USERNAME", "DAGSTER_PG_PASSWORD"):
        monkeypatch.setenv(name, "")
    monkeypatch.delenv("DAGSTER_HOME")
    # As the superuser made it: the mirror with a published table, and Dagster's tables.
    superuser = server.url("eurostat")
    dagster = server.url("dagster")
    with sandbox.running(profile="tests") as source:
        monkeypatch.setenv("EUROSTAT_API_URL", source.api_url)
        with mirroring(tmp_path, source.api_url, superuser) as chain:
            assert chain.mirror(CODE) is None
        DagsterPostgresStorage(dagster, should_autocreate_tables=True)
        settings = Settings()
        assert owners(superuser, OURS) == owners(dagster, IN_PUBLIC) == {"postgres"}
        with pytest.raises(RolesMissing, match="db init"):
            resources.database_url(settings, resources.MIRROR_DATABASE)
        launcher.start_databases(settings)
        launcher.prepare_dagster(settings)
        assert owners(superuser, OURS) == {"eurostat_owner"}
        assert owners(dagster, IN_PUBLIC) == {"eurostat_loader"}
        # What Dagster's processes and runs get from us is the loader's, and does all there is to do.
        assert os.environ["DAGSTER_PG_USERNAME"] == "eurostat_loader"
        superusers = (server.folder / "password").read_text()
        assert not [name for name, value in os.environ.items() if superusers in value]
        url = resources.database_url(settings, resources.MIRROR_DATABASE)
        with mirroring(tmp_path, source.api_url, url) as chain:
            source.release(CODE)
            assert chain.mirror(CODE) is None
            assert chain.mirror("HLTH_SILC_10") is None
    assert query(url, "SELECT session_user::text, current_user::text") == [
        ("eurostat_loader", "eurostat_owner")
    ]
    assert query(
        url, "SELECT rolsuper OR rolcreaterole OR rolcreatedb FROM pg_roles WHERE rolname = session_user"
    ) == [(False,)]
    file = home / resources.LOADER_PASSWORD_FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    for place in ("eurostat", "dagster"):
        with pytest.raises(psycopg2.Error):
            query(
                access.reader_url(settings).replace("/eurostat", f"/{place}"),
                "CREATE FUNCTION public.f() RETURNS int RETURN 1",
            )


def test_a_server_of_ones_own_is_left_to_the_loader_where_it_gets_a_password(server, tmp_path):
    """As docker-compose.yml does it: the first service as the superuser, all others as the loader."""
    first = Settings(home=tmp_path, database_url=SecretStr(server.url("eurostat")))
    launcher.start_databases(first)
    access.initialise(first)
    assert query(
        server.url("dagster"), "SELECT datdba::regrole::text FROM pg_database WHERE datname = 'dagster'"
    ) == [("postgres",)]
    access.initialise(first, loader_password="of/a@test")
    loader = f"postgresql://eurostat_loader:of%2Fa%40test@{server.place()}/eurostat"
    others = Settings(home=tmp_path, database_url=SecretStr(loader))
    launcher.start_databases(others)
    DagsterPostgresStorage(resources.database_url(others, "dagster"), should_autocreate_tables=True)
    assert owners(server.url("dagster"), IN_PUBLIC) == {"eurostat_loader"}
    assert query(access.reader_url(others), "SELECT current_user::text") == [("eurostat_reader",)]


def test_a_reader_takes_no_more_of_the_server_than_his_share(server, monkeypatch):
    monkeypatch.setenv("EUROSTAT_DATABASE_URL", "")
    access.initialise(Settings(home=server.folder.parent, reader_connections=2))
    url = access.reader_url(Settings(home=server.folder.parent))
    assert query(url, "SELECT current_setting('statement_timeout')") == [("1h",)]
    assert query(url, "SELECT current_setting('idle_in_transaction_session_timeout')") == [("10min",)]
    assert query(url, "SELECT current_setting('transaction_timeout')") == [("4h",)]
    assert query(url, "SELECT current_setting('temp_file_limit')") == [("2000000kB",)]
    for forbidden in (
        "SET temp_file_limit = -1",
        "SELECT pg_advisory_lock(1)",
        "SELECT pg_try_advisory_xact_lock_shared(1, 2)",
        "SET transaction_read_only = off; CREATE TEMPORARY TABLE mine (a int)",
        "SET transaction_read_only = off; SELECT lo_create(0)",
        "SET transaction_read_only = off; SELECT pg_logical_emit_message(false, 'a', repeat('b', 1000))",
        "SET transaction_read_only = off; LOCK TABLE eurostat.datasets IN ROW SHARE MODE",
        "SET transaction_read_only = off; SELECT FROM eurostat.datasets FOR KEY SHARE",
    ):
        with pytest.raises(InsufficientPrivilege):
            query(url, forbidden)
    server.url("dagster")
    access.initialise(Settings(home=server.folder.parent, reader_connections=2))
    for other in ("postgres", "dagster", "template1"):
        with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
            psycopg2.connect(url, dbname=other)
    refused = pytest.raises(psycopg2.OperationalError, match="too many connections for role")
    with closing(psycopg2.connect(url)), closing(psycopg2.connect(url)), refused:
        psycopg2.connect(url)
    unlimited = Settings(
        home=server.folder.parent, reader_connections=0, reader_statement_timeout=0, reader_temporary_files=0
    )
    access.initialise(unlimited)
    assert query(url, "SELECT current_setting('statement_timeout')") == [("0",)]
    assert query(url, "SELECT current_setting('temp_file_limit')") == [("-1",)]
    assert query(url, "SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user") == [(-1,)]


def test_url_and_shell_are_the_readers_unless_admin_is_asked_for(server):
    home = server.folder.parent

    def call(*words: str) -> subprocess.CompletedProcess[str]:
        program = "from eurostat_assets.cli import main; main()"
        return subprocess.run(
            [sys.executable, "-c", program, "db", *words],
            env={**os.environ, "EUROSTAT_HOME": str(home), "EUROSTAT_DATABASE_URL": ""},
            capture_output=True,
            text=True,
        )

    for words, user in ((("url",), "eurostat_reader"), (("url", "--admin"), "postgres")):
        done = call(*words)
        assert done.returncode == 0, done.stderr
        assert query(done.stdout.strip(), "SELECT current_user, current_database()") == [(user, "eurostat")]
    for words, user in (((), "eurostat_reader"), (("--admin",), "postgres")):
        done = call("shell", *words, "-Atc", "SELECT current_user")
        assert (done.stdout, done.returncode) == (f"{user}\n", 0), done.stderr
    assert call("shell", "--admin", "-Atc", "SHOW search_path").stdout == "public,pg_temp\n"
    server.stop()
    stopped = call("url")
    assert stopped.returncode == 4
    assert "not running" in stopped.stderr


def test_without_any_psql_the_shell_says_how_to_get_one(monkeypatch):
    from typer.testing import CliRunner

    from eurostat_assets.cli.database import app

    monkeypatch.setattr(access, "psql", lambda: None)
    done = CliRunner().invoke(app, ["shell"])
    assert done.exit_code == 2
    assert "psql is not installed" in done.output


def test_what_is_asked_of_a_closed_server_is_an_error_and_not_a_new_password(tmp_path: Path):
    settings = Settings(home=tmp_path, database_url=SecretStr(""))
    with pytest.raises(ServerStopped):
        access.reader_url(settings)
    assert not (tmp_path / access.PASSWORD_FILE).exists()


def test_a_password_file_that_holds_no_text_is_named_with_the_remedy(tmp_path):
    file = tmp_path / access.PASSWORD_FILE
    file.write_bytes(b"\x80secret")
    with pytest.raises(PostgresError, match="remove it") as refused:
        resources.password_in(file)
    assert str(file) in str(refused.value)
    assert "secret" not in str(refused.value)
