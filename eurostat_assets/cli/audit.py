"""`eurostat-assets audit`: is every published table what its Parquet file is, and does everything belong somewhere?"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from eurostat_assets.cli.progress import count_bar
from eurostat_assets.cli.terminal import console, shown

if TYPE_CHECKING:
    from eurostat_assets.auditing import Report
    from eurostat_assets.resources import Mirror

COLOURS = {"error": "red", "warning": "yellow"}


def audit(
    codes: Annotated[list[str] | None, typer.Argument(help="Dataset codes; none: the whole mirror.")] = None,
    deep: Annotated[
        bool, typer.Option("--deep", help="Compare every table by checksum, not only suspicious ones.")
    ] = False,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair",
            help="Publish the Parquet file again where a table differs, or read the raw file again.",
        ),
    ] = False,
) -> None:
    """Compare published tables with their Parquet files, and find orphaned tables and files. Exit code 1 on errors.

    A table that nobody wrote to since it was last compared is only looked at:
    its rows are counted, and the transaction that wrote them is checked.
    Warnings (totals that do not fit their parts, leftovers) do not change the
    exit code.
    """
    from eurostat_assets import launcher, postgres, resources, settings
    from eurostat_assets.eurostat import check_code

    knobs = settings.load()
    wanted = [check_code(code) for code in codes] if codes else None
    server = resources.embedded_server(knobs)
    if server and not server.exists:
        raise postgres.NoCluster(knobs.home)
    launcher.start_databases(knobs)
    mirror = resources.Mirror(knobs, fills=False)
    report = _audited(mirror, wanted, deep)
    _tell(report)
    if repair and _repaired(mirror, report):
        report = _audited(mirror, wanted, deep=False)
        _tell(report)
    raise typer.Exit(1 if any(finding.severity == "error" for finding in report.findings) else 0)


def _audited(mirror: Mirror, codes: list[str] | None, deep: bool) -> Report:
    from eurostat_assets import auditing

    with count_bar("Auditing", 0) as show:
        return auditing.audit(
            mirror, codes, deep=deep, on_dataset=lambda done, of, dataset: show(done, dataset, of)
        )


def _tell(report: Report) -> None:
    for finding in report.findings:
        colour = COLOURS[finding.severity]
        console.print(
            f"[{colour}]{finding.kind}[/] {shown(finding.sentence)}", soft_wrap=True, highlight=False
        )
    if report.not_looked_at:
        console.print(f"Not looked at: {shown(report.not_looked_at)}.", soft_wrap=True, highlight=False)
    looked = len(report.audited) - report.compared
    console.print(
        f"{_count(len(report.audited), 'table')} audited in {report.seconds:.1f} s, {_count(report.rows, 'row')}:"
        f" {report.compared} by checksum, {looked} by row count and transaction;"
        f" {_count(len(report.findings), 'finding')} in what was compared now. All that are open: eurostat-assets report"
    )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun if number == 1 else noun + 's'}"


def _repaired(mirror: Mirror, report: Report) -> bool:
    """Repair what can be; returns whether there was anything."""
    import dagster as dg

    from eurostat_assets import child_processes, launcher
    from eurostat_assets.command_runs import SECONDS_TO_STOP
    from eurostat_assets.repairing import repair, repairable

    remedies = repairable(report.findings)
    if not remedies:
        console.print("Nothing of this can be repaired from the store.")
        return False
    launcher.prepare_dagster(mirror.settings)
    child_processes.end_soon_after_interrupt(SECONDS_TO_STOP)
    with (
        dg.DagsterInstance.get() as instance,
        count_bar("Repairing", len(remedies)) as show,
        closing(repair(mirror.settings, instance, remedies)) as repairs,
    ):
        for done, (code, problem) in enumerate(repairs, start=1):
            if problem:
                console.print(f"[red]{code}[/] {shown(problem)}", soft_wrap=True, highlight=False)
            show(done, code)
    return True
