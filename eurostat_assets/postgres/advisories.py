"""Which versions of PostgreSQL have known vulnerabilities, as far as this release of the software knows.

A table of a date: nothing here asks the network. Here belongs judging a version. Not here: who hears of it.
"""

from __future__ import annotations

from datetime import date, timedelta

from eurostat_assets.postgres.connection import connect

AS_OF = date(2026, 5, 20)
"""When the table was last compared with SOURCE and https://www.postgresql.org/support/versioning/."""

SOURCE = "https://www.postgresql.org/support/security/"

SAFE = {14: 23, 15: 18, 16: 14, 17: 10, 18: 4}
"""By major version, the first minor one without a vulnerability known then: the releases of 2026-05-14 mend eleven,
CVE-2026-6472 to 6479, 6575, 6637 and 6638."""

ENDS = {
    14: date(2026, 11, 12),
    15: date(2027, 11, 11),
    16: date(2028, 11, 9),
    17: date(2029, 11, 8),
    18: date(2030, 11, 14),
}
"""The last day on which a major version gets a release."""

TOO_OLD = timedelta(days=365)
"""PostgreSQL has a minor release four times a year, most of which mend a vulnerability."""


def fault_of(version: int, today: date) -> str:
    """Return what is wrong with a server of this `server_version_num` (180003 is 18.3), in a sentence; "" for nothing."""
    major, minor = divmod(version, 10_000)
    newest = max(SAFE)
    if major < min(SAFE) or today > ENDS.get(major, today):
        return f"PostgreSQL {major}.{minor} gets no fixes any more; move to another one, such as {newest}.{SAFE[newest]}"
    if minor < SAFE.get(major, 0):
        return (
            f"PostgreSQL {major}.{minor} has known vulnerabilities, which {major}.{SAFE[major]} mends ({SOURCE}, {AS_OF});"
            " install that or a newer one and restart the server"
        )
    return ""


def is_outdated(today: date) -> bool:
    """Return whether this table itself is too old to be relied on."""
    return today - AS_OF > TOO_OLD


def version_of(url: str) -> int:
    """Return the `server_version_num` of the server at a libpq `url`. Raises PostgresError."""
    with connect(url) as connection:
        return connection.server_version
