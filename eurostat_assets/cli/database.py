"""`eurostat-assets db …`: the PostgreSQL server that comes with the project."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich import print as say

app = typer.Typer(help="The embedded PostgreSQL server of this mirror.", no_args_is_help=True)


PasswordFile = Annotated[
    Path | None, typer.Option(help="File whose text is the role's password.", exists=True)
]


@app.command()
def start() -> None:
    """Start the server (if it is not), create both databases, and write .env for plain `dg dev` / `dagster dev`."""
    from eurostat_assets import launcher, resources, settings

    knobs = settings.load()
    launcher.start_databases(knobs)
    launcher.prepare_dagster(knobs)
    written = _write_env(resources.dagster_environment(knobs))
    say(
        f"PostgreSQL runs; the mirror is the database [bold]{resources.MIRROR_DATABASE}[/]. {written} is up to date."
    )
    say(
        "Now `dg dev` or `dagster dev` work here too. `eurostat-assets db url` prints the address, with its password."
    )


@app.command()
def init(
    loader_password_file: PasswordFile = None,
    reader_password_file: PasswordFile = None,
) -> None:
    """Make databases, tables and the roles eurostat_owner, eurostat_loader, eurostat_reader; safe to run again.

    A role with a password file can log in; without one it is a group: GRANT eurostat_reader TO alice.
    """
    from eurostat_assets import launcher, resources, settings
    from eurostat_assets.postgres.roles import initialise_roles

    knobs = settings.load()
    launcher.start_databases(knobs)
    launcher.prepare_dagster(knobs)
    initialise_roles(
        resources.database_url(knobs, resources.MIRROR_DATABASE),
        loader_password=_password(loader_password_file),
        reader_password=_password(reader_password_file),
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
        typer.echo(f"PostgreSQL runs on port {state.port} as process {state.pid} of user {state.user}.")
        typer.echo(f"Its data are in {state.data}.")
    elif server.exists:
        typer.echo(f"PostgreSQL does not run; its data are in {state.data}.")
    else:
        typer.echo(f"There is no database in {server.folder.parent} yet.")
    raise typer.Exit(0 if state.running else 1)


@app.command()
def url(
    dagster: bool = typer.Option(False, "--dagster", help="The address of Dagster's own database instead."),
) -> None:
    """Print the mirror's address for psql, pandas or Power BI. It contains the password."""
    from eurostat_assets import resources, settings

    name = resources.DAGSTER_DATABASE if dagster else resources.MIRROR_DATABASE
    typer.echo(resources.database_url(settings.load(), name))


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


def _write_env(variables: dict[str, str]) -> Path:
    """Put the variables into .env of the working folder, leaving every other line as it is; readable by the owner only."""
    path = Path(".env")
    lines = path.read_text().splitlines() if path.exists() else []
    kept = [line for line in lines if line.split("=", 1)[0].strip() not in variables]
    path.touch(mode=0o600)
    path.write_text("\n".join([*kept, *(f"{name}={value}" for name, value in variables.items())]) + "\n")
    path.chmod(0o600)
    return path
