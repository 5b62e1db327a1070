"""What every test may ask for: the recorded real files, and a Postgres of the test run's own."""

import os
import signal
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from hypothesis import settings

from eurostat_assets.postgres.embedded import EmbeddedPostgres

# No test measures time: another may have the machine.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

SHARED = Path(__file__).resolve().parents[2] / "shared"

UMASK = os.umask(0)
os.umask(UMASK)


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    """Give each test the umask that the run began with: a launcher in this process closes what is made after it."""
    os.umask(UMASK)
    yield
    os.umask(UMASK)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of recorded real Eurostat files that lies beside the checkout."""
    if not (SHARED / "real" / "MANIFEST.tsv").exists():
        pytest.skip(f"no recorded Eurostat files at {SHARED} (they are not part of the project)")
    return SHARED


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[EmbeddedPostgres]:
    """A running PostgreSQL of this test session, stopped and removed at its end. Works as root, too."""
    with tempfile.TemporaryDirectory(prefix="eurostat-assets-postgres-") as folder:
        # As root the server runs as another user, who must be able to get here.
        Path(folder).chmod(0o755)
        # Nothing here must outlive a power failure, and the disk is the slowest part of the tests.
        server = EmbeddedPostgres(Path(folder) / "server", settings={"fsync": "off"})
        server.start()
        try:
            yield server
        finally:
            # Thrown away, so there is no need to write down what it has in memory.
            if pid := server.status().pid:
                os.kill(pid, signal.SIGQUIT)
            while server.status().running:
                time.sleep(0.05)


@pytest.fixture
def database(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    """URL of a database that is empty and this test's alone."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    yield postgres_server.url(name)
    # At once: hundreds of databases take longer to remove when the disk has got them.
    with closing(psycopg2.connect(postgres_server.url("postgres"))) as connection:
        connection.autocommit = True
        connection.cursor().execute(f"DROP DATABASE {name} WITH (FORCE)")
