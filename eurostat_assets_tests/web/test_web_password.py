"""The command that sets the UI's password."""

import base64
import stat

from typer.testing import CliRunner

from eurostat_assets.cli.app import app
from eurostat_assets.web import Password


def basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def test_the_password_that_was_set_is_the_one_that_is_accepted(tmp_path):
    file = tmp_path / "web password"
    done = CliRunner().invoke(app, ["web-password", str(file), "--user", "anna"], input="käse\nkäse\n")
    assert done.exit_code == 0, done.output
    assert "käse" not in done.output + file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    password = Password.read(file)
    assert password.accepts(basic("anna", "käse"))
    assert not password.accepts(basic("anna", "Käse"))
    assert not password.accepts(basic("Anna", "käse"))


def test_what_cannot_be_a_user_name_is_refused(tmp_path):
    for arguments in (["--user", "a:b", "--password", "x"], ["--user", "a\x07", "--password", "x"]):
        done = CliRunner().invoke(app, ["web-password", str(tmp_path / "f"), *arguments])
        assert done.exit_code == 2
    assert not (tmp_path / "f").exists()
