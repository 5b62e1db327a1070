"""`eurostat-assets web-password`: the password of UI and metrics, for those who have no proxy with a login before it."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated

import typer

from eurostat_assets.cli.terminal import console, shown


def web_password(
    file: Annotated[Path, typer.Argument(help="Where to keep the user name and the hashed password.")],
    user: Annotated[str, typer.Option(help="The user name; by default, whoever is logged in here.")] = "",
    password: Annotated[
        str,
        typer.Option(
            prompt=True, hide_input=True, confirmation_prompt=True, help="Asked for where it is not given."
        ),
    ] = "",
) -> None:
    """Set the user name and password of UI and metrics, kept as a hash in a file that only you can read.

    Both ask for them once EUROSTAT_WEB_PASSWORD_FILE names the file.
    """
    from eurostat_assets.web.password import hash_password

    name = user or getpass.getuser()
    if ":" in name or not name.isprintable():
        raise typer.BadParameter("a user name has no colon and no control characters", param_hint="--user")
    if not password:
        raise typer.BadParameter("an empty password protects nothing", param_hint="--password")
    file.touch(mode=0o600)
    file.chmod(0o600)
    file.write_text(f"{name}:{hash_password(password)}\n", encoding="utf-8")
    console.print(
        f"UI and metrics ask for {shown(name)} and this password once EUROSTAT_WEB_PASSWORD_FILE={shown(file.absolute())}"
        " is set and they were started again.",
        soft_wrap=True,
        highlight=False,
    )
