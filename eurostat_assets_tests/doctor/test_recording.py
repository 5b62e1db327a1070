"""Recordings: whole, without secrets, and judged again to the same verdicts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eurostat_assets.doctor.exchange import kept_headers
from eurostat_assets.doctor.recording import MANIFEST, NoRecording, Recorder, recorded
from eurostat_assets.doctor.runner import ask, contract_verdicts
from eurostat_assets.model.addresses import without_secrets
from eurostat_assets.sandbox import Running
from eurostat_assets.settings import Settings


def record(settings: Settings, folder: Path) -> list:
    recorder = Recorder(folder, without_secrets(settings.api_url))
    answers = ask(settings, on_answer=recorder.add)
    verdicts = contract_verdicts(settings, answers)
    recorder.finish(answers, verdicts)
    return verdicts


@pytest.mark.parametrize("change", [None, "value_array", "bulk_plain", "etag", "inventory_redirected"])
def test_a_recording_is_judged_as_the_answers_were(
    change: str | None, settings: Settings, source: Running, tmp_path: Path
):
    source.change_contract(*filter(None, [change]))
    verdicts = record(settings, tmp_path / "kept")
    assert contract_verdicts(settings, recorded(tmp_path / "kept")) == verdicts


def test_the_manifest_tells_of_every_answer_and_each_body_is_there(settings: Settings, tmp_path: Path):
    record(settings, tmp_path)
    manifest = json.loads((tmp_path / MANIFEST).read_text())
    assert len(manifest["answers"]) == 20
    for entry in manifest["answers"]:
        assert (tmp_path / entry["file"]).is_file()
        assert entry["status"]
        assert entry["url"].startswith(settings.api_url)
        assert entry["asked_at"]
        assert "content-type" in entry["headers"]
    feed = next(entry for entry in manifest["answers"] if entry["name"] == "feed_en")
    assert (tmp_path / feed["file"]).read_text().startswith("<?xml")
    assert {one["outcome"] for one in manifest["verdicts"]} == {"as expected"}


def test_a_proxys_password_is_nowhere_in_a_recording(settings: Settings, tmp_path: Path, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://clerk:pa55word@127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    # Not loopback, so that the proxy is asked; its name need not be known to anybody.
    elsewhere = settings.model_copy(update={"api_url": "http://door:pa55word@eurostat.invalid/api"})
    record(elsewhere, tmp_path)
    everything = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"127.0.0.1" in everything
    assert b"pa55word" not in everything


def test_headers_that_carry_secrets_are_kept_without_them():
    kept = kept_headers({"Set-Cookie": "session=1", "Content-Type": "text/plain"})
    assert kept == {"set-cookie": "***", "content-type": "text/plain"}


@pytest.mark.parametrize(
    "manifest", [None, "{}", "no json", '{"dataset": null, "answers": [{"file": "gone"}]}']
)
def test_a_folder_without_a_recording_is_refused_by_name(manifest: str | None, tmp_path: Path):
    if manifest is not None:
        (tmp_path / MANIFEST).write_text(manifest)
    with pytest.raises(NoRecording, match=str(tmp_path)):
        recorded(tmp_path)
