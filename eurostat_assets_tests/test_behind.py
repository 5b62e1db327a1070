"""One meaning of "behind": the view eurostat.freshness; whoever says how many datasets are behind says the same number."""

from datetime import UTC, datetime, timedelta

import psycopg2
import pytest
from typer.testing import CliRunner

from eurostat_assets import measuring, postgres, resources, settings, watching
from eurostat_assets.cli.app import app
from eurostat_assets.cli.report import compose
from eurostat_assets.metrics import exposition

NOW = datetime.now(UTC)
RELEASE = NOW - timedelta(days=3)
# What is behind: a dataset with a release at Eurostat that is wanted and not here, however often it failed.
DATASETS = {
    "HLTH_CURRENT": ("r1", RELEASE, RELEASE, None, None, None),
    "HLTH_STALE": ("r1", RELEASE, NOW, None, None, None),
    "HLTH_STALE_FAILED": ("r1", RELEASE, NOW, "no network", None, None),
    "HLTH_FAILED_BEFORE": ("r1", RELEASE, RELEASE, "no network", None, None),  # but its release is here
    "HLTH_NEW": (None, None, RELEASE, None, None, None),
    "HLTH_NEW_FAILED": (None, None, RELEASE, "no network", None, None),
    "HLTH_NOT_RELEASED": (None, None, None, None, None, None),  # listed, without any release to fetch
    "HLTH_GONE": ("r1", RELEASE, NOW, None, NOW, None),
    "HLTH_TOO_BIG": (None, None, NOW, None, None, "too big"),
}
BEHIND = {"HLTH_STALE", "HLTH_STALE_FAILED", "HLTH_NEW", "HLTH_NEW_FAILED"}
SENTENCE = "4 of 7 datasets are behind Eurostat."


@pytest.fixture
def mirror(database, monkeypatch, tmp_path) -> resources.Mirror:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EUROSTAT_DATABASE_URL", database)
    monkeypatch.setenv("EUROSTAT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("EUROSTAT_ALARM_LAG", "1")
    monkeypatch.setenv("COLUMNS", "200")
    postgres.migrate(database)
    with psycopg2.connect(database) as connection, connection.cursor() as cursor:
        for code, (release, here, there, error, withdrawn, excluded) in DATASETS.items():
            cursor.execute(
                "INSERT INTO eurostat.datasets (dataset, title, release, data_updated, published_at, offered_data,"
                " error, failures, withdrawn_at, excluded) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                (
                    code,
                    f"About {code}",
                    release,
                    here,
                    here,
                    there,
                    error,
                    3 if error else 0,
                    withdrawn,
                    excluded,
                ),
            )
    connection.close()
    return resources.Mirror(settings.load(), fills=False)


def run(*words: str) -> str:
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_everybody_counts_the_same_datasets_as_behind(mirror, tmp_path):
    url = mirror.database
    assert {code for code, one in postgres.states(url).items() if one.behind} == BEHIND
    assert {one.dataset for one in postgres.freshness(url) if one.behind_since} == BEHIND
    assert {one.code for one, _ in compose(mirror.settings, NOW).behind} == BEHIND
    exposition.write(lambda: measuring.books(mirror), tmp_path / "mirror.prom")
    assert f"eurostat_mirror_datasets_behind {len(BEHIND)}.0" in (tmp_path / "mirror.prom").read_text()
    looked = watching.look(mirror, None, trouble="")
    late = {one.subject for one in looked.conditions if one.kind == "dataset_late"}
    assert late == {code for code in BEHIND if "FAILED" not in code}  # whose failures are told instead
    assert SENTENCE in run("status")
    assert SENTENCE in run("freshness")


def test_what_is_not_behind_is_not_due(mirror):
    now = datetime.now(UTC) + timedelta(minutes=1)
    assert {code for code, one in postgres.states(mirror.database).items() if one.due(now)} == BEHIND


@pytest.mark.usefixtures("mirror")
def test_status_shows_titles_and_what_is_not_current_first():
    lines = run("status").splitlines()
    codes = [line.split()[0] for line in lines if line.strip().startswith("HLTH_")]
    assert set(codes) == DATASETS.keys()
    assert codes[-2:] == ["HLTH_CURRENT", "HLTH_FAILED_BEFORE"]
    assert codes[:2] == ["HLTH_NEW_FAILED", "HLTH_STALE_FAILED"]
    assert any("About HLTH_STALE" in line for line in lines)


def test_status_of_many_datasets_leaves_out_the_current_ones_unless_asked(mirror):
    with psycopg2.connect(mirror.database) as connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO eurostat.datasets (dataset, release, data_updated, offered_data)"
            " SELECT 'HLTH_N' || n, 'r1', now(), now() FROM generate_series(1, 120) AS n"
        )
    connection.close()
    short = run("status")
    assert "HLTH_N7 " not in short
    assert "HLTH_STALE_FAILED" in short
    assert "122 current datasets are not listed" in short
    assert "HLTH_N7 " in run("status", "--all")
    assert "HLTH_N7 " in run("status", "--state", "current")


@pytest.mark.parametrize("width", [80, 100, 120])
def test_status_keeps_codes_rows_and_dates_whole_in_any_terminal(mirror, monkeypatch, width):
    with psycopg2.connect(mirror.database) as connection, connection.cursor() as cursor:
        cursor.execute("UPDATE eurostat.datasets SET rows = 123456789, title = repeat('wide ', 60)")
    connection.close()
    monkeypatch.setattr("eurostat_assets.cli.status.console.width", width)
    shown = run("status")
    table = [line for line in shown.splitlines() if line.strip().startswith("HLTH_")]
    assert all(len(line) <= width for line in table)
    assert all("123,456,789" in line for line in table)
    assert sum(f"{RELEASE:%Y-%m-%d}" in line for line in table) == 5
    assert {line.split()[0] for line in table} == DATASETS.keys()


def test_reading_a_database_does_not_reserve_it_for_a_source(mirror):
    run("status")
    run("report")
    other = settings.Settings(database_url=mirror.settings.database_url, api_url="http://127.0.0.1:9/x")
    assert resources.Mirror(other).database  # fills it, so that it is reserved from now on
    with pytest.raises(postgres.MirrorMismatch):
        _ = resources.Mirror(mirror.settings).database
    with pytest.raises(postgres.MirrorMismatch):
        _ = resources.Mirror(mirror.settings, fills=False).database
