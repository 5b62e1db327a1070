"""`eurostat-assets db …`: the PostgreSQL server that comes with the project."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from eurostat_assets.cli.terminal import say

app = typer.Typer(help="The embedded PostgreSQL server of this mirror.", no_args_is_help=True)


PasswordFile = Annotated[
    Path | None, typer.Option(help="File whose text is the role's password.", exists=True)
]


@app.command()
def start() -> None:
    """Start the server (if it is not) and create both databases. It runs until `db stop`; `dg dev` finds it by its home."""
    from eurostat_assets import launcher, resources, settings

    knobs = settings.load()
    launcher.start_databases(knobs)
    launcher.prepare_dagster(knobs)
    say(
        f"PostgreSQL runs; the mirror is the database `{resources.MIRROR_DATABASE}`."
        " `eurostat-assets db url` prints the address to read it."
    )
    say(
        f"`dg dev`, `dagster dev` and every `eurostat-assets` use it wherever EUROSTAT_HOME is {knobs.home}:"
        " in the environment, else in .env of the working folder, else by default."
    )


@app.command()
def init(
    loader_password_file: PasswordFile = None,
    reader_password_file: PasswordFile = None,
    dedicated: Annotated[
        bool,
        typer.Option(
            "--dedicated",
            help="The server serves this mirror alone: take from PUBLIC what readers do not need.",
        ),
    ] = False,
) -> None:
    """Make databases, tables and the roles eurostat_owner, eurostat_loader, eurostat_reader; safe to run again.

    `up` and `demo` do this as well. The reader can log in, with the password
    of the file or a generated one (`db url`); the loader can once it has a
    password file. Either can be granted to others: GRANT eurostat_reader TO
    alice.
    """
    from eurostat_assets import access, launcher, settings

    loaded = settings.load()
    launcher.start_databases(loaded)
    launcher.prepare_dagster(loaded)
    access.initialise(
        loaded,
        loader_password=_password(loader_password_file),
        reader_password=_password(reader_password_file),
        dedicated=dedicated,
    )
    say("Databases, tables and roles are there; eurostat_reader may read every table, present and future.")


@app.command()
def stop() -> None:
    """Stop the server; data stay."""
    server = _server()
    running = server.status().running
    server.stop()
    say("Stopped; the data stay." if running else "It was not running.")


@app.command()
def status() -> None:
    """Whether the server runs, where, and which version. Exit code 1 when it does not run."""
    server = _server()
    state = server.status()
    if state.running:
        say(f"PostgreSQL runs on port {state.port} as process {state.pid} of user {state.user}.")
        say(f"Its data are in {state.data}.")
    elif server.exists:
        say(f"PostgreSQL does not run; its data are in {state.data}.")
    else:
        say(f"There is no database in {server.folder.parent} yet.")
    raise typer.Exit(0 if state.running else 1)


@app.command()
def url(
    admin: Annotated[
        bool, typer.Option("--admin", help="The administrator's address, which may do everything.")
    ] = False,
    dagster: Annotated[
        bool, typer.Option("--dagster", help="The administrator's address of Dagster's own database instead.")
    ] = False,
) -> None:
    """Print the address to read the mirror with psql, pandas or Power BI. It contains the reader's password."""
    from eurostat_assets import access, resources, settings

    loaded = settings.load()
    if admin or dagster:
        name = resources.DAGSTER_DATABASE if dagster else resources.MIRROR_DATABASE
        say(resources.owner_url(loaded, name))
    else:
        say(access.reader_url(loaded))


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def shell(
    context: typer.Context,
    admin: Annotated[
        bool, typer.Option("--admin", help="As the administrator, who may do everything.")
    ] = False,
) -> None:
    """Open psql on the mirror, as the reader. What follows goes to psql: `db shell -c "SELECT …"`."""
    from urllib.parse import unquote, urlsplit, urlunsplit

    from eurostat_assets import access, resources, settings
    from eurostat_assets.postgres.connection import NO_PLAIN_PASSWORD

    program = access.psql()
    if program is None:
        raise typer.BadParameter(
            "psql is not installed; the package postgresql-client of your system brings it. "
            "`eurostat-assets db url` prints the address for any other client."
        )
    loaded = settings.load()
    address = resources.owner_url(loaded, resources.MIRROR_DATABASE) if admin else access.reader_url(loaded)
    parts = urlsplit(address)
    # Not among the arguments, where everybody on this machine could see it.
    environment = {"PGPASSWORD": unquote(parts.password)} if parts.password else {}
    if resources.embedded_server(loaded):
        environment["PGREQUIREAUTH"] = NO_PLAIN_PASSWORD
        if admin:
            # No schema called like the superuser, and pg_temp last. Not elsewhere: PgBouncer refuses startup options.
            environment["PGOPTIONS"] = "-c search_path=public,pg_temp"
    user, _, place = parts.netloc.rpartition("@")
    netloc = f"{user.partition(':')[0]}@{place}" if user else place
    command = [str(program), urlunsplit(parts._replace(netloc=netloc)), *context.args]
    os.execve(program, command, {**os.environ, **environment})


def _password(file: Path | None) -> str | None:
    return file.read_text().strip() if file else None


def _server():
    from eurostat_assets import resources, settings

    server = resources.embedded_server(settings.load())
    if server is None:
        raise typer.BadParameter(
            "EUROSTAT_DATABASE_URL names a server of your own; the embedded one is not used."
        )
    return server
