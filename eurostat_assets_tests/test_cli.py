"""The command line as a person uses it: real processes, real exit codes, a PostgreSQL of its own."""

import csv
import errno
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2
import psycopg2.errors
import pyarrow.parquet as pq
import pytest

from eurostat_assets import sandbox
from eurostat_assets.cli import app as cli_app
from eurostat_assets.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
Call = Callable[..., subprocess.CompletedProcess[str]]


def call(home: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from eurostat_assets.cli import main; main()", *words]
    variables = {**os.environ, "EUROSTAT_HOME": str(home), "COLUMNS": "200", **environment}
    return subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def cli() -> Iterator[Call]:
    """Calls a command against a sandbox, with a home of the module's own."""
    with (
        tempfile.TemporaryDirectory(prefix="eurostat-assets-cli-") as folder,
        sandbox.running(profile="tests") as source,
    ):
        home = Path(folder)
        home.chmod(0o755)  # as root, PostgreSQL runs as another user

        def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
            return call(
                home,
                *words,
                **{"EUROSTAT_API_URL": source.api_url, "EUROSTAT_THEME": "HLTH_S", **environment},
            )

        yield run
        run("down")


FRESH = (
    ["status"],
    ["sizes"],
    ["freshness"],
    ["alarms"],
    ["report"],
    ["audit"],
    ["accept", "HLTH_X", "--reason", "why not"],
    ["db", "url"],
)


@pytest.mark.parametrize("words", FRESH, ids=" ".join)
def test_a_command_before_the_first_start_says_that_there_is_no_mirror_yet(words, tmp_path):
    done = call(tmp_path / "home", *words)
    assert done.returncode == 4, done.stdout + done.stderr
    assert done.stderr.startswith(f"there is no mirror in {tmp_path / 'home'} yet")
    assert "eurostat-assets up" in done.stderr
    assert not (tmp_path / "home").exists()


def test_what_cannot_be_done_is_not_called_trouble_of_the_database(cli):
    assert cli("sweep").returncode == 0
    for words, said in (
        (("accept", "HLTH_NEVER", "--reason", "why not"), "no check holds back"),
        (("audit", "HLTH_NEVER"), "not published here"),
        (("load-parquet", "docs", "--table", "public.nothing"), "nothing was loaded"),
    ):
        done = cli(*words)
        assert done.returncode == 1, done.stdout + done.stderr
        assert said in done.stderr


def test_a_mirror_that_does_not_run_is_one_alarm_with_one_remedy(tmp_path):
    wrong = json.loads(call(tmp_path / "home", "healthz", "--json").stdout)["wrong"]
    assert [(one["kind"], one["subject"]) for one in wrong] == [("database_down", "mirror")]
    assert "eurostat-assets up" in wrong[0]["sentence"]
    assert "free its disk" not in wrong[0]["sentence"]


def test_what_runs_without_a_database_does_so_before_the_first_start(tmp_path):
    home = tmp_path / "home"
    assert call(home, "settings").returncode == 0
    assert call(home, "metrics", "--once", str(tmp_path / "mirror.prom")).returncode == 0
    assert "eurostat_mirror_up 0.0" in call(home, "metrics", "--once", "-").stdout.splitlines()
    assert call(home, "down").stdout == "Nothing was running.\n"
    assert call(home, "db", "stop").returncode == 0
    status = call(home, "db", "status")
    assert (status.returncode, status.stdout) == (1, f"There is no database in {home} yet.\n")
    health = call(home, "healthz")
    assert health.returncode == 1
    assert f"there is no mirror in {home} yet" in health.stdout
    assert "Traceback" not in health.stderr
    assert not (home / "postgres" / "data").exists()


def test_db_init_reserves_the_database_for_no_source(tmp_path):
    done = call(tmp_path, "db", "init", EUROSTAT_API_URL="https://ec.europa.eu/eurostat/api/dissemination")
    try:
        assert done.returncode == 0, done.stderr
        assert call(tmp_path, "status", EUROSTAT_API_URL="http://127.0.0.1:9/api").returncode == 0
        url = call(tmp_path, "db", "url", "--admin").stdout.strip()
        with psycopg2.connect(url) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM eurostat.mirror")
            assert cursor.fetchone() == (0,)
        connection.close()
    finally:
        call(tmp_path, "db", "stop")


@pytest.mark.parametrize("width", ["60", "80", "140"])
def test_settings_fit_the_terminal_and_show_every_name_and_value_whole(width, tmp_path):
    shown = call(tmp_path, "settings", COLUMNS=width, EUROSTAT_POLL_INTERVAL="77").stdout
    assert "EUROSTAT_POLL_INTERVAL=77   (default: 300)" in shown.splitlines()
    assert "EUROSTAT_THEME=HLTH" in shown.splitlines()
    changed = [line.partition("=")[0] for line in shown.splitlines() if "(default:" in line]
    assert changed == ["EUROSTAT_HOME", "EUROSTAT_POLL_INTERVAL"]
    meanings = [line for line in shown.splitlines() if line.startswith("    ")]
    assert len(meanings) >= len(Settings.model_fields)
    assert all(len(line) <= int(width) for line in meanings)


def test_sync_mirrors_the_theme_once_and_status_and_sizes_tell(cli):
    first = cli("sync", "--all", "--limit", "2")
    assert first.returncode == 0, first.stdout + first.stderr
    assert "2 mirrored" in first.stdout
    assert first.stderr == ""  # no warnings of Dagster's
    rest = cli("sync", "--all")
    assert rest.returncode == 0, rest.stdout + rest.stderr
    assert "2 already current, 0 failed" in rest.stdout
    again = cli("sync", "--all")
    assert "0 mirrored" in again.stdout
    status = cli("status")
    assert "HLTH_SILC_10" in status.stdout
    assert "current" in status.stdout
    assert "stale" not in status.stdout
    assert cli("sizes").returncode == 0


def test_audit_finds_a_table_changed_by_hand_and_repairs_it(cli):
    assert cli("sync", "HLTH_SILC_10").returncode == 0
    first = cli("audit")
    assert first.returncode == 0, first.stdout + first.stderr
    assert "0 findings" in first.stdout
    with (
        psycopg2.connect(cli("db", "url", "--admin").stdout.strip()) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE eurostat.hlth_silc_10 SET obs_value = 4711 WHERE ctid = '(0,1)'")
    connection.close()
    repaired = cli("audit", "HLTH_SILC_10", "--repair")
    assert repaired.returncode == 0, repaired.stdout + repaired.stderr
    before, _, after = repaired.stdout.partition("1 finding in")
    assert "HLTH_SILC_10: its table was changed by hand since" in before
    assert "obs_value 4711.0 instead of" in before
    assert "0 findings" in after


def test_the_catalogue_is_written_with_ids_titles_and_dates(cli, tmp_path):
    done = cli("catalogue", "--csv", str(tmp_path / "all.csv"))
    assert done.returncode == 0, done.stderr
    with (tmp_path / "all.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["id"] for row in rows} >= {"HLTH_SILC_10", "HLTH_SHA11_HF"}
    assert all(row["title"].startswith("Invented") and row["data changed"] for row in rows)


@pytest.mark.parametrize(
    ("words", "environment", "code", "says"),
    [
        (["sync", "../../x"], {}, 2, "../../x"),
        (["sync", "hlth'; drop"], {}, 2, "drop"),
        (["sync"], {}, 2, "--all"),
        (["sync", "HLTH_NOT_THERE"], {}, 3, "HLTH_NOT_THERE"),
        (["catalogue"], {"EUROSTAT_API_URL": "http://127.0.0.1:9"}, 3, "127.0.0.1"),
        (["status"], {"EUROSTAT_DATABASE_URL": "postgresql://u:hunter2@127.0.0.1:9/x"}, 4, "127.0.0.1:9"),
        (["settings"], {"EUROSTAT_POLL_INTERVAL": "soon"}, 2, "EUROSTAT_POLL_INTERVAL"),
        (["sandbox", "release", "HLTH_X", "--url", "http://127.0.0.1:9"], {}, 1, "127.0.0.1:9"),
    ],
)
def test_a_wrong_call_or_a_broken_world_ends_with_a_sentence_and_its_exit_code(
    cli, words, environment, code, says
):
    done = cli(*words, EUROSTAT_ATTEMPTS="1", **environment)
    told = done.stdout + done.stderr
    assert done.returncode == code, told
    assert says in told
    assert "Traceback" not in told
    assert "hunter2" not in told


def test_convert_reads_any_json_stat_file_and_leaves_nothing_when_it_cannot(shared, tmp_path):
    done = call(
        tmp_path, "convert", str(shared / "real/jsonstat-other/oecd.json"), str(tmp_path / "oecd.parquet")
    )
    assert done.returncode == 0, done.stderr
    assert pq.read_metadata(tmp_path / "oecd.parquet").num_rows == 432
    broken = tmp_path / "broken.json"
    broken.write_bytes((shared / "real/jsonstat-other/oecd.json").read_bytes()[:-50])
    done = call(tmp_path, "convert", str(broken), str(tmp_path / "broken.parquet"))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken.json", "oecd.parquet"]


def test_convert_takes_one_dataset_of_a_file_with_several(tmp_path):
    both = {
        name: {
            "label": f"About {name}",
            "value": values,
            "dimension": {
                "id": ["geo"],
                "size": [len(values)],
                "geo": {"category": {"index": list("ABC")[: len(values)]}},
            },
        }
        for name, values in {"first": [1, 2], "second": [3, 4, 5]}.items()
    }
    (tmp_path / "both.json").write_text(json.dumps(both))
    words = ["convert", str(tmp_path / "both.json"), str(tmp_path / "one.parquet")]
    vague = call(tmp_path, *words)
    assert vague.returncode == 1
    assert "first, second" in vague.stderr
    assert "both.json" in vague.stderr
    assert call(tmp_path, *words, "--dataset", "second").returncode == 0
    assert pq.read_table(tmp_path / "one.parquet")["obs_value"].to_pylist() == [3, 4, 5]
    assert "third" in call(tmp_path, *words, "--dataset", "third").stderr


def test_what_the_system_refuses_is_told_in_a_sentence(cli, tmp_path):
    nowhere = tmp_path / "nowhere"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        calls = {
            ("catalogue", "--csv", str(nowhere / "all.csv")): (1, str(nowhere)),
            ("metrics", "--once", str(nowhere / "mirror.prom")): (1, str(nowhere)),
            ("metrics", "--port", port): (2, port),
            ("sandbox", "serve", "--port", port, "--folder", str(tmp_path / "sandbox")): (2, port),
        }
        for words, (code, says) in calls.items():
            done = cli(*words)
            assert done.returncode == code, done.stdout + done.stderr
            assert says in done.stderr
            assert "Traceback" not in done.stderr


def test_down_says_in_which_home_it_stopped_what(cli):
    assert cli("sweep").returncode == 0  # starts the database
    done = cli("down")
    assert done.stdout.startswith("Stopped in /")
    assert done.stdout.endswith(": PostgreSQL.\n")


def _fails(error: BaseException, cause: BaseException | None = None) -> Callable[[], None]:
    def run() -> None:
        raise error from cause

    return run


@pytest.mark.parametrize(
    ("run", "code", "sentence"),
    [
        (_fails(OSError(errno.ENOSPC, "No space left", "/x/y")), 1, "/x/y: No space left: the disk is full"),
        (_fails(RuntimeError("of Dagster"), psycopg2.errors.DiskFull("could not extend file")), 4, "could not extend file"),
    ],
)  # fmt: skip
def test_a_full_disk_is_a_sentence_wherever_it_is_met(monkeypatch, capsys, run, code, sentence):
    monkeypatch.setattr(cli_app, "app", run)
    monkeypatch.setattr(cli_app.signal, "signal", lambda *_: None)
    with pytest.raises(SystemExit) as ended:
        cli_app.main()
    assert ended.value.code == code
    assert sentence in capsys.readouterr().err
