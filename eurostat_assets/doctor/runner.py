"""One run of the doctor: the answers, what they say of the contract, and the checks of this machine."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

from eurostat_assets import loopback
from eurostat_assets.doctor.collecting import Answers, Progress, collect
from eurostat_assets.doctor.contract import Case, judge
from eurostat_assets.doctor.exchange import Exchange
from eurostat_assets.doctor.machine import Machine, examine
from eurostat_assets.doctor.verdict import Verdict
from eurostat_assets.eurostat import Eurostat, EurostatError, Gate, Theme
from eurostat_assets.eurostat.inventory import parse_inventory
from eurostat_assets.eurostat.toc import parse_toc
from eurostat_assets.resources import Mirror
from eurostat_assets.settings import Settings

_PACE = 0.5
"""Seconds between the starts of two requests, at least; a sandbox on this machine needs no such courtesy."""


_PATIENCE = 30.0
"""Seconds for the next bytes; the doctor asks for little, and is waited for."""


def ask(
    settings: Settings,
    *,
    dataset: str | None = None,
    on_progress: Progress | None = None,
    on_answer: Callable[[Exchange], object] | None = None,
) -> Answers:
    """Ask Eurostat everything, one request after another, sharing the mirror's gate where there is one."""
    with _gate_folder(settings) as folder:
        local = urlsplit(settings.api_url).hostname in loopback.NAMES
        gate = Gate(folder, settings.parallel_downloads, max(0 if local else _PACE, settings.request_pace))
        timeouts = (min(settings.connect_timeout, 15), min(settings.read_timeout, _PATIENCE))
        with Eurostat(
            settings.api_url, connect_timeout=timeouts[0], read_timeout=timeouts[1], attempts=2, gate=gate
        ) as client:
            theme = Mirror(settings).theme
            return collect(client.wire, theme, dataset=dataset, on_progress=on_progress, on_answer=on_answer)


def contract_verdicts(settings: Settings, answers: Answers) -> list[Verdict]:
    return list(judge(Case(answers.exchanges, answers.dataset, Mirror(settings).theme)))


def machine_verdicts(
    settings: Settings, environment: Mapping[str, str], answers: Answers | None = None
) -> list[Verdict]:
    """`answers` tell how big the theme is and what time it is elsewhere; without them less is known."""
    machine = Machine(
        settings,
        environment,
        clock_ahead=_clock_ahead(answers) if answers else None,
        theme_rows=_theme_rows(answers, Mirror(settings).theme) if answers else None,
    )
    return list(examine(machine))


@contextmanager
def _gate_folder(settings: Settings) -> Iterator[Path]:
    """The mirror's own, if there is a mirror: looking for trouble should leave nothing behind."""
    own = settings.home / "gate"
    if own.is_dir():
        yield own
    else:
        with tempfile.TemporaryDirectory(prefix="eurostat-assets-doctor-") as folder:
            yield Path(folder)


def _clock_ahead(answers: Answers) -> float | None:
    """Seconds by which this clock is ahead, by the first answer with a `Date`; it may be as old as its request took."""
    for exchange in answers.exchanges.values():
        if date := exchange.headers.get("date"):
            try:
                theirs = parsedate_to_datetime(date)
                return (datetime.fromisoformat(exchange.asked_at) - theirs).total_seconds()
            except (ValueError, TypeError):
                continue
    return None


def _theme_rows(answers: Answers, theme: Theme) -> int | None:
    """Observations of the whole theme, by the table of contents."""
    try:
        toc = parse_toc(answers.exchanges["toc_en"].content)
        inventory = parse_inventory(answers.exchanges["inventory"].content)
        return sum(entry.values or 0 for entry in theme.select(toc, inventory)) or None
    except (EurostatError, KeyError):
        return None
