"""What can go wrong with the database, told to the person who must act.

PostgresError
├── EmbeddedServerError      the embedded server cannot be installed, started or stopped
│   ├── DiskFull             as its disk is full
│   └── ServerStopped        it is not running, so it has no URL
│       └── NoCluster        nor was it ever started
├── RolesMissing             the embedded server has no role to work as yet
├── MalformedDatabaseAddress the address of the database cannot be read
├── DatabaseUnavailable      no connection to the database
├── DatabaseRefused          the database does not do what it was asked: a missing right, say
├── MirrorMismatch           the database belongs to another source than the one in use
├── NotPublished             there is no table of this dataset
├── CatalogueShrank          too many datasets would be withdrawn at once; nothing was recorded
├── NothingHeldBack          there is no release for a person to accept
├── RunIsDead                a run must not go on, as its lease was found expired
├── BulkLoadError            Parquet files were not loaded into a table; it is as it was before
├── MalformedScope           what was asked for as a scope is none of this table; nothing was done
├── FilesRefused             some Parquet files cannot be read, or are not what the others are; nothing was loaded
└── PublishError             one dataset was not published; its last good release is untouched
    ├── ConnectionLost       in the midst of it; worth another try, as the next two are
    ├── ReadersInTheWay      readers held the table for longer than we wait
    ├── AnotherLoader        another publication of this dataset would not end
    ├── NewerPublished       readers see a newer release already; nothing is left to do
    ├── MalformedTableName   the dataset code is no code, so it names no table
    ├── NotObservations      the Parquet file lacks what publishing needs
    ├── CountMismatch        the server stored another number of rows than the Parquet file has
    └── DependentsInTheWay   a dimension went that a view or policy depends on
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from eurostat_assets.model.characters import bounded
from eurostat_assets.model.messages import message


class InTheWay(Protocol):
    """A session that holds a lock; as text it says who that is, and what he does."""

    @property
    def pid(self) -> int: ...


LONGEST_NAME = 300
"""Characters of a path or a session's description in a list of them."""


class PostgresError(Exception):
    """Any failure of this room."""

    worth_retrying = False
    """Whether the same may succeed later, without anybody doing anything."""

    def __init__(self, text: str = "") -> None:
        """`text` may quote the server, files, and what users called their objects."""
        super().__init__(message(text))

    def __reduce__(self) -> tuple[object, ...]:
        """Errors are raised in workers, too, and each has its own arguments."""
        return _again, (type(self), self.args, self.__dict__)


def _again(
    kind: type[PostgresError], message: tuple[object, ...], attributes: dict[str, object]
) -> PostgresError:
    error = kind.__new__(kind)
    error.args = message
    error.__dict__.update(attributes)
    return error


class EmbeddedServerError(PostgresError):
    """The embedded server cannot do what it was asked; `log` is the end of what it said."""

    def __init__(self, message: str, log: str = "") -> None:
        super().__init__(f"{message}\n{log}".rstrip())
        self.log = log


class DiskFull(EmbeddedServerError):
    """The embedded server does not start, as the disk under `folder` has only so many bytes `free`."""

    worth_retrying = True

    def __init__(self, folder: Path, free: int) -> None:
        super().__init__(
            f"PostgreSQL cannot be started, as the disk under {folder} is full ({free / 1e6:,.1f} MB free): free some space"
            " there, then run this again. Nothing is lost; `eurostat-assets up` that is running starts it by itself"
        )
        self.folder = folder
        self.free = free


class ServerStopped(EmbeddedServerError):
    """Asked for something that only a running server has."""


class NoCluster(ServerStopped):
    """Asked for something that only a running server has, before the first start in this `home` folder."""

    def __init__(self, home: Path) -> None:
        super().__init__(
            f"there is no mirror in {home} yet: `eurostat-assets up` makes one of Eurostat's data, `eurostat-assets demo`"
            " one of invented data, and EUROSTAT_HOME names the folder of another"
        )


class RolesMissing(PostgresError):
    """The server of this `home` was started by a version that worked as its superuser, or was never initialised."""

    def __init__(self, home: Path) -> None:
        super().__init__(
            f"the database of {home} has no role eurostat_loader yet, or its password is lost: `eurostat-assets db init`"
            " makes both"
        )


class MalformedDatabaseAddress(PostgresError):
    """libpq cannot read the address; no part of it is shown, as any may be the password."""

    def __init__(self) -> None:
        super().__init__(
            "the address of the database cannot be read: write it as postgresql://user:password@host:5432/database"
        )


class DatabaseUnavailable(PostgresError):
    """No connection; `reason` is libpq's own sentence. The password is never part of the message."""

    worth_retrying = True

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"no connection to the database at {where}: {reason}")
        self.where = where
        self.reason = message(reason)


class DatabaseRefused(PostgresError):
    """The database at `where` said no; `reason` is its own sentence."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"the database at {where} refused: {reason}")
        self.where = where
        self.reason = message(reason)


class MirrorMismatch(PostgresError):
    """One database holds the data of one source: invented data never land beside real ones."""

    def __init__(self, database: str, claimed: str, wanted: str) -> None:
        super().__init__(
            f"database {database} mirrors {claimed} and cannot also mirror {wanted}: "
            "set EUROSTAT_API_URL to the source of this mirror, or EUROSTAT_HOME to another one"
        )
        self.database = database
        self.claimed = claimed
        self.wanted = wanted


class NotPublished(PostgresError):
    """Nothing of `dataset` was ever published here."""

    def __init__(self, dataset: str) -> None:
        super().__init__(f"{dataset} is not published here; `eurostat-assets sync {dataset}` publishes it")
        self.dataset = dataset


class CatalogueShrank(PostgresError):
    """`gone` of the `known` datasets are missing, more than the share that `may` go at once."""

    worth_retrying = True

    def __init__(self, known: int, gone: Sequence[str], may: float) -> None:
        super().__init__(
            f"{len(gone)} of the {known} datasets of the theme are missing from Eurostat's catalogue ({listed(gone, 5)}): "
            f"more than {may:.0%} at once is taken for a broken catalogue, so nothing was withdrawn. If they are really "
            "gone, or the theme was changed on purpose, run `eurostat-assets sweep --accept-shrinking`"
        )
        self.known = known
        self.gone = list(gone)


class NothingHeldBack(PostgresError):
    """There is no release of `dataset` to accept: no check failed, or `damaged` ones did, which nobody can accept."""

    def __init__(self, dataset: str, damaged: Sequence[str] = ()) -> None:
        why = (
            f"{listed(damaged)} failed: a file is damaged or cannot be read, which nobody can accept; "
            "it is fetched again by itself"
            if damaged
            else "no check holds back a release of it, or there is no such dataset here (`eurostat-assets status --all`)"
        )
        super().__init__(f"{dataset}: {why}")
        self.dataset = dataset
        self.damaged = list(damaged)


class RunIsDead(PostgresError):
    """The lease of `run_id` had expired before its process asked for it."""

    def __init__(self, run_id: str) -> None:
        super().__init__(
            f"run {run_id} took too long to start and was taken for dead; another one follows by itself"
        )
        self.run_id = run_id


class BulkLoadError(PostgresError):
    """Nothing was loaded into `table`: `reason`."""

    def __init__(self, table: str, reason: str) -> None:
        super().__init__(f"nothing was loaded into {table}: {reason}")
        self.table = table
        self.reason = message(reason)


class MalformedScope(PostgresError):
    """`scope` is not of the form that is read, or does not fit the table: `reason`. Told before anything is done."""

    def __init__(self, scope: str, reason: str) -> None:
        super().__init__(f"nothing was done, as the scope {scope!r} cannot be used: {reason}")
        self.scope = scope
        self.reason = message(reason)


class FilesRefused(PostgresError):
    """`paths` cannot be loaded: `reason`. Told before anything is loaded."""

    def __init__(self, paths: Sequence[Path], reason: str) -> None:
        super().__init__(f"nothing was loaded because of {listed([str(path) for path in paths])}: {reason}")
        self.paths = list(paths)
        self.reason = message(reason)


class PublishError(PostgresError):
    """`dataset` was not published: `reason`. What readers see has not changed."""

    def __init__(self, dataset: str, reason: str) -> None:
        super().__init__(f"{dataset} was not published: {reason}")
        self.dataset = dataset
        self.reason = message(reason)


class ConnectionLost(PublishError):
    """The server went away, or threw us out, in the midst of a publication."""

    worth_retrying = True


class MalformedTableName(PublishError):
    """What is no dataset code by the one rule (model/codes.py) names no table."""

    def __init__(self, dataset: str, why: str) -> None:
        super().__init__(repr(dataset), why)


class NotObservations(PublishError):
    """The file is no Parquet, has no dataset code, is another dataset's or has an unsupported column."""


class CountMismatch(PublishError):
    """The counts that had to be equal."""

    def __init__(self, dataset: str, loaded: int, expected: int) -> None:
        super().__init__(
            dataset, f"the server loaded {loaded:,} rows where the Parquet file has {expected:,}"
        )
        self.loaded = loaded
        self.expected = expected


class DependentsInTheWay(PublishError):
    """`column` is gone from the source, and `dependents` (the server's own list) need it."""

    def __init__(self, dataset: str, column: str, dependents: str) -> None:
        super().__init__(
            dataset,
            f"its new release has no column {column!r}, which others depend on:\n{dependents}\n"
            "Change or drop those, or publish with keep_dependents, which keeps the column, with nulls",
        )
        self.column = column
        self.dependents = dependents


class ReadersInTheWay(PublishError):
    """`readers` are the sessions (blockers.py) that had the table locked at the end."""

    worth_retrying = True

    def __init__(self, dataset: str, seconds: float, readers: Sequence[InTheWay]) -> None:
        super().__init__(dataset, in_the_way("its table", seconds, readers))
        self.readers = list(map(str, readers))


class AnotherLoader(PublishError):
    """One loader at a time per dataset."""

    worth_retrying = True

    def __init__(self, dataset: str, seconds: float, holder: str) -> None:
        who = f": {holder}" if holder else ""
        super().__init__(dataset, f"another loader has been publishing it for more than {seconds:g} s{who}")


class NewerPublished(PublishError):
    """Readers see the release `published`, which is newer than `release`, the one to publish."""

    def __init__(self, dataset: str, release: str, published: str) -> None:
        super().__init__(
            dataset,
            f"the release {release} is older than {published}, which another run published meanwhile. Nothing is left to do",
        )
        self.release = release
        self.published = published


def in_the_way(what: str, seconds: float, sessions: Sequence[InTheWay]) -> str:
    """Return who held `what` for so many seconds, and how a person ends that; a sentence without its end."""
    if not sessions:
        return f"other sessions held {what} again and again for {seconds:g} s, and have ended by now: run it again"
    who = listed([str(session) for session in sessions])
    return (
        f"other sessions held {what} for {seconds:g} s: {who}. Ask whose they are to end them, or end one with"
        f" `SELECT pg_terminate_backend({sessions[0].pid})` as the owner of the database, or let"
        " EUROSTAT_END_BLOCKING_SESSIONS_AFTER do so; then run it again"
    )


def listed(names: Sequence[str], most: int = 20) -> str:
    """`names` joined for a message, shortened after `most`."""
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(bounded(name, LONGEST_NAME) for name in names[:most]) + rest
