"""The settings: read from the environment, complete in their documentation, silent about secrets."""

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from eurostat_assets.cli.app import app
from eurostat_assets.settings import Settings, load, remember_source


def test_every_setting_comes_from_the_environment_and_is_documented(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EUROSTAT_THEME", "DEMO")
    monkeypatch.setenv("EUROSTAT_THEME_INCLUDE", "HLTH_CD_ANR, ENPE_HLTH_EXP")
    settings = Settings()
    assert settings.theme == "DEMO"
    assert settings.theme_include == ("HLTH_CD_ANR", "ENPE_HLTH_EXP")
    assert all(meaning for *_, meaning in settings.table())


def test_a_password_is_never_shown(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EUROSTAT_DATABASE_URL", "postgresql://me:hunter2@db/eurostat")
    shown = CliRunner().invoke(app, ["settings"])
    assert shown.exit_code == 0
    assert "hunter2" not in shown.output + repr(Settings())
    assert "(secret)" in shown.output


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("API_URL", "ftp://x"),
        ("API_URL", "eurostat"),
        ("POLL_INTERVAL", "soon"),
        ("PARALLEL_RUNS", "0"),
        ("LANGUAGE", "nl"),
        ("SMTP_URL", "http://mail"),
        ("ALARM_WEBHOOK", "hooks.slack.com/x"),
        ("DATABASE_URL", "mysql://user:hunter2@host/x"),
        ("DATABASE_URL", "postgresql://user:hunter2%zz@host/x"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_by_name(monkeypatch, tmp_path, variable, value):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(f"EUROSTAT_{variable}", value)
    with pytest.raises(ValidationError, match=variable.lower()) as refusal:
        Settings()
    assert "hunter2" not in str(refusal.value)


def test_an_empty_home_is_the_usual_one_and_not_the_working_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EUROSTAT_HOME", "")
    assert Settings().home == tmp_path / ".eurostat" / "mirror"


def test_a_home_remembers_where_its_data_come_from(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EUROSTAT_HOME", str(tmp_path / "demo"))
    remember_source(Settings(api_url="http://127.0.0.1:8123/api"))
    assert load().api_url == "http://127.0.0.1:8123/api"
    (tmp_path / ".env").write_text("EUROSTAT_API_URL=http://127.0.0.1:9/api\n")
    assert load().api_url == "http://127.0.0.1:9/api"
    monkeypatch.setenv("EUROSTAT_API_URL", "http://127.0.0.1:10/api")
    assert load().api_url == "http://127.0.0.1:10/api"
