"""The metrics of a real mirror's books: in a text file, and scraped by a real Prometheus; rules and dashboard name them."""

import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg2
import pytest
import requests
import yaml
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from eurostat_assets import measuring, postgres
from eurostat_assets.alarms import Condition
from eurostat_assets.metrics import exposition
from eurostat_assets.resources import Mirror
from eurostat_assets.settings import Settings

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
BOOKS = """
INSERT INTO eurostat.datasets (dataset, release, data_updated, structure_updated, offered_data, offered_structure, rows,
                               bytes, source_bytes, published_at)
VALUES ('HLTH_A', 'r', now() - interval '9 days', now() - interval '9 days', now() - interval '2 hours',
        now() - interval '9 days', 130, 8192, 500, now() - interval '8 days'),
       ('HLTH_B', 'r', '2026-11-01 UTC', '2026-11-01 UTC', '2026-11-01 UTC', '2026-11-01 UTC', 70, 4096, 300, now());
INSERT INTO eurostat.releases (dataset, state, rows, download_seconds, read_seconds, seconds, source_bytes, failed_in,
                               finished_at)
VALUES ('HLTH_A', 'superseded', 100, NULL, NULL, 1.5, NULL, NULL, now()),
       ('HLTH_A', 'published', 130, 9, 0.5, 2.5, 500, NULL, now()),
       ('HLTH_B', 'published', 70, 4, 0.25, 1, 300, NULL, now()),
       ('HLTH_A', 'failed', NULL, NULL, NULL, NULL, NULL, 'publish', now()),
       ('HLTH_B', 'failed', NULL, NULL, NULL, NULL, NULL, 'download', now()),
       ('HLTH_B', 'interrupted', NULL, NULL, NULL, NULL, NULL, NULL, now());
INSERT INTO eurostat.check_results (dataset, release, check_name, passed, severity, sentence, numbers)
VALUES ('HLTH_A', 's', 'row_count_plausible', false, 'block', 'too few', '{}');
"""


@pytest.fixture
def mirror(tmp_path, database) -> Mirror:
    """A mirror of which only the books are there."""
    mirror = Mirror(Settings(home=tmp_path, database_url=SecretStr(database)))
    url = mirror.database
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(BOOKS)
    connection.close()
    postgres.poll_succeeded(url, "feed", {})
    postgres.poll_failed(url, "sweep", "503")
    with postgres.telling(url) as memory:
        assert memory is not None
        memory.reconcile([Condition("source_failing", "sweep", "503")], {"source_failing"})
        memory.failed("webhook", "it answered 500")
    return mirror


def samples(text: str) -> dict[str, float]:
    """Every sample by name and label values."""
    return {
        "|".join((one.name, *one.labels.values())): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def test_the_books_are_told_in_numbers(mirror, tmp_path):
    exposition.write(lambda: measuring.books(mirror), tmp_path / "mirror.prom")
    told = samples((tmp_path / "mirror.prom").read_text())
    lag = told.pop("eurostat_mirror_lag_seconds|HLTH_A")
    assert lag == pytest.approx(7200, abs=60)
    expected = {
        "up": 1,
        "datasets|stale": 1,
        "datasets|current": 1,
        "datasets|failed": 0,
        "rows": 200,
        "stored_bytes|tables": 12288,
        "stored_bytes|raw": 800,
        "lag_seconds|HLTH_B": 0,
        "lag_seconds_max": lag,
        "lag_seconds_median": lag / 2,
        "releases_total|published": 3,
        "releases_total|failed": 2,
        "releases_total|interrupted": 1,
        "stage_seconds_sum|download": 13,
        "stage_seconds_count|download": 2,
        "stage_seconds_sum|read": 0.75,
        "stage_seconds_count|publish": 3,
        "stage_seconds_sum|publish": 5,
        "published_rows_total": 300,
        "downloaded_bytes_total": 800,
        "faults_total|publish": 1,
        "faults_total|download": 1,
        "faults_total|check": 0,
        "faults_total|died": 1,
        "source_failures|sweep": 1,
        "source_failures|feed": 0,
        "checks_failing|row_count_plausible|block": 1,
        "incidents|source_failing|alarm": 1,
        "alarm_channel_failures|webhook": 1,
    }
    assert {name: told[f"eurostat_mirror_{name}"] for name in expected} == pytest.approx(expected)
    read = told["eurostat_mirror_last_success_timestamp_seconds|feed"]
    assert read == pytest.approx(datetime.now(UTC).timestamp(), abs=60)
    assert [name for name in told if name.startswith("eurostat_mirror_disk_free_bytes")]


def test_a_database_that_is_down_is_a_metric_and_no_error(tmp_path):
    mirror = Mirror(Settings(home=tmp_path, database_url=SecretStr("postgresql://me:hunter2@127.0.0.1:1/x")))
    with exposition.serve(lambda: measuring.books(mirror), 0) as port:
        answer = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=10)
    assert answer.ok
    assert samples(answer.text)["eurostat_mirror_up"] == 0
    assert "hunter2" not in answer.text


def named(text: str) -> set[str]:
    return set(re.findall(r"\beurostat_mirror_[a-z_]+[a-z]\b", text))


def test_rules_and_dashboard_ask_for_metrics_that_exist(mirror, tmp_path):
    exposition.write(lambda: measuring.books(mirror), tmp_path / "mirror.prom")
    text = (tmp_path / "mirror.prom").read_text()
    known = named("\n".join(line for line in text.splitlines() if not line.startswith("#")))
    known |= {"eurostat_mirror_audit_findings"}  # there are none at the moment
    dashboard = json.loads((DEPLOY / "grafana" / "dashboard.json").read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    rules = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())["groups"][0]["rules"]
    for query in (*queries, *(rule["expr"] for rule in rules)):
        assert named(query), query
        assert named(query) <= known, query


def test_a_real_prometheus_takes_the_rules_and_scrapes_the_endpoint(mirror, tmp_path):
    prometheus = shutil.which("prometheus")
    promtool = shutil.which("promtool")
    if not prometheus or not promtool:
        pytest.skip("Prometheus is not installed (Debian: apt-get install prometheus)")
    rules = DEPLOY / "prometheus" / "alerts.yml"
    for what, file in (("rules", rules), ("config", rules.with_name("prometheus.yml"))):
        checked = subprocess.run([promtool, "check", what, file], capture_output=True, text=True)
        assert checked.returncode == 0, checked.stderr
    with (
        exposition.serve(lambda: measuring.books(mirror), 0) as port,
        scraping(prometheus, tmp_path, port, rules) as server,
    ):
        assert ask(server, 'eurostat_mirror_datasets{state="stale"}') == [1.0]
        assert ask(server, 'ALERTS{alertname="EurostatReleaseHeldBack", alertstate="firing"}') == [1.0]


@contextmanager
def scraping(prometheus: str, folder: Path, port: int, rules: Path) -> Iterator[str]:
    """A Prometheus that scrapes `port` every second; yields its address."""
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(rules)],
        "scrape_configs": [{"job_name": "mirror", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        own = probe.getsockname()[1]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            [prometheus, f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'tsdb'}",
             f"--web.listen-address=127.0.0.1:{own}"],
            stdout=log, stderr=log,
        )  # fmt: skip
    try:
        yield f"http://127.0.0.1:{own}"
    finally:
        process.terminate()
        process.wait()


def ask(server: str, query: str) -> list[float]:
    """The values of a query, once there are any."""
    give_up = time.monotonic() + 30
    while time.monotonic() < give_up:
        try:
            answer = requests.get(f"{server}/api/v1/query", {"query": query}, timeout=5)
            if answer.ok and (found := answer.json()["data"]["result"]):
                return [float(one["value"][1]) for one in found]
        except requests.ConnectionError:
            pass
        time.sleep(0.2)
    raise AssertionError(f"no answer to {query}")
