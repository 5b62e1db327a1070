"""A sweep over catalogue files that cannot be read in full loses nothing that was known: real HTTP, real PostgreSQL."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from eurostat_assets import postgres, resources
from eurostat_assets.eurostat import EurostatError
from eurostat_assets.postgres.catalogue import recorded_folders
from eurostat_assets.settings import Settings
from eurostat_assets.sweeping import sweep

# Depth by indentation; a dataset may be filed in several folders.
TREE = """\
Data=data folder
  Living conditions=livcon folder
    Income=ilc folder
      Health of the poor=HLTH_POOR dataset
    Care=care folder
      Beds=HLTH_BEDS dataset
      Invented doctors=XY_DOCTORS dataset
Other=other folder
  Beds=HLTH_BEDS dataset
"""
CARE = "data/livcon/care"
PLACES = {
    "HLTH_BEDS": (CARE, "other"),
    "HLTH_POOR": ("data/livcon/ilc",),
    "XY_DOCTORS": (CARE,),
}
TOC_HEADER = "\t".join(
    f'"{name}"'
    for name in (
        "title", "code", "type", "last update of data", "last table structure change", "data start", "data end", "values",
    )
)  # fmt: skip
INVENTORY_HEADER = "Code\tType\tSource dataset\tLast data change\tLast structural change"


class Catalogue(http.server.BaseHTTPRequestHandler):
    """The table of contents and the inventory, as they are now."""

    toc: str
    inventory: str

    def do_GET(self) -> None:
        body = (self.toc if "/toc/" in self.path else self.inventory).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class' name
        """Be silent."""


def toc(broken: str = "") -> str:
    """The tree as a table of contents. `broken`: the folder whose line has a doubled tab."""
    lines = [TOC_HEADER]
    for line in TREE.splitlines():
        title, _, named = line.strip().partition("=")
        code, kind = named.split()
        depth = (len(line) - len(line.lstrip())) // 2
        between = "\t\t" if code == broken else "\t"
        lines.append(
            f'"{"    " * depth}{title}"{between}"{code.lower()}"\t"{kind}"'
            + '\t"06.02.2026"' * 2
            + '\t" "' * 2
            + "\t"
        )
    return "\n".join(lines) + "\n"


def inventory() -> str:
    day = "2026-02-06T23:00:00+0100"
    return "\n".join([INVENTORY_HEADER, *(f"{code}\tDATASET\t-\t{day}\t{day}" for code in PLACES)]) + "\n"


@pytest.fixture
def catalogue() -> type[Catalogue]:
    return type("Served", (Catalogue,), {"toc": toc(), "inventory": inventory()})


@contextmanager
def serving(handler: type[Catalogue]) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("theme", [{"theme": "", "theme_subtree": "care"}, {"theme_subtree": CARE}])
@pytest.mark.parametrize("broken", ["care", "livcon", "data"])
def test_datasets_below_a_folder_that_cannot_be_read_keep_the_folders_last_recorded(
    catalogue: type[Catalogue], tmp_path: Path, database: str, theme: dict[str, str], broken: str
) -> None:
    with serving(catalogue) as address:
        settings = Settings.model_validate(
            {
                "home": tmp_path,
                "api_url": address,
                "database_url": database,
                "request_pace": 0,
                "attempts": 1,
                **theme,
            }
        )
        mirror = resources.Mirror(settings)

        def swept() -> dict[str, tuple[str, ...]]:
            sweep(resources.client(settings), mirror)
            return recorded_folders(database)

        first = swept()
        assert first == {code: PLACES[code] for code in first}
        assert {"HLTH_BEDS", "XY_DOCTORS"} <= first.keys()
        catalogue.toc = toc(broken)
        for _ in range(2):  # what was kept is kept again
            kept = swept()
            assert {code: set(folders) for code, folders in kept.items()} == {
                code: set(folders) for code, folders in first.items()
            }
        assert {one.state for one in postgres.states(database).values()} == {"new"}
        found = postgres.polls(database)["sweep"].found
        assert found
        assert (found["unreadable lines"], found["withdrawn"], found["no longer of the theme"]) == (1, 0, 0)
        # Whole again, the table of contents is believed: also that a dataset has left a folder.
        catalogue.toc = "".join(toc().splitlines(keepends=True)[:-1])
        assert swept() == {**first, "HLTH_BEDS": (CARE,)}


def test_a_new_mirror_invents_no_folder_for_what_lies_below_a_broken_line(
    catalogue: type[Catalogue], tmp_path: Path, database: str
) -> None:
    catalogue.toc = toc("care")
    with serving(catalogue) as address:
        settings = Settings.model_validate(
            {"home": tmp_path, "api_url": address, "database_url": database, "request_pace": 0, "attempts": 1}
        )
        mirror = resources.Mirror(settings)
        sweep(resources.client(settings), mirror)
        assert recorded_folders(database) == {"HLTH_BEDS": ("other",), "HLTH_POOR": PLACES["HLTH_POOR"]}
        subtree = resources.Mirror(settings.model_copy(update={"theme": "", "theme_subtree": "care"}))
        with pytest.raises(EurostatError, match="care"):
            sweep(resources.client(settings), subtree)
        assert recorded_folders(database).keys() == {"HLTH_BEDS", "HLTH_POOR"}
        catalogue.toc = toc()
        sweep(resources.client(settings), mirror)
        assert recorded_folders(database) == {code: PLACES[code] for code in ("HLTH_BEDS", "HLTH_POOR")}
