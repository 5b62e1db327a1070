"""A body becomes a file: complete, checked and known, or an error and nothing left behind."""

import gzip
import hashlib
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from eurostat_assets.eurostat import Eurostat, EurostatError, RawJson, Transient
from eurostat_assets.eurostat.errors import (
    CutShort,
    DiskFull,
    ExtractionTooBig,
    MalformedCode,
    NotAvailable,
    RedirectRefused,
    Refused,
    StillPreparing,
    TooSlow,
    Unavailable,
    Unreachable,
    Unreadable,
    WrongDataset,
)
from eurostat_assets_tests.eurostat.bodies import body_of, content_of, inspect
from eurostat_assets_tests.eurostat.conftest import Exchange, Publisher, Reply

BODY = body_of()
PAGE = b"<!DOCTYPE html><html><head><title>We will be back</title></head></html>"


def complete(body: bytes = BODY, status: int = 200, **headers: str) -> Reply:
    return lambda exchange: exchange.answer(body, status, Content_Type="application/json", **headers)


def chunked(body: bytes = BODY, **headers: str) -> Reply:
    def reply(exchange: Exchange) -> None:
        exchange.start_chunks(**headers)
        for start in range(0, len(body), 10_000):
            exchange.chunk(body[start : start + 10_000])
        exchange.chunk(b"")

    return reply


def cut_chunks(exchange: Exchange) -> None:
    exchange.start_chunks()
    exchange.chunk(BODY[:10_000])
    exchange.hang_up()


def cut_length(exchange: Exchange) -> None:
    exchange.send_response(200)
    exchange.send_header("Content-Length", str(len(BODY)))
    exchange.end_headers()
    exchange.wfile.write(BODY[:10_000])
    exchange.hang_up()


def trickle(exchange: Exchange) -> None:
    exchange.send_response(200)
    exchange.send_header("Content-Length", "100000")
    exchange.end_headers()
    for _ in range(100):
        exchange.wfile.write(b" ")
        exchange.wfile.flush()
        time.sleep(0.1)


def trickle_headers(exchange: Exchange) -> None:
    for _ in range(100):
        exchange.wfile.write(b"H")
        exchange.wfile.flush()
        time.sleep(0.1)


def silence(_: Exchange) -> None:
    time.sleep(4)


def silence_in_the_middle(exchange: Exchange) -> None:
    exchange.start_chunks()
    exchange.chunk(BODY[:10_000])
    time.sleep(4)


def envelope(label: str, status: int = 413, key: str = "error", *, single: bool = False) -> bytes:
    inner = f'{{"status": {status},"id": {status},"label": "{label}"}}'
    return f'{{ "{key}": {inner if single else f"[{inner}]"}}}'.encode()


ASYNC = "ASYNCHRONOUS_RESPONSE. Your request will be treated asynchronously. Please try again later."
TOO_BIG = (
    "EXTRACTION_TOO_BIG: The requested extraction is too big, estimated 16234567 rows, "
    "max authorised is 5000000, please change your filters to reduce the extraction size"
)


def failure(eurostat: Eurostat, folder: Path, kind: type[EurostatError]) -> EurostatError:
    """The error of a download, after making sure that it explains itself and left nothing."""
    with pytest.raises(kind) as caught:
        eurostat.download("hlth_a", folder, inspect=inspect)
    assert str(caught.value).startswith("HLTH_A: ")
    assert caught.value.remedy in str(caught.value)
    assert caught.value.dataset == "HLTH_A"
    assert not list(folder.iterdir())
    return caught.value


def test_a_plain_body_is_compressed_on_the_way_and_fully_described(
    eurostat: Eurostat, publisher: Publisher, tmp_path: Path
) -> None:
    publisher.replies = [chunked()]
    received: list[tuple[int, int | None]] = []
    raw = eurostat.download(
        "hlth_a",
        tmp_path / "new",
        inspect=inspect,
        on_progress=lambda done, total: received.append((done, total)),
    )
    assert isinstance(raw.path, Path)
    assert raw.path.name.startswith("HLTH_A.")
    assert raw.path.name.endswith(".json.zst")
    assert list(raw.path.parent.iterdir()) == [raw.path]
    assert content_of(raw.path) == BODY
    assert raw.sha256 == hashlib.sha256(BODY).hexdigest()
    assert (raw.bytes, raw.content_bytes) == (raw.path.stat().st_size, len(BODY))
    assert raw.release.version == "2026-02-06T22:00:00Z_2026-01-07T10:00:00Z"
    assert raw.url == f"{publisher.url}/statistics/1.0/data/HLTH_A?format=JSON&lang=EN"
    assert received[-1] == (len(BODY), None)
    assert RawJson.from_json(raw.to_json(), raw.path.parent) == raw
    assert {"url", "fetched_at", "sha256", "bytes", "release"} <= set(raw.provenance())


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(complete(gzip.compress(BODY), Content_Encoding="gzip"), id="as asked for"),
        pytest.param(chunked(gzip.compress(BODY)), id="without the header"),
        pytest.param(complete(gzip.compress(BODY[:999]) + gzip.compress(BODY[999:])), id="in two members"),
    ],
)
def test_a_body_that_comes_as_gzip_is_kept_as_received(
    eurostat: Eurostat, publisher: Publisher, tmp_path: Path, reply: Reply
) -> None:
    publisher.replies = [reply]
    raw = eurostat.download("HLTH_A", tmp_path, inspect=inspect)
    assert raw.path.name.endswith(".json.gz")
    assert raw.path.read_bytes()[:2] == b"\x1f\x8b"
    assert raw.sha256 == hashlib.sha256(BODY).hexdigest()
    assert raw.content_bytes == len(BODY)
    assert publisher.headers[0]["Accept-Encoding"] == "gzip"
    assert publisher.headers[0]["Accept"] == "*/*"
    assert publisher.headers[0]["User-Agent"].startswith("eurostat-assets/")


def test_a_gzip_header_on_a_plain_body_fools_nobody(
    eurostat: Eurostat, publisher: Publisher, tmp_path: Path
) -> None:
    publisher.replies = [complete(Content_Encoding="gzip")]
    assert eurostat.download("HLTH_A", tmp_path, inspect=inspect).sha256 == hashlib.sha256(BODY).hexdigest()


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (complete(PAGE), Unavailable, "a web page titled 'We will be back'"),
        (complete(PAGE, 503), Unavailable, "status 503"),
        (complete(b""), CutShort, "empty"),
        (complete(b"\n \n"), CutShort, "empty"),
        (complete(gzip.compress(b"")), CutShort, "empty"),
        (chunked(b""), CutShort, "empty"),
        (cut_chunks, CutShort, "ended early"),
        (cut_length, CutShort, "ended early"),
        (complete(gzip.compress(BODY)[:-100]), CutShort, "not complete"),
        (complete(gzip.compress(BODY)[:-8] + b"\x00" * 8), CutShort, "broken"),
        (complete(BODY[:-1]), Unreadable, "not a readable dataset"),
        (complete(b'{"version":"2.0"}'), Unreadable, "not a readable dataset"),
        (complete(b"a,b\n1,2"), Unreadable, "not a readable dataset"),
        (complete(body_of("HLTH_OTHER")), WrongDataset, "the body of HLTH_OTHER"),
        (complete(body_of(data="")), Unreadable, "when it was released"),
        (complete(envelope(ASYNC), 413), StillPreparing, "still preparing"),
        (complete(envelope(ASYNC, key="warning", single=True)), StillPreparing, "still preparing"),
        (complete(envelope(ASYNC, single=True), 413), StillPreparing, "still preparing"),
        (complete(envelope(TOO_BIG), 413), ExtractionTooBig, "16,234,567 cells, at most 5,000,000"),
        (complete(envelope("ERR_NOT_FOUND_4: HLTH_A", 404), 404), NotAvailable, "ERR_NOT_FOUND_4"),
        (complete(b"nothing here", 404), Unavailable, "status 404: no reason given"),
        (complete(b"nothing here", 404), Unavailable, "check the API address"),
        (complete(envelope("NO_RESULTS", 100)), Refused, "NO_RESULTS"),
        (complete(envelope("INVALID_QUERY_DIMENSION", 400), 400), Refused, "INVALID_QUERY_DIMENSION"),
        (complete(BODY.replace(b'"HLTH_A"', b'"HLTH_A\\u0000"')), WrongDataset, r"the body of 'HLTH_A\x00'"),
        (complete(b"", 403), Refused, "status 403"),
        (complete(b"", 429), Unavailable, "status 429"),
        (complete(b"", 204), CutShort, "empty"),
    ],
)
def test_a_200_is_not_a_success(
    eurostat: Eurostat,
    publisher: Publisher,
    tmp_path: Path,
    reply: Reply,
    kind: type[EurostatError],
    words: str,
) -> None:
    publisher.replies = [reply]
    assert words in str(failure(eurostat, tmp_path, kind))


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (silence, Unreachable, "no answer"),
        (trickle_headers, Unreachable, "no answer"),
        (trickle, TooSlow, "not done by the deadline"),
        (silence_in_the_middle, TooSlow, "fell silent"),
    ],
)
def test_a_server_that_is_silent_or_trickles_is_left(
    impatient: Eurostat,
    publisher: Publisher,
    tmp_path: Path,
    reply: Reply,
    kind: type[EurostatError],
    words: str,
) -> None:
    publisher.replies = [reply]
    assert words in str(failure(impatient, tmp_path, kind))


def test_recorded_refusals_are_understood(
    eurostat: Eurostat, publisher: Publisher, tmp_path: Path, shared: Path
) -> None:
    errors = shared / "real/errors"
    publisher.replies = [complete((errors / "error_404_id100_err_not_found.json").read_bytes(), 404)]
    failure(eurostat, tmp_path, NotAvailable)
    publisher.replies = [
        complete((errors / "error_400_id150_invalid_query_dimension.json").read_bytes(), 400)
    ]
    refused = failure(eurostat, tmp_path, Refused)
    assert isinstance(refused, Refused)
    assert (refused.status, refused.error_id) == (400, 150)
    publisher.replies = [complete((errors / "warning_413_asynchronous_response.json").read_bytes())]
    preparing = failure(eurostat, tmp_path, StillPreparing)
    assert isinstance(preparing, StillPreparing)
    assert preparing.wait == 120


def test_a_413_is_not_waited_for_inside_the_request_even_with_retry_after(
    eurostat: Eurostat, publisher: Publisher, tmp_path: Path
) -> None:
    publisher.replies = [complete(envelope(ASYNC), 413, Retry_After="77")]
    began = time.monotonic()
    preparing = failure(eurostat, tmp_path, StillPreparing)
    assert isinstance(preparing, StillPreparing)
    assert preparing.wait == 77
    assert len(publisher.asked) == 1
    publisher.replies = [complete(envelope(ASYNC), 413, Retry_After="9" * 400)]
    preparing = failure(eurostat, tmp_path, StillPreparing)
    assert isinstance(preparing, StillPreparing)
    assert preparing.wait == 3600
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 414])
def test_a_refusal_is_not_repeated(
    eurostat: Eurostat, publisher: Publisher, tmp_path: Path, status: int
) -> None:
    publisher.replies = [complete(envelope("no", status), status)]
    failure(eurostat, tmp_path, EurostatError)
    assert len(publisher.asked) == 1


def test_passing_troubles_are_cured_by_asking_again(
    eurostat: Eurostat, publisher: Publisher, tmp_path: Path
) -> None:
    publisher.replies = [
        complete(PAGE, 503),
        cut_chunks,
        complete(b"", 429, Retry_After="1"),
        complete(BODY[:-1]),
        complete(),
    ]
    began = time.monotonic()
    raw = eurostat.download("HLTH_A", tmp_path, inspect=inspect)
    assert raw.sha256 == hashlib.sha256(BODY).hexdigest()
    assert len(publisher.asked) == 5
    assert time.monotonic() - began > 1
    assert list(tmp_path.iterdir()) == [raw.path]


def test_a_redirect_to_a_maintenance_page_names_the_page(
    eurostat: Eurostat, publisher: Publisher, tmp_path: Path
) -> None:
    publisher.replies = [complete(b"", 302, Location="/sorry"), complete(PAGE)]
    assert "/sorry answered with status 200 and a web page" in str(failure(eurostat, tmp_path, Unavailable))


def test_a_redirect_to_the_dataset_is_followed(
    eurostat: Eurostat, publisher: Publisher, tmp_path: Path
) -> None:
    publisher.replies = [complete(b"", 302, Location="/elsewhere"), complete()]
    raw = eurostat.download("HLTH_A", tmp_path, inspect=inspect)
    assert raw.url.startswith(publisher.url)


def test_endless_redirects_end(eurostat: Eurostat, publisher: Publisher, tmp_path: Path) -> None:
    publisher.replies = [complete(b"", 302, Location="/sorry")]
    failure(eurostat, tmp_path, RedirectRefused)
    assert len(publisher.asked) == 1 + 5


def test_nobody_listening_and_an_unknown_host_are_told_plainly(tmp_path: Path) -> None:
    for address in ("http://127.0.0.1:9", "http://no-such-host.invalid"):
        with Eurostat(address, connect_timeout=2, attempts=2, backoff=0.01) as eurostat:
            told = str(failure(eurostat, tmp_path, Unreachable))
        assert "Max retries" not in told
        assert len(told) < 400


def test_a_malformed_code_is_refused_before_any_request(
    eurostat: Eurostat, publisher: Publisher, tmp_path: Path
) -> None:
    for ask in (eurostat.probe, lambda code: eurostat.download(code, tmp_path, inspect=inspect)):
        with pytest.raises(MalformedCode):
            ask("../../x")
    assert not publisher.asked


@pytest.mark.parametrize("body", [BODY, gzip.compress(body_of(cells=200_000), 0)])
def test_a_full_disk_is_told_with_the_folder_and_leaves_nothing(
    eurostat: Eurostat, publisher: Publisher, tmp_path: Path, body: bytes
) -> None:
    publisher.replies = [complete(body)]
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        full = failure(eurostat, tmp_path, DiskFull)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert str(tmp_path) in str(full)
    assert not isinstance(full, Transient)
    assert len(publisher.asked) == 1


def test_parts_of_dead_writers_are_swept_away_and_those_of_living_ones_are_not(
    eurostat: Eurostat, publisher: Publisher, tmp_path: Path
) -> None:
    publisher.replies = [complete()]
    dead, other = tmp_path / "HLTH_A.0123456789ab.part", tmp_path / "HLTH_A_B.0123456789ab.part"
    dead.write_bytes(b"{")
    other.write_bytes(b"{")
    writer = (
        "import sys, pathlib\n"
        "from eurostat_assets.eurostat.parts import part\n"
        "with part(pathlib.Path(sys.argv[1]), 'HLTH_A') as (path, file):\n"
        "    print(path, flush=True)\n"
        "    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", writer, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        alive = Path(process.stdout.readline().strip())
        raw = eurostat.download("HLTH_A", tmp_path, inspect=inspect)
        assert {*tmp_path.iterdir()} == {raw.path, alive, other}
        process.kill()
    assert alive.exists()
    again = eurostat.download("HLTH_A", tmp_path, inspect=inspect)
    assert {*tmp_path.iterdir()} == {raw.path, again.path, other}
