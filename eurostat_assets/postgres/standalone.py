"""The embedded server as a single process that lets nobody in: a look into the databases before the first client.

Here: running it and reading what it prints. Not here: what is looked for (orphans.py), and the server itself (embedded.py).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from eurostat_assets.postgres.errors import EmbeddedServerError
from eurostat_assets.postgres.unprivileged import ServerUser

ASKED = """\
COPY (SELECT 'row(' || one || ')row' FROM ({query}) AS asked (one)) TO STDOUT
COPY (SELECT 'rows(' || pg_catalog.count(*) || ')rows' FROM ({query}) AS asked (one)) TO STDOUT
"""
ROW = re.compile(r"row\((.*?)\)row")
ROWS = re.compile(r"rows\((\d+)\)rows")


@dataclass(frozen=True)
class Standalone:
    """The programs, the user and the settings with which the cluster in `data` is opened."""

    programs: Path
    user: ServerUser
    data: Path
    settings: Mapping[str, str]

    def column(self, database: str, query: str) -> list[str]:
        """Return the texts that `query`, of one column in one line, gives in `database`.

        After a crash the cluster recovers first. Raises EmbeddedServerError where the database does not open, the query
        fails, or not every row arrived.
        """
        # One statement a line, ended by the line's end. The result is COPY's, and not the interactive table for people.
        said = ASKED.format(query=query)
        # Names without a schema are the server's own, as in every session of ours (connection.py).
        own = {"exit_on_error": "on", "search_path": "pg_catalog, pg_temp"}
        options = [
            word for name, value in {**self.settings, **own}.items() for word in ("-c", f"{name}={value}")
        ]
        command = [self.programs / "postgres", "--single", "-D", self.data, *options, database]
        done = self.user.run(command, said)
        found, announced = ROW.findall(done.stdout), ROWS.findall(done.stdout)
        if done.returncode or announced != [str(len(found))]:
            raise EmbeddedServerError(
                f"the cluster in {self.data} does not open: {database}", done.stdout[-2000:]
            )
        return found
