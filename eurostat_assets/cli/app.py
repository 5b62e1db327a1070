"""The command line as a whole: which commands there are, and how an error becomes a sentence and an exit code.

Exit codes: 0 success; 1 something failed (a dataset, files that cannot be loaded, a step of the demo); 2 wrong
usage; 3 Eurostat could not be reached or refused; 4 the database is down or refused.

Modules of commands import nothing at their top but the standard library, typer and rich; what a command works with is
imported when it runs. So `--help` and shell completion need no Dagster, Arrow or database driver.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from typing import Annotated

import typer

from eurostat_assets.cli import (
    accept,
    audit,
    convert,
    database,
    demo,
    doctor,
    load,
    mirror,
    report,
    run,
    sandbox,
    status,
    watch,
    web_password,
)
from eurostat_assets.cli.terminal import complaint, say, shown
from eurostat_assets.model.messages import message

app = typer.Typer(
    name="eurostat-assets",
    help="Keep a theme of Eurostat mirrored, checked and queryable on your own machine.",
    epilog="Exit codes: 0 success; 1 something failed; 2 wrong usage; 3 Eurostat unreachable or refusing; 4 database"
    " unavailable or refusing.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command()(demo.demo)
app.command()(run.up)
app.command()(run.down)
app.command()(status.status)
app.command()(mirror.sweep)
app.command()(mirror.sync)
app.command()(mirror.catalogue)
app.command()(mirror.sizes)
app.command()(report.report)
app.command()(accept.accept)
app.command()(audit.audit)
app.command()(watch.healthz)
app.command()(doctor.doctor)
app.command()(web_password.web_password)
app.command()(watch.alarms)
app.command()(watch.freshness)
app.command()(watch.metrics)
app.command()(convert.convert)
app.command()(load.load_parquet)
app.command()(mirror.settings)
app.add_typer(database.app, name="db")
app.add_typer(sandbox.app, name="sandbox")


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        say(f"eurostat-assets {version('eurostat-assets')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Take the options that stand before a command."""
    del version  # printed already
    if not {"--help", "--show-completion", "--install-completion"} & set(sys.argv):
        _warn_of_misspelt_settings()


def main() -> None:
    """Run the command line; the process' exit code says how it went."""
    signal.signal(signal.SIGTERM, _as_keyboard_interrupt)
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        _explain_settings(error)
        if isinstance(error, OSError) and error.strerror:  # a file of the user's, a full disk, a port
            complaint.print(f"[red]{shown(_of_the_system(error))}[/]", soft_wrap=True, highlight=False)
            sys.exit(1)
        code = _exit_code(error)
        if code is None:
            if said := _of_the_database(error):
                complaint.print(f"[red]{shown(said)}[/]", soft_wrap=True, highlight=False)
                sys.exit(4)
            raise
        complaint.print(f"[red]{shown(message(error))}[/]", soft_wrap=True, highlight=False)
        sys.exit(code)


def _warn_of_misspelt_settings() -> None:
    """Say which variables begin like a setting and are none, as nothing else would come of them."""
    from eurostat_assets import environment

    given = {**environment.of_file(), **os.environ}
    if not any(name.upper().startswith("EUROSTAT_") for name in given):
        return
    from eurostat_assets.settings import unknown_variables

    for name, nearest in unknown_variables(given).items():
        meant = f"did you mean {nearest}?" if nearest else "`eurostat-assets settings` lists them."
        complaint.print(
            f"[yellow]{shown(name)}[/] is not a setting and changes nothing; {meant}",
            soft_wrap=True,
            highlight=False,
        )


def _explain_settings(error: Exception) -> None:
    """Exit with one sentence per setting that is wrong, if that is what the error is about."""
    from pydantic import ValidationError

    from eurostat_assets.environment import UnreadableFile

    if isinstance(error, UnreadableFile):
        complaint.print(f"[red]{shown(str(error))}[/]", soft_wrap=True, highlight=False)
        sys.exit(2)
    if not isinstance(error, ValidationError):
        return
    for problem in error.errors():
        setting = "EUROSTAT_" + "_".join(str(part) for part in problem["loc"]).upper()
        name = (
            f"[red]{setting}[/]: " if problem["loc"] else ""
        )  # settings that contradict each other name themselves
        said = problem["msg"].removeprefix("Value error, ")
        complaint.print(f"{name}{shown(message(said))}", soft_wrap=True, highlight=False)
    sys.exit(2)


def _of_the_system(error: OSError) -> str:
    """Return what the operating system refused, for which file, and what helps where that is known."""
    said = f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror)
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return f"{said}: the disk is full. Free some space, then run this again." if full else said


def _of_the_database(error: BaseException | None) -> str | None:
    """What the database said to Dagster, in a sentence; None where an error does not come from there."""
    import psycopg2

    from eurostat_assets.postgres.connection import reason

    while error is not None:
        if isinstance(error, psycopg2.Error):
            return f"Dagster's database refused: {reason(error)}"
        error = error.__cause__ or error.__context__
    return None


def _exit_code(error: Exception) -> int | None:
    """The exit code of an error that explains itself, None for one that does not."""
    from eurostat_assets.alarms import AlarmError
    from eurostat_assets.audit import AuditError
    from eurostat_assets.eurostat import EurostatError, MalformedCode
    from eurostat_assets.jsonstat import JsonStatError
    from eurostat_assets.launcher import LauncherError
    from eurostat_assets.ports import PortTaken
    from eurostat_assets.postgres import CatalogueShrank, PostgresError
    from eurostat_assets.postgres.errors import (
        BulkLoadError,
        FilesRefused,
        MalformedDatabaseAddress,
        MalformedScope,
        NothingHeldBack,
        NotPublished,
    )
    from eurostat_assets.processes import AlreadyRunning
    from eurostat_assets.sandbox.errors import SandboxError
    from eurostat_assets.web import PasswordFileError

    by_kind = {
        MalformedCode: 2,
        MalformedDatabaseAddress: 2,
        EurostatError: 3,
        BulkLoadError: 1,
        FilesRefused: 1,
        NotPublished: 1,
        NothingHeldBack: 1,
        CatalogueShrank: 1,
        MalformedScope: 2,
        PostgresError: 4,  # all others
        JsonStatError: 1,
        AuditError: 1,
        LauncherError: 1,
        AlreadyRunning: 1,
        PortTaken: 1,
        SandboxError: 1,
        AlarmError: 2,
        PasswordFileError: 2,
    }
    return next((code for kind, code in by_kind.items() if isinstance(error, kind)), None)


def _as_keyboard_interrupt(*_: object) -> None:
    raise KeyboardInterrupt
