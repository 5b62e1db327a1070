"""Dagster's webserver behind the guard of `web/`: `python -m eurostat_assets.webserver`, with dagster-webserver's options.

Here belongs the joining of the two. What Dagster's webserver does is its own.
"""

from __future__ import annotations

import sys
from typing import Any

from dagster_webserver import cli
from dagster_webserver.app import create_app_from_workspace_process_context
from starlette.types import ASGIApp

from eurostat_assets import settings as settings_module
from eurostat_assets.settings import Settings
from eurostat_assets.web import Password, Policy
from eurostat_assets.web.guard import Guard

HEALTH = "/server_info"  # versions only; asked by the launcher and by container health checks


def policy(settings: Settings) -> Policy:
    """Return what this deployment lets through. Raises PasswordFileError."""
    return Policy(
        hosts=frozenset(name.lower() for name in settings.web_hosts),
        open_paths=frozenset({HEALTH}),
        graphql="/graphql",
        password=Password.read(settings.web_password_file) if settings.web_password_file else None,
    )


def main() -> None:
    """Serve the UI until interrupted; the options are those of `dagster-webserver`."""
    settings = settings_module.load()
    guarded = policy(settings)

    def create_guarded_app(*arguments: Any, **options: Any) -> ASGIApp:
        return Guard(create_app_from_workspace_process_context(*arguments, **options), guarded)

    # The one place where Dagster makes its ASGI application; it offers no other way to wrap it.
    setattr(cli, create_app_from_workspace_process_context.__name__, create_guarded_app)
    if settings.web_read_only and "--read-only" not in sys.argv:
        sys.argv.append("--read-only")
    cli.main()


if __name__ == "__main__":
    main()
