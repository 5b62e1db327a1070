"""Proxies and custom certificate authorities, as the usual environment variables name them."""

import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from eurostat_assets import loopback
from eurostat_assets.eurostat import Eurostat
from eurostat_assets.eurostat.errors import Unreachable
from eurostat_assets_tests.eurostat.bodies import body_of
from eurostat_assets_tests.eurostat.conftest import Publisher
from eurostat_assets_tests.eurostat.test_download import complete


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    loopback.keep_direct()
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)


def test_a_proxy_of_the_environment_is_used_but_never_for_this_machine_itself(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher.replies = [complete(body_of())]
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{publisher.server_address[1]}")
    with Eurostat("http://eurostat.invalid/api") as eurostat:
        eurostat.probe("HLTH_A")
    assert publisher.asked[-1].startswith("http://eurostat.invalid/api/statistics/")

    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with Eurostat(publisher.url) as eurostat:
        eurostat.probe("HLTH_A")
    assert publisher.asked[-1].startswith("/api/statistics/")


def test_a_certificate_authority_of_the_environment_is_trusted_and_no_other(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    openssl = shutil.which("openssl")
    if not openssl:
        pytest.skip("no openssl here to make a certificate with")
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    order = (
        "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    )
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([openssl, *order.split(), *files], check=True, capture_output=True)
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(certificate, key)
    publisher.socket = server_side.wrap_socket(publisher.socket, server_side=True)
    publisher.replies = [complete(body_of())]
    secure = publisher.url.replace("http:", "https:")

    with Eurostat(secure, attempts=1) as eurostat, pytest.raises(Unreachable, match="REQUESTS_CA_BUNDLE"):
        eurostat.probe("HLTH_A")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with Eurostat(secure) as eurostat:
        eurostat.probe("HLTH_A")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "no-such-file"))
    with Eurostat(secure) as eurostat, pytest.raises(Unreachable, match="no-such-file"):
        eurostat.probe("HLTH_A")
