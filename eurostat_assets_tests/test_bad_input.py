"""Whatever comes in: a clear error that names the dataset, nothing half-written, the last good table untouched."""

import http.server
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from eurostat_assets import sandbox
from eurostat_assets_tests.mirroring import mirroring, table

CODE = "HLTH_EHIS_BM1E"
HTML = b"<!DOCTYPE html><html><body>Sorry, maintenance</body></html>"
NOT_FOUND = b'{"error": [{"status": 404,"id": 100,"label": "ERR_NOT_FOUND_4: X (DATA_FLOW:ALL,1.0) is not available."}]}'
REFUSED = b'{ "error": [{"status": 400,"id": 150,"label": "INVALID_QUERY_DIMENSION: Query is invalid"}]}'


class Answer:
    """What the next Eurostat says, whatever it is asked, except who it is."""

    def __init__(self, status: int, kind: str, body: bytes) -> None:
        self.status, self.kind, self.body = status, kind, body


class Handler(http.server.BaseHTTPRequestHandler):
    answer: Answer
    identity: Answer

    def do_GET(self) -> None:
        answer = self.identity if self.path == "/sandbox/identity" else self.answer
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class' name
        """Be silent."""


@pytest.fixture
def strange_eurostat(source: sandbox.Running) -> Iterator[str]:
    """The sandbox `source`, as it answers on a bad day."""
    who = json.dumps({"identity": sandbox.identity(source.api_url)})
    Handler.identity = Answer(200, "application/json", who.encode())
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}{sandbox.API_PATH}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def source() -> Iterator[sandbox.Running]:
    with sandbox.running(profile="tests") as running:
        yield running


@pytest.fixture(scope="module")
def good_body(tmp_path_factory) -> bytes:
    path: Path = tmp_path_factory.mktemp("body") / "good.json"
    sandbox.write_dataset(CODE, path, cells=3000)
    return path.read_bytes()


BODIES = {
    "not found": (404, "application/json", lambda _: NOT_FOUND),
    "refused": (400, "application/json", lambda _: REFUSED),
    "HTML with status 200": (200, "text/html", lambda _: HTML),
    "an error with status 200": (200, "application/json", lambda _: REFUSED),
    "empty": (200, "application/json", lambda _: b""),
    "truncated": (200, "application/json", lambda good: good[: len(good) // 2]),
    "another dataset": (200, "application/json", lambda good: good.replace(CODE.encode(), b"HLTH_OTHER")),
    "a cell outside the cube": (
        200,
        "application/json",
        lambda good: good.replace(b'"value":{', b'"value":{"99999999":1,'),
    ),
    "a value that is none": (
        200,
        "application/json",
        lambda good: good.replace(b'"value":{', b'"value":{"0":"x",', 1),
    ),
}


@pytest.mark.parametrize("kind", BODIES)
def test_a_bad_body_fails_the_partition_and_changes_nothing(
    source, strange_eurostat, good_body, tmp_path, database, kind
):
    with mirroring(tmp_path, source.api_url, database) as chain:
        assert chain.mirror(CODE) is None
        rows, files = table(database, CODE), chain.files()
    status, content_type, body = BODIES[kind]
    Handler.answer = Answer(status, content_type, body(good_body))
    with mirroring(tmp_path, strange_eurostat, database) as chain:
        problem = chain.mirror(CODE, force=True)
        assert problem
        assert CODE in problem
        assert "Traceback" not in problem
        assert table(database, CODE) == rows
        left = chain.files()
    assert {name for name in left if name.startswith("scratch")} == set()
    # A body that is only found broken while it is read stays in the raw store, to be looked at; no Parquet comes of it.
    assert {name for name in left if "observations" in name} == {
        name for name in files if "observations" in name
    }


@pytest.mark.parametrize("code", ["../../x", "hlth'; drop table eurostat.datasets; --", "HLTH CD", "a" * 300])
def test_a_malformed_partition_key_is_refused_before_any_request(tmp_path, database, code):
    with mirroring(tmp_path, "http://127.0.0.1:9", database) as chain:
        problem = chain.mirror(code)
    assert problem
    assert "code" in problem
    assert not (tmp_path / "store").exists()


def test_a_database_that_is_down_is_said_plainly_before_anything_is_downloaded(source, tmp_path):
    nowhere = "postgresql://nobody:secret@127.0.0.1:9/eurostat"
    with mirroring(tmp_path, source.api_url, nowhere) as chain:
        problem = chain.mirror(CODE)
        assert problem
        assert "127.0.0.1:9" in problem
        assert "secret" not in problem
        assert chain.files() == set()


def test_a_full_disk_is_said_plainly_and_leaves_nothing_half_written(source, tmp_path, database):
    small = tmp_path / "small"
    small.mkdir()
    if (
        not shutil.which("mount")
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", small], capture_output=True
        ).returncode
    ):
        pytest.skip("no right to mount a small disk here")
    try:
        with mirroring(small, source.api_url, database) as chain:
            problem = chain.mirror("HLTH_CD_ARO")
            assert problem
            assert "HLTH_CD_ARO" in problem
            assert str(small) in problem
            assert not any("observations" in name for name in chain.files())
    finally:
        subprocess.run(["umount", "-l", small], check=True)


def test_sandbox_data_never_land_in_the_database_of_another_source(source, tmp_path, database):
    with mirroring(tmp_path, source.api_url, database) as chain:
        assert chain.mirror(CODE) is None
    with mirroring(tmp_path, "http://eurostat.example.org/api", database) as chain:
        problem = chain.run("refresh_catalogue")
    assert problem
