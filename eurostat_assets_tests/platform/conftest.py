"""A whole platform for the tests of this folder: an invented Eurostat, PostgreSQL, the Dagster UI and its daemon."""

import os
import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from eurostat_assets import launcher, resources, sandbox
from eurostat_assets.firstload import FirstLoad
from eurostat_assets.settings import Settings


@dataclass(frozen=True)
class World:
    """A running platform, the Eurostat it mirrors, and the mirror's database."""

    platform: launcher.Platform
    source: sandbox.Running
    database: str
    settings: Settings


@pytest.fixture(scope="package")
def world() -> Iterator[World]:
    """The platform with some of the sandbox's datasets loaded once."""
    before = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="eurostat-assets-platform-") as folder:
        home = Path(folder)
        home.chmod(0o755)  # as root, PostgreSQL runs as another user
        try:
            yield from _world(home)
        finally:
            os.environ.clear()
            os.environ.update(before)


def _world(home: Path) -> Iterator[World]:
    with sandbox.running(folder=home / "sandbox", profile="tests") as source:
        os.environ |= {
            "EUROSTAT_HOME": str(home / "mirror"),
            "EUROSTAT_API_URL": source.api_url,
            "EUROSTAT_THEME": "HLTH_SILC",
            "EUROSTAT_THEME_INCLUDE": "HLTH_RS_BDS,HLTH_EHIS_BM1E",
            "EUROSTAT_POLL_INTERVAL": "3",
            "EUROSTAT_REQUEST_INTERVAL": "2",
            "EUROSTAT_DATABASE_URL": "",
            "EUROSTAT_STORE_URL": "",
            # Another platform may be starting at this moment.
            "EUROSTAT_WEBSERVER_PORT": str(random.randrange(10_000, 20_000)),
        }
        settings = Settings()
        with launcher.running(settings) as platform:
            load = FirstLoad(platform)
            load.sweep()
            for seen in load.watch(load.missing()):
                assert not seen.failed, seen.failed
            yield World(platform, source, resources.Mirror(settings).database, settings)
