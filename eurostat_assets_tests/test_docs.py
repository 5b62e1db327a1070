"""Every fenced block of README.md and docs/ does what it says, on a mirror that runs: shell, SQL, Python.

A block's language says how it is run. A shell line that cannot be run here stands in NOT_RUN with its reason, one that
stays up until it is stopped in STAYS_UP with what it must print first, a block that is no program in ILLUSTRATIONS.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import textwrap
import tomllib
from collections.abc import Iterator
from configparser import ConfigParser
from dataclasses import dataclass
from pathlib import Path

import psycopg2
import pytest

from eurostat_assets import launcher, sandbox
from eurostat_assets.firstload import FirstLoad
from eurostat_assets.settings import Settings

# The platform is started first, and the longest block is twenty commands.
pytestmark = pytest.mark.timeout(1800)

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]
NOT_RUN = {
    "make demo": "it is what these tests are run against; .ci/run and platform/ start it",
    "make test": "it runs this test",
    "make up": "it mirrors Eurostat itself; platform/ starts the same with an invented one",
    "make down": "it would stop the mirror of this test; test_cli.py calls it",
    ".venv/bin/eurostat-assets accept": "it needs a release that a check holds back: quality/test_accept.py",
}
"""By how a shell line begins."""
STAYS_UP = {
    ".venv/bin/eurostat-assets metrics": "Metrics are at http://",
    ".venv/bin/eurostat-assets sandbox serve": "EUROSTAT_API_URL=http://",
}
MAY_END_WITH = {".venv/bin/eurostat-assets doctor": "1"}
"""Exit codes besides 0: what doctor finds depends on the machine, and its own tests judge it."""
ILLUSTRATIONS = {"eurostat_assets/": "the packages of the project", "*/5 * * * *": "a line for a crontab"}
"""By how the block begins."""
MOST_EXCEPTIONS = 7
"""A new exception needs a reason that convinces whoever raises this number."""
FENCE = re.compile(r"^( *)```([a-z]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: its page, the line it begins in, its language (empty: none is named) and text."""

    page: Path
    line: int
    language: str
    text: str

    @property
    def name(self) -> str:
        return f"{self.page.name}:{self.line}"

    @property
    def commands(self) -> list[str]:
        """The lines of a shell block without comments, continued lines joined."""
        lines = (uncommented(line) for line in self.text.replace("\\\n", " ").splitlines())
        return [line for line in lines if line]


def uncommented(line: str) -> str:
    """A line of shell without its comment."""
    return re.sub(r"(^|\s)#.*", "", line).strip()


def _blocks() -> list[Block]:
    found = []
    for page in PAGES:
        text = page.read_text()
        for match in FENCE.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            found.append(Block(page, line, match[2], textwrap.dedent(match[3])))
    return found


BLOCKS = _blocks()
SHELL = [block for block in BLOCKS if block.language in ("sh", "bash", "shell", "console")]


def of(*languages: str) -> pytest.MarkDecorator:
    """Parametrize a test with the blocks of these languages."""
    return pytest.mark.parametrize(
        "block", [one for one in BLOCKS if one.language in languages], ids=lambda block: block.name
    )


@pytest.fixture(scope="module")
def checkout() -> Iterator[Path]:
    """A folder like a user's checkout whose mirror runs: `.venv`, and `.eurostat/mirror` with the demo's datasets."""
    before = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="eurostat-assets-docs-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # as root, PostgreSQL runs as another user
        (folder / ".venv").symlink_to(sys.prefix)
        try:
            yield from _running(folder)
        finally:
            os.environ.clear()
            os.environ.update(before)


def _running(folder: Path) -> Iterator[Path]:
    home = folder / ".eurostat" / "mirror"
    (folder / ".eurostat").mkdir()
    (folder / ".eurostat" / "demo").symlink_to(home)
    with sandbox.running(folder=home / "sandbox", profile="demo", scale=0.02) as source:
        os.environ |= {
            "EUROSTAT_HOME": str(home),
            "EUROSTAT_API_URL": source.api_url,
            "EUROSTAT_POLL_INTERVAL": "5",
            "EUROSTAT_REQUEST_INTERVAL": "2",
            "EUROSTAT_DATABASE_URL": "",
            "EUROSTAT_STORE_URL": "",
            "EUROSTAT_WEBSERVER_PORT": str(random.randrange(10_000, 20_000)),
        }
        with launcher.running(Settings()) as platform:
            load = FirstLoad(platform)
            load.sweep()
            for seen in load.watch(load.missing()):
                assert not seen.failed, seen.failed
            yield folder


def run(folder: Path, *command: str) -> str:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=1500, stdin=subprocess.DEVNULL
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "Traceback" not in said
    return said


def starts(line: str, known: dict[str, str]) -> str | None:
    """The key of `known` with which the line begins."""
    return next((key for key in known if line.startswith(key)), None)


@pytest.mark.parametrize("block", SHELL, ids=lambda block: block.name)
def test_a_shell_block_runs_as_it_stands(checkout: Path, block: Block) -> None:
    lines = [
        f"{uncommented(line)} || [ $? = {MAY_END_WITH[key]} ]"
        if (key := starts(line, MAY_END_WITH))
        else line
        for line in block.text.splitlines()
        if not starts(line, NOT_RUN) and not starts(line, STAYS_UP)
    ]
    script = "\n".join(["set -euo pipefail", "trap 'echo \"failed: $BASH_COMMAND\" >&2' ERR", *lines])
    run(checkout, "bash", "-c", script)


@pytest.mark.parametrize(
    "line",
    sorted({line for block in SHELL for line in block.commands if starts(line, STAYS_UP)}),
)
def test_a_command_that_stays_up_says_so_and_ends_when_it_is_stopped(checkout: Path, line: str) -> None:
    with subprocess.Popen(
        ["bash", "-c", f"exec {line}"],
        cwd=checkout,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            assert process.stdout
            first = process.stdout.readline()
            assert (key := starts(line, STAYS_UP))
            assert STAYS_UP[key] in first
        finally:
            process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()
    assert "Traceback" not in rest


@of("sql")
def test_every_statement_of_an_sql_block_runs_for_a_reader_and_answers(checkout: Path, block: Block) -> None:
    url = run(checkout, ".venv/bin/eurostat-assets", "db", "url").strip()
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        for statement in filter(str.strip, block.text.split(";")):
            cursor.execute(statement)
            assert cursor.description is None or cursor.description[0].name
    connection.close()


@of("python")
def test_a_python_block_runs_as_it_stands(checkout: Path, block: Block) -> None:
    run(checkout, ".venv/bin/python", "-W", "error::SyntaxWarning", "-c", block.text)


@of("json", "toml", "ini", "env", "yaml")
def test_a_block_of_settings_can_be_read(block: Block) -> None:
    match block.language:
        case "json":
            json.loads(block.text)
        case "toml":
            tomllib.loads(block.text)
        case "yaml":
            import yaml

            assert yaml.safe_load(block.text)
        case _:
            ConfigParser().read_string(f"[block]\n{block.text}")


def test_every_block_is_run_read_or_named_as_an_illustration() -> None:
    known = {"sh", "bash", "shell", "console", "sql", "python", "json", "toml", "ini", "env", "yaml"}
    others = [block for block in BLOCKS if block.language not in known]
    assert [block.name for block in others if not starts(block.text, ILLUSTRATIONS)] == []


def test_no_block_is_indented_instead_of_fenced() -> None:
    for page in PAGES:
        outside = FENCE.sub("", page.read_text())
        assert not re.search(r"\n\n {4,}\S", outside), page


def test_exceptions_are_few_and_all_needed() -> None:
    assert len(NOT_RUN) + len(ILLUSTRATIONS) <= MOST_EXCEPTIONS
    lines = [line for block in SHELL for line in block.commands]
    assert all(any(line.startswith(key) for line in lines) for key in (*NOT_RUN, *STAYS_UP, *MAY_END_WITH))
    assert all(any(block.text.startswith(key) for block in BLOCKS) for key in ILLUSTRATIONS)
