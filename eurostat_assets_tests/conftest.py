"""What every test may ask for: the recorded real files, and a Postgres of the test run's own."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of recorded real Eurostat files that lies beside the checkout."""
    if not (SHARED / "real" / "MANIFEST.tsv").exists():
        pytest.skip(f"no recorded Eurostat files at {SHARED} (they are not part of the project)")
    return SHARED
