"""`eurostat-assets healthz|alarms|freshness|metrics`: whether all is well, for people, cron, containers and Prometheus."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.table import Table

from eurostat_assets.cli.status import behind_sentence
from eurostat_assets.cli.terminal import console, say, shown
from eurostat_assets.model.messages import message

if TYPE_CHECKING:
    import dagster as dg

    from eurostat_assets.metrics import Books
    from eurostat_assets.settings import Settings
    from eurostat_assets.watching import Seen

COLOURS = {"alarm": "red", "notice": "yellow"}


def healthz(
    as_json: Annotated[bool, typer.Option("--json", help="Say it as JSON.")] = False,
    tell: Annotated[
        bool, typer.Option("--tell", help="Also send alarms and all-clears, each once per incident.")
    ] = False,
    every: Annotated[
        float, typer.Option(min=0, help="Look again every so many seconds, until stopped. 0: once.")
    ] = 0,
    daemon: Annotated[
        bool,
        typer.Option("--daemon", help="Only whether daemon and database live: a container's own health."),
    ] = False,
) -> None:
    """Check the mirror from outside the daemon, and list what is wrong. Exit code 1 when something is.

    Looks for a dead daemon, stopped or failing sensors, a silent feed, a
    database that is down, failed and late datasets, releases held back,
    audit findings and full disks.
    """
    from eurostat_assets import resources, settings, watching

    knobs = settings.load()
    while True:
        # Anew each time: the database may have gone, or come back at another port.
        mirror = resources.Mirror(knobs, fills=False)
        with _dagster(knobs) as (instance, trouble):
            seen = watching.look(mirror, instance, trouble=trouble)
        if daemon:
            seen = seen.only("daemon_dead", "database_down")
        done = watching.tell(mirror, seen) if tell else []
        _show(seen, done, as_json=as_json)
        if not every:
            raise typer.Exit(0 if seen.well else 1)
        time.sleep(every)


def alarms(
    test: Annotated[bool, typer.Option("--test", help="Send a test message through every channel.")] = False,
    closed: Annotated[int, typer.Option(min=0, help="Also so many incidents that are over.")] = 20,
) -> None:
    """List open and recent incidents, and whether the alarm channels work."""
    from eurostat_assets import postgres, resources, settings, watching

    knobs = settings.load()
    if test:
        _test(knobs)
        return
    database = resources.Mirror(knobs, fills=False).database
    table = Table("since (UTC)", "until (UTC)", "what", "subject", "sentence")
    for one in postgres.incidents(database, closed=closed):
        colour = "dim" if one.closed_at else COLOURS[one.severity]
        what = f"[{colour}]{one.kind}[/]"
        table.add_row(
            _moment(one.opened_at), _moment(one.closed_at), what, shown(one.subject), shown(one.sentence)
        )
    console.print(table if table.rows else "There is no incident.")
    known = {one.channel: one for one in postgres.alarm_channels(database)}
    for channel in watching.channels(knobs):
        state = known.get(channel.name)
        if state and state.error:
            console.print(f"[red]{channel.name}: failing: {shown(state.error)}[/]", soft_wrap=True)
        else:
            told = f"last message {_moment(state.told_at)} UTC" if state else "no message yet"
            console.print(f"{channel.name}: {told}")


def freshness(
    worst: Annotated[int, typer.Option(min=1, help="So many datasets, those furthest behind first.")] = 20,
    all_: Annotated[bool, typer.Option("--all", help="Also those that are not behind.")] = False,
) -> None:
    """Show how far each dataset is behind Eurostat's newest release, worst first."""
    from eurostat_assets import postgres, resources, settings

    now = datetime.now(UTC)
    database = resources.Mirror(settings.load(), fills=False).database
    every = postgres.freshness(database)
    behind = [one for one in every if one.behind_since]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for header in ("dataset", "state", "behind for", "newest at Eurostat", "release here"):
        table.add_column(header, no_wrap=True)
    for one in (every if all_ else behind)[:worst]:
        lag = _span(one.lag(now)) if one.behind_since else ""
        table.add_row(one.dataset, one.state, lag, _moment(one.offered_at), _moment(one.released_at))
    if table.rows:
        console.print(table)
    console.print(behind_sentence(postgres.states(database).values()))


def metrics(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the endpoint /metrics.")] = 9464,
    address: Annotated[str, typer.Option(help="Address it listens at.")] = "127.0.0.1",
    once: Annotated[
        Path | None,
        typer.Option(
            help="Write this text file instead (*.prom, for node_exporter; - for standard output), and end."
        ),
    ] = None,
) -> None:
    """Serve the mirror's metrics to Prometheus: states, rows, bytes, lag, failures, incidents, durations."""
    from eurostat_assets import measuring, resources, settings
    from eurostat_assets.metrics import exposition
    from eurostat_assets.web import Password

    knobs = settings.load()

    def read() -> Books:
        return measuring.books(resources.Mirror(knobs, fills=False))

    if once == Path("-"):
        typer.echo(exposition.text(read), nl=False)
        return
    if once:
        exposition.write(read, once)
        return
    password = Password.read(knobs.web_password_file) if knobs.web_password_file else None
    try:
        with exposition.serve(read, port, address, knobs.web_hosts, password) as taken:
            console.print(f"Metrics are at http://{address}:{taken}/metrics until Ctrl-C.")
            while True:
                time.sleep(3600)
    except OSError as error:
        raise typer.BadParameter(f"{address}:{port}: {error.strerror}", param_hint="--port") from error


@contextmanager
def _dagster(knobs: Settings) -> Iterator[tuple[dg.DagsterInstance | None, str]]:
    """Dagster's instance; or None, and why there is none."""
    import dagster as dg

    from eurostat_assets import launcher, resources

    try:
        os.environ.update(resources.dagster_environment(knobs))
        os.environ["DAGSTER_HOME"] = str(launcher.dagster_home(knobs))
        instance = dg.DagsterInstance.get()
    except Exception as error:  # noqa: BLE001 (it says what is wrong, which is what this is for)
        yield None, message(str(error).strip().partition("\n")[0])
        return
    with instance:
        yield instance, ""


def _test(knobs: Settings) -> None:
    from eurostat_assets import watching
    from eurostat_assets.alarms import ChannelFailed, Message

    failed = False
    message = Message(f"[Eurostat Assets, {knobs.theme}] Test", ("This is a test; nothing is wrong.",))
    for channel in watching.channels(knobs):
        try:
            channel.send(message)
            console.print(f"{channel.name}: sent")
        except ChannelFailed as error:
            failed = True
            console.print(f"[red]{channel.name}: {shown(error.reason)}[/]", soft_wrap=True)
    raise typer.Exit(1 if failed else 0)


def _show(seen: Seen, done: list[str], *, as_json: bool) -> None:
    wrong = sorted(seen.conditions)
    if as_json:
        told = [
            {"kind": one.kind, "subject": one.subject, "sentence": one.sentence, "severity": one.severity}
            for one in wrong
        ]
        say(json.dumps({"healthy": seen.well, "wrong": told, "told": done}, ensure_ascii=False))
        return
    for one in wrong:
        console.print(f"[{COLOURS[one.severity]}]{one.kind}[/] {shown(one.sentence)}", soft_wrap=True)
    if not wrong:
        console.print("Nothing is wrong.")
    for sentence in done:
        console.print(shown(sentence), soft_wrap=True)


def _moment(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}" if moment else ""


def _span(seconds: float) -> str:
    for unit, name in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.1f} {name}"
    return f"{seconds:.0f} seconds"
