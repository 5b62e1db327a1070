"""How answers travel, and how the server's process behaves."""

from __future__ import annotations

import gzip
import http.client
import json
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from eurostat_assets.sandbox import Running, running
from eurostat_assets.sandbox.errors import NotReady
from eurostat_assets_tests.sandbox.conftest import data, get
from eurostat_assets_tests.sandbox.decoding import decoded, of_batches

MEGABYTE = 1_000_000


def test_data_travel_in_chunks_without_length_or_date_and_ranges_are_ignored(sandbox: Running) -> None:
    url = f"{sandbox.api_url}/statistics/1.0/data/HLTH_CD_ARO"
    answer = get(url, Range="bytes=0-99")

    assert (answer.status, answer.body) == (200, get(url).body)
    assert answer.headers["transfer-encoding"] == "chunked"
    assert answer.headers["content-type"] == "application/json"
    assert (
        not {"content-length", "etag", "last-modified", "content-encoding", "retry-after"}
        & answer.headers.keys()
    )


def test_bodies_are_compressed_only_for_those_who_ask_and_never_when_switched_off(sandbox: Running) -> None:
    path = "/statistics/1.0/data/HLTH_CD_ARO"
    plain = get(sandbox.api_url + path)
    asked = get(sandbox.api_url + path, **{"Accept-Encoding": "gzip, deflate"})

    assert "content-encoding" not in plain.headers
    assert asked.headers["content-encoding"] == "gzip"
    assert gzip.decompress(asked.body) == plain.body
    with running(profile="tests", gzip=False) as other:
        assert get(other.api_url + path, **{"Accept-Encoding": "gzip"}).body == plain.body


def test_a_slow_line_is_as_slow_as_it_was_set() -> None:
    with running(profile="tests", pace=200_000, latency=0.2) as sandbox:
        started = time.monotonic()
        body = data(sandbox, "HLTH_CD_ARO").body
        took = time.monotonic() - started

    assert took > len(body) / 200_000


def test_memory_of_the_server_is_bounded_by_no_body_however_slowly_it_is_read() -> None:
    with running(profile="tests", scale=800) as sandbox:
        server = psutil.Process(sandbox.pid)
        address = urlsplit(sandbox.api_url)
        connection = http.client.HTTPConnection(address.netloc, timeout=60)
        connection.request("GET", f"{address.path}/statistics/1.0/data/HLTH_CD_ARO")
        answer = connection.getresponse()
        received, peak = len(answer.read(MEGABYTE)), 0
        time.sleep(2)
        while chunk := answer.read(8 * MEGABYTE):
            received += len(chunk)
            peak = max(peak, server.memory_info().rss)
        connection.close()

    assert received > 300 * MEGABYTE
    assert peak < 300 * MEGABYTE


def test_the_server_ends_with_its_parent_even_when_that_is_killed(tmp_path: Path) -> None:
    script = (
        "import time; from eurostat_assets.sandbox import running\n"
        "with running(profile='tests') as sandbox: print(sandbox.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=tmp_path)
    with parent:
        assert parent.stdout is not None
        server = psutil.Process(int(parent.stdout.readline()))
        assert server.is_running()
        parent.kill()
    assert psutil.wait_procs([server], timeout=10)[0] == [server]


def test_a_sandbox_that_cannot_start_says_so(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(NotReady, match="exit code 1"), running(profile="nonsense"):
        pass
    assert "choose one of demo, tests, small, full" in capfd.readouterr().err


def test_recorded_files_are_served_byte_for_byte_and_can_be_probed(shared: Path) -> None:
    folder = shared / "real" / "jsonstat-eurostat"
    with running(recorded=folder) as sandbox:
        whole, probe = (data(sandbox, "hlth_ehis_hc7", query) for query in ("", "geo=BE&lastTimePeriod=1"))
        inventory = get(f"{sandbox.api_url}/files/inventory?type=data").body.decode()
        toc = get(f"{sandbox.api_url}/catalogue/toc/txt").body.decode()
        truth = of_batches(sandbox.cells("HLTH_EHIS_HC7"))
        sandbox.release("HLTH_EHIS_HC7")
        released = data(sandbox, "HLTH_EHIS_HC7").json()

    assert whole.body == (folder / "hlth_ehis_hc7.json").read_bytes()
    assert decoded(whole.json()) == truth
    assert len(truth) == 7_027
    assert decoded(probe.json()) == {cell: content for cell, content in truth.items() if "BE" in cell}
    assert probe.json()["extension"]["annotation"] == whole.json()["extension"]["annotation"]
    assert "HLTH_EHIS_HC7\tDATASET\t-\t2014-03-20T23:00:00+0100\t2023-12-21T23:00:00+0100\t" in inventory
    assert '"hlth_ehis_hc7"\t"dataset"\t"20.03.2014"\t"21.12.2023"\t"2008"\t"2008"\t7027' in toc
    assert released["updated"] > whole.json()["updated"]
    assert json.dumps(released["value"]) == json.dumps(whole.json()["value"])
