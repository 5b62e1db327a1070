"""The README stays true: what it names exists."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from eurostat_assets.cli.app import app
from eurostat_assets.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
TEXTS = [ROOT / "README.md", ROOT / ".env.example", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.name)
def test_every_setting_named_exists(text):
    named = set(re.findall(r"\bEUROSTAT_[A-Z_]+[A-Z]\b", text.read_text()))
    known = {variable for variable, *_ in Settings().table()} | set(
        re.findall(r"\bEUROSTAT_[A-Z_]+[A-Z]\b", (ROOT / "docker-compose.yml").read_text())
    )
    assert named <= known


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.name)
def test_every_command_named_exists(text):
    commands = get_command(app).commands  # type: ignore[attr-defined]
    for first, second in re.findall(r"eurostat-assets ([a-z][a-z-]+)(?: ([a-z][a-z-]+))?", text.read_text()):
        assert first in commands
        below = getattr(commands[first], "commands", None)
        if below and second:
            assert second in below


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.name)
def test_every_make_target_named_exists(text):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", text.read_text())) <= targets


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.name)
def test_every_file_and_picture_linked_exists(text):
    for link in re.findall(r"\]\(([^)#]+)\)", text.read_text()):
        if "://" not in link:
            assert (text.parent / link).exists(), link


def test_every_command_has_help():
    def walk(command, name):
        assert command.help, name
        for below, child in getattr(command, "commands", {}).items():
            walk(child, f"{name} {below}")

    walk(get_command(app), "eurostat-assets")


def test_help_has_no_torn_lines_on_a_terminal_of_80_columns():
    def walk(command, name):
        for paragraph in (command.help or "").split("\n\n")[
            1:
        ]:  # the first one is joined and wrapped by typer
            assert max(map(len, paragraph.splitlines())) <= 78, name
        for below, child in getattr(command, "commands", {}).items():
            walk(child, f"{name} {below}")

    walk(get_command(app), "eurostat-assets")
