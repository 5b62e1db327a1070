"""Settings that cannot work are refused by name and in a sentence, those that are taken are in force: none a traceback."""

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from eurostat_assets.cli import app as command_line
from eurostat_assets.settings import Settings, unknown_variables

RUBBISH = (
    "\x1b[31m",
    "a\nb",
    "NaN",
    "[/red]",
    "'; DROP TABLE x; --",
    "\u202e",
    "ÿ" * 5000,
    "../../etc/passwd",
)
NUMBERS = ("-1", "1e400", "nan", "inf", "0x10", "soon", "", "10000000000")
CRONS = ("", "daily", "* * * *", "61 * * * *", "0 0 30 2 *", "* * * * * *")
REFUSED = {
    **dict.fromkeys(("SWEEP_CRON", "AUDIT_CRON", "DEEP_AUDIT_CRON"), CRONS),
    "API_URL": ("", "eurostat", "ftp://x", "http://", "http://[::1", "http://h:99999", "http://h:x", "http://a b"),
    "LANGUAGE": ("", "nl", "EN"),
    "THEME": ("HLTH CD", "HLTH;", "HLTH/CD"),
    "THEME_SUBTREE": ("hl th", "a//b", "hlth?"),
    "THEME_INCLUDE": ("A B", "datasets", "-A", "A" * 64),
    "THEME_EXCLUDE": ("A B", "\u017filc"),
    "HOME": ("/", "//", "/..", "~nobody-of-this-name/x", "/dev/null", "/dev/null/x", "x" * 300),
    "STORE_URL": (
        "s3:/bucket/x", "s3://", "nosuch://x/y", "http://host/x", "/dev/null", "sftp:///x", "~nobody-of-this-name/x"),
    "DATABASE_URL": ("mysql://h/x", "host/x", "postgresql://u:p@h:99999/x", "postgresql://h1:1,h2:2/x", "postgresql://u:p%zz@h/x"),
    "CODES": ("", "int"),
    "INDEXES": ("", "none,brin", "geo time", "btree(geo)", "geo+", ",", "geo\"", "geo;"),
    "CHECKS_RELAXED": ("HLTH_X", ":x", "HLTH_X:", "a b:*", "HLTH_X:row_count", "HLTH_X:*,HLTH_Y:readable?"),
    "ALARM_WEBHOOK": ("hooks.slack.com/x", "http://", "https://h:0x", "file:///x"),
    "ALARM_EMAIL": ("ada", "ada@", "@x", "ada@b c", "ada@x>", "a@b@c"),
    "ALARM_SENDER": ("ada", "a@b\r\nBcc: x@y"),
    "SMTP_URL": ("mail", "http://mail", "smtp://", "smtp://h:port"),
    "WEB_HOSTS": ("https://h", "h:3000", "h/x", "*.h", "a b", "-h", "h..i"),
    **dict.fromkeys(("DATABASE_PORT", "PARALLEL_RUNS", "ATTEMPTS", "READ_TIMEOUT", "POLL_INTERVAL"), NUMBERS),
    **dict.fromkeys(("ROWS_MAY_SHRINK", "ALARM_LAG", "WEBSERVER_PORT"), NUMBERS),
}  # fmt: skip
EVERYWHERE = [(name.upper(), value) for name in Settings.model_fields for value in RUBBISH]
CONFIGURATIONS = [(name, value) for name, values in REFUSED.items() for value in values]


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.upper().startswith("EUROSTAT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("EUROSTAT_HOME", str(tmp_path / "home"))


def refusal(capsys: pytest.CaptureFixture[str]) -> str | None:
    """Return the sentence with which the command line refuses the settings, None where it takes them."""
    try:
        Settings()
    except Exception as error:  # noqa: BLE001 - whatever it is, it has to be explained
        with pytest.raises(SystemExit) as ended:
            command_line._explain_settings(error)
        assert ended.value.code == 2
        return capsys.readouterr().err
    return None


def test_there_are_two_hundred_of_them() -> None:
    assert len(CONFIGURATIONS) + len(EVERYWHERE) >= 200


@pytest.mark.parametrize(("name", "value"), CONFIGURATIONS)
def test_what_cannot_work_is_refused_by_name(monkeypatch, capsys, name: str, value: str) -> None:
    monkeypatch.setenv(f"EUROSTAT_{name}", value)
    said = refusal(capsys)
    assert said, f"{value!r} was taken"
    assert f"EUROSTAT_{name}" in said


@pytest.mark.parametrize("value", RUBBISH)
def test_rubbish_is_refused_by_name_or_kept_as_it_is_wherever_it_stands(
    monkeypatch, capsys, value: str
) -> None:
    for name in Settings.model_fields:
        with monkeypatch.context() as changed:
            changed.setenv(f"EUROSTAT_{name.upper()}", value)
            said = refusal(capsys)
            if said is not None:
                assert f"EUROSTAT_{name.upper()}" in said
                assert "\x1b" not in said
            else:
                assert getattr(Settings(), name) != Settings.model_fields[name].default


@pytest.mark.parametrize(
    "variables",
    [
        {"THEME_INCLUDE": "A_B,C_D", "THEME_EXCLUDE": "C_D"},
        {"THEME": ""},
        {"READ_TIMEOUT": "4000"},
        {"DOWNLOAD_DEADLINE": "10"},
        {"ALARM_EMAIL": "ada@example.org"},
        {"DATABASE_PORT": "4000", "WEBSERVER_PORT": "4000"},
    ],
)
def test_settings_that_contradict_each_other_are_refused(
    monkeypatch, capsys, variables: dict[str, str]
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"EUROSTAT_{name}", value)
    said = refusal(capsys)
    assert said
    assert all(f"EUROSTAT_{name}" in said for name in variables)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SWEEP_CRON", "0 6 * * 1-5"),
        ("STORE_URL", "memory://mirror"),
        ("STORE_URL", "a folder: mine"),
        ("INDEXES", "brin, geo, geo+time_period"),
        ("THEME", "HLTH_CD_*"),
        ("THEME_SUBTREE", "data/popul/hlth"),
        ("WEB_HOSTS", "mirror.example.org,10.0.0.7,[::1]"),
        ("ALARM_SENDER", "The mirror <mirror@example.org>"),
        ("SMTP_URL", "smtp+starttls://user:pass%20word@mail.example.org:587"),
        ("DATABASE_URL", "postgresql://loader@db.example.org/eurostat?sslmode=verify-full"),
        ("LARGEST_DATASET", "100000000000"),
    ],
)  # fmt: skip
def test_what_works_is_taken(monkeypatch, capsys, name: str, value: str) -> None:
    monkeypatch.setenv(f"EUROSTAT_{name}", value)
    assert refusal(capsys) is None


def test_a_misspelt_variable_is_told_with_the_one_that_was_meant(monkeypatch, tmp_path) -> None:
    assert unknown_variables(["EUROSTAT_THEMES", "EUROSTAT_HOME", "PATH"]) == {
        "EUROSTAT_THEMES": "EUROSTAT_THEME"
    }
    (tmp_path / ".env").write_text("EUROSTAT_POLL_INTERVALL=5\n")
    monkeypatch.setenv("EUROSTAT_QQ", "x")
    shown = CliRunner().invoke(command_line.app, ["settings"])
    assert shown.exit_code == 0
    assert "did you mean EUROSTAT_POLL_INTERVAL?" in shown.stderr
    assert "EUROSTAT_QQ is not a setting" in shown.stderr
