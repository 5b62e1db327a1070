"""A redirect is followed within the site that was asked, and nowhere else."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from eurostat_assets.eurostat import Eurostat, EurostatError
from eurostat_assets.eurostat.errors import RedirectRefused, Unreachable
from eurostat_assets.eurostat.redirects import next_address
from eurostat_assets_tests.eurostat.bodies import body_of, inspect
from eurostat_assets_tests.eurostat.conftest import Exchange, Publisher, Reply

ASKED = "https://ec.europa.eu/eurostat/api/dissemination/files/inventory?type=data"

FOLLOWED = {
    "/sorry": "https://ec.europa.eu/sorry",
    "outline?x=1#there": "https://ec.europa.eu/eurostat/api/dissemination/files/outline?x=1",
    "../../up": "https://ec.europa.eu/eurostat/api/up",
    "//ec.europa.eu/other": "https://ec.europa.eu/other",
    "https://EC.europa.eu:443/same": "https://EC.europa.eu:443/same",
    "https:///without-a-host": "https://ec.europa.eu/without-a-host",
    "?again": "https://ec.europa.eu/eurostat/api/dissemination/files/inventory?again",
}
REFUSED = [
    "http://ec.europa.eu/eurostat/api",  # no longer encrypted
    "https://ec.europa.eu:8443/",
    "https://webgate.ec.europa.eu/",
    "https://ec.europa.eu.example.com/",
    "//169.254.169.254/latest/meta-data",
    "http://127.0.0.1:5432/",
    "https://user:secret@ec.europa.eu/",
    "https://ec.europa.eu@example.com/",
    "https://ec.europa.eu\\@example.com/",
    "https://ec%2eeuropa.eu/",
    "https://[fe80::1%25eth0]/",
    "https://[::1/",
    "https://ec.europa.eu:port/",
    "https://ec.europa.eu:99999/",
    "javascript:alert(1)",
    "file:///etc/passwd",
    "ftp://ec.europa.eu/x",
    "data:text/plain,x",
    "/x\r\nSet-Cookie: y",
    "/x\0y",
    "/\u202eevil",
    "/caf\xe9",
    "/a b",
    "/" + "long" * 2000,
]  # fmt: skip


@pytest.mark.parametrize("location", FOLLOWED)
def test_within_the_site_it_is_followed(location: str) -> None:
    assert next_address(ASKED, location) == FOLLOWED[location]


@pytest.mark.parametrize("location", REFUSED)
def test_elsewhere_it_is_refused_in_a_sentence(location: str) -> None:
    with pytest.raises(RedirectRefused) as refused:
        next_address(ASKED, location, "HLTH_A")
    story = str(refused.value)
    assert story.startswith("HLTH_A: https://ec.europa.eu/")
    assert "EUROSTAT_API_URL" in story
    assert story.isprintable()
    assert "secret" not in story
    assert len(story) < 500


def test_http_may_become_https_of_the_same_host() -> None:
    assert next_address("http://ec.europa.eu/a", "https://ec.europa.eu/a") == "https://ec.europa.eu/a"
    with pytest.raises(RedirectRefused):
        next_address("http://ec.europa.eu:8080/a", "https://ec.europa.eu/a")


@pytest.mark.parametrize("location", FOLLOWED)
def test_who_asks_as_a_user_does_so_at_the_same_site(location: str) -> None:
    followed = FOLLOWED[location].replace("https://", "https://me:s%40cret@")
    assert next_address(ASKED.replace("https://", "https://me:s%40cret@"), location) == followed


@pytest.mark.parametrize("location", REFUSED)
def test_a_user_goes_nowhere_else(location: str) -> None:
    with pytest.raises(RedirectRefused) as refused:
        next_address(ASKED.replace("https://", "https://me:secret@"), location, "HLTH_A")
    assert str(refused.value).startswith("HLTH_A: https://ec.europa.eu/")
    assert "secret" not in str(refused.value)


def test_the_user_of_the_api_is_sent_along_to_its_own_redirects(publisher: Publisher) -> None:
    sent: list[str | None] = []

    def reply(exchange: Exchange) -> None:
        sent.append(exchange.headers.get("Authorization"))
        exchange.answer(b"", 302, Location=f"/{len(sent)}")

    publisher.replies = [reply]
    with (
        Eurostat(publisher.url.replace("://", "://me:secret@"), attempts=1) as eurostat,
        pytest.raises(RedirectRefused, match="more than 5") as refused,
    ):
        eurostat.inventory()
    assert sent == ["Basic bWU6c2VjcmV0"] * 6
    assert "secret" not in str(refused.value)


@pytest.fixture
def elsewhere() -> Iterator[Publisher]:
    """Another server on this machine, which must not be asked."""
    with Publisher() as server:
        server.replies = [lambda exchange: exchange.answer(body_of())]
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.parametrize("location", ["https://[::1", "http://[a]b/", "//[x"])
def test_a_location_that_is_no_address_is_a_sentence(publisher: Publisher, location: str) -> None:
    publisher.replies = [lambda exchange: exchange.answer(b"", 302, Location=location)]
    with (
        Eurostat(publisher.url, attempts=1) as eurostat,
        pytest.raises((RedirectRefused, Unreachable), match=r"no answer|refused|redirect"),
    ):
        eurostat.inventory()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_nobody_else_is_asked(
    eurostat: Eurostat, publisher: Publisher, elsewhere: Publisher, tmp_path: Path, status: int
) -> None:
    publisher.replies = [lambda exchange: exchange.answer(b"", status, Location=f"{elsewhere.url}/x")]
    asks = (
        eurostat.inventory,
        eurostat.toc,
        eurostat.feed,
        lambda: eurostat.probe("HLTH_A"),
        lambda: eurostat.download("HLTH_A", tmp_path, inspect=inspect),
    )
    for ask in asks:
        with pytest.raises(RedirectRefused, match="another port"):
            ask()
    assert not elsewhere.asked
    assert not list(tmp_path.iterdir())


def test_a_redirect_without_an_address_is_an_answer_like_others(
    eurostat: Eurostat, publisher: Publisher
) -> None:
    publisher.replies = [lambda exchange: exchange.answer(b"", 302)]
    with pytest.raises(EurostatError, match="302"):
        eurostat.inventory()


def continues(exchange: Exchange) -> None:
    while True:
        exchange.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)


def trailers(exchange: Exchange) -> None:
    exchange.start_chunks()
    exchange.chunk(body_of(cells=10))
    exchange.wfile.write(b"0\r\n")
    while True:
        exchange.wfile.write(b"X-Trailer: 1\r\n" * 1000)


def headers(exchange: Exchange) -> None:
    exchange.send_response(200)
    while True:
        exchange.wfile.write(b"X-Header: 1\r\n" * 1000)


def one_byte_chunks(exchange: Exchange) -> None:
    exchange.start_chunks()
    while True:
        exchange.wfile.write(b"1\r\nx\r\n" * 1000)


@pytest.mark.parametrize("reply", [continues, trailers, headers, one_byte_chunks])
def test_a_head_without_end_ends(publisher: Publisher, tmp_path: Path, reply: Reply) -> None:
    publisher.replies = [reply]
    with (
        Eurostat(publisher.url, attempts=1, read_timeout=600) as eurostat,
        pytest.raises(EurostatError) as told,
    ):
        eurostat.download("HLTH_A", tmp_path, inspect=inspect)
    assert str(told.value).startswith("HLTH_A: ")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "header",
    [
        {"Retry_After": "9" * 5000},
        {"Retry_After": "Mon, 99 Foo 99999 99:99:99 GMT"},
        {"Content_Length": "9" * 5000},
    ],
)
def test_numbers_in_headers_that_no_computer_holds(
    publisher: Publisher, tmp_path: Path, header: dict[str, str]
) -> None:
    status = 503 if "Retry_After" in header else 200

    def reply(exchange: Exchange) -> None:
        exchange.answer(b"", status, **header)
        exchange.hang_up()

    publisher.replies = [reply]
    with Eurostat(publisher.url, attempts=2, backoff=0.01) as eurostat, pytest.raises(EurostatError) as told:
        eurostat.download("HLTH_A", tmp_path, inspect=inspect)
    assert str(told.value).startswith("HLTH_A: "), type(told.value)
