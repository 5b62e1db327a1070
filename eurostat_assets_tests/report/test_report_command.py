"""The report of a real mirror's books: what it counts, and that the command writes it."""

from datetime import UTC, date, datetime, timedelta

import psycopg2
import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from eurostat_assets import postgres
from eurostat_assets.cli.app import app
from eurostat_assets.cli.report import compose
from eurostat_assets.postgres import history
from eurostat_assets.settings import Settings

RELEASES = [
    ("HLTH_A", "superseded", 100, "2026-11-01 10:00"),
    ("HLTH_B", "published", 50, "2026-11-01 11:00"),
    ("HLTH_A", "failed", None, "2026-11-02 10:00"),
    ("HLTH_A", "published", 130, "2026-11-03 10:00"),
]


@pytest.fixture
def books(database) -> str:
    """A mirror of which only the books are there."""
    postgres.migrate(database)
    with psycopg2.connect(database) as connection, connection.cursor() as cursor:
        for dataset, state, rows, finished in RELEASES:
            cursor.execute(
                "INSERT INTO eurostat.releases (dataset, state, rows, finished_at) VALUES (%s, %s, %s, %s)",
                (dataset, state, rows, f"{finished} UTC"),
            )
        cursor.execute(
            "INSERT INTO eurostat.datasets (dataset, title, release, data_updated, structure_updated, rows,"
            " published_at, offered_data, offered_structure) VALUES ('HLTH_A', 'Title <A>', 'r', '2026-11-01 UTC',"
            " '2026-11-01 UTC', 130, '2026-11-03 UTC', '2026-11-04 UTC', '2026-11-02 UTC')"
        )
    connection.close()
    return database


def test_days_tell_releases_failures_and_the_rows_at_their_end(books):
    told = history.days(books, date(2026, 11, 4), 3)
    assert [(day.day.day, day.published, day.failed, day.rows) for day in told] == [
        (2, 0, 1, 150),
        (3, 1, 0, 180),
        (4, 0, 0, 180),
    ]


def test_changes_tell_rows_against_the_release_before(books):
    told = [(one.dataset, one.state, one.rows, one.more) for one in history.changes(books)]
    assert told == [
        ("HLTH_A", "published", 130, 30),
        ("HLTH_A", "failed", None, None),
        ("HLTH_B", "published", 50, None),
        ("HLTH_A", "superseded", 100, None),
    ]


def test_the_report_says_how_long_a_dataset_is_behind(books, tmp_path):
    told = compose(Settings(home=tmp_path, database_url=SecretStr(books)), datetime(2026, 11, 6, tzinfo=UTC))
    ((late, lag),) = told.behind
    assert (late.code, late.state, lag) == ("HLTH_A", "stale", timedelta(days=2))


def test_the_command_writes_html_and_markdown(books, tmp_path, monkeypatch):
    monkeypatch.setenv("EUROSTAT_HOME", str(tmp_path))
    monkeypatch.setenv("EUROSTAT_DATABASE_URL", books)
    html, md = tmp_path / "report.html", tmp_path / "report.md"
    result = CliRunner().invoke(app, ["report", "--html", str(html), "--md", str(md)])
    assert result.exit_code == 0, result.output
    assert "Title &lt;A&gt;" in html.read_text()
    assert CliRunner().invoke(app, ["report"]).output.startswith("# The mirror of HLTH")
