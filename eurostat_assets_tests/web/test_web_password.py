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
    done = CliRunner().invoke(
        app, ["web-password", str(file), "--user", "anna"], input="roter käse\nroter käse\n"
    )
    assert done.exit_code == 0, done.output
    assert "roter käse" not in done.output + file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    password = Password.read(file)
    assert password.accepts(basic("anna", "roter käse"))
    assert not password.accepts(basic("anna", "Roter käse"))
    assert not password.accepts(basic("Anna", "roter käse"))
    assert not password.accepts("Basic käse")
    assert not password.accepts("Basic /w==")


def test_what_cannot_be_a_user_name_or_password_is_refused(tmp_path):
    for user, password in (("a:b", "long enough"), ("a\x07", "long enough"), ("anna", "short")):
        words = ["web-password", str(tmp_path / "f"), "--user", user]
        assert CliRunner().invoke(app, words, input=f"{password}\n{password}\n").exit_code == 2
    assert not (tmp_path / "f").exists()


def test_a_file_of_something_else_is_not_overwritten_and_a_password_is(tmp_path):
    other, file = tmp_path / "notes", tmp_path / "password"
    other.write_text("mine\n")
    asked = CliRunner().invoke(app, ["web-password", str(other)], input="long enough\nlong enough\n")
    assert (asked.exit_code, other.read_text()) == (2, "mine\n")
    for password in ("the first one", "the second one"):
        done = CliRunner().invoke(
            app, ["web-password", str(file), "--user", "anna"], input=f"{password}\n" * 2
        )
        assert done.exit_code == 0, done.output
        assert Password.read(file).accepts(basic("anna", password))
