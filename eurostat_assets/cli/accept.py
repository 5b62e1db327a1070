"""`eurostat-assets accept`: publish a release that a check held back."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from eurostat_assets.cli.terminal import console, shown


def accept(
    dataset: Annotated[str, typer.Argument(help="The dataset's code.")],
    reason: Annotated[
        str, typer.Option(help="Why it is right all the same; kept, and shown with the checks.")
    ],
    by: Annotated[str, typer.Option(help="Who says so; by default, whoever is logged in here.")] = "",
) -> None:
    """Publish the latest release of a dataset despite failed checks.

    Only this release and the checks that failed are accepted. Its next run,
    which follows by itself, publishes it.
    """
    from eurostat_assets import postgres, resources, settings
    from eurostat_assets.eurostat import check_code
    from eurostat_assets.quality.judging import NEVER_FORGIVEN

    if not reason.strip():
        raise typer.BadParameter("say why", param_hint="--reason")
    code = check_code(dataset)
    database = resources.Mirror(settings.load(), fills=False).database
    accepted = postgres.accept(database, code, reason.strip(), by or getpass.getuser(), never=NEVER_FORGIVEN)
    console.print(
        f"{code}: release {accepted.release} is accepted by {shown(accepted.accepted_by)} although"
        f" {', '.join(accepted.checks)} failed. Its next run publishes it; at once: eurostat-assets sync {code}",
        soft_wrap=True,
    )
