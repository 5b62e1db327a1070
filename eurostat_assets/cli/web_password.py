"""`eurostat-assets web-password`: the password of UI and metrics, for those who have no proxy with a login before it."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated

import typer

from eurostat_assets.cli.terminal import console, shown

SHORTEST = 8


def web_password(
    file: Annotated[Path, typer.Argument(help="Where to keep the user name and the hashed password.")],
    user: Annotated[str, typer.Option(help="The user name; by default, whoever is logged in here.")] = "",
) -> None:
    """Set the user name and password of UI and metrics, kept as a hash in a file that only you can read.

    The password is asked for, or read from standard input, and is no option:
    everybody on the machine can read command lines. Both ask for it once
    EUROSTAT_WEB_PASSWORD_FILE names the file.
    """
    from eurostat_assets.web.password import Password, PasswordFileError, hash_password

    name = user or getpass.getuser()
    if ":" in name or not name.isprintable():
        raise typer.BadParameter("a user name has no colon and no control characters", param_hint="--user")
    if not file.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {file.parent}", param_hint="FILE")
    if file.exists():
        try:
            Password.read(file)  # what else it may be is not overwritten
        except PasswordFileError as error:
            raise typer.BadParameter(f"{error} Or name another file.", param_hint="FILE") from error
    password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    if len(password) < SHORTEST:
        raise typer.BadParameter(f"the password has fewer than {SHORTEST} characters", param_hint="Password")
    file.touch(mode=0o600)
    file.chmod(0o600)
    file.write_text(f"{name}:{hash_password(password)}\n", encoding="utf-8")
    console.print(
        f"User name: {shown(name)}. Set EUROSTAT_WEB_PASSWORD_FILE={shown(file.absolute())} and start UI and metrics again.",
        soft_wrap=True,
        highlight=False,
    )
