"""Whether a dataset is fetched at all: one that is unchanged, withdrawn, excluded, still being prepared or too big for what
is free on the disks costs no download.

Here belongs the decision for one dataset in its run. Which datasets get a run is decided in `sensors/`.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from eurostat_assets import room
from eurostat_assets.eurostat import Eurostat, ExtractionTooBig, RawJson, Release, StillPreparing
from eurostat_assets.eurostat.download import Progress
from eurostat_assets.jsonstat import read_facts
from eurostat_assets.postgres import (
    DatasetState,
    record_checked,
    record_offers,
    record_waiting,
    settle_offer,
    states,
)
from eurostat_assets.postgres.leases import at_work_before
from eurostat_assets.resources import Mirror


def fetch(
    eurostat: Eurostat,
    mirror: Mirror,
    code: str,
    folder: Path,
    *,
    force: bool = False,
    on_progress: Progress | None = None,
) -> RawJson | str:
    """The dataset's newest release as files in `folder`, or a sentence that says why there was nothing to fetch.

    With `force` it is fetched whatever is known of it. Raises any EurostatError, PostgresError.
    """
    known = states(mirror.database)
    state = known.get(code)
    if not force and (why := _unwanted(eurostat, mirror, code, state)):
        return why
    if state and (why := _does_not_fit(mirror, state, known)):
        return why
    try:
        raw = _download(eurostat, code, folder, on_progress, _waited_enough(mirror, state))
    except StillPreparing as preparing:
        # Its run ends here, so that the wait holds up nobody else; the sensor asks for another in time.
        wait = min(preparing.wait, mirror.settings.preparing_wait) * random.uniform(0.75, 1.5)
        record_waiting(mirror.database, code, preparing.what, wait)
        return f"{preparing.what}; another run follows by itself."
    settle_offer(mirror.database, code, raw.release)
    ours = Release.parse(state.release) if state and state.release else None
    if ours and ours.newer_than(raw.release):
        why = f"Eurostat sent the release {raw.release.version}, which is older than the published one"
        record_waiting(mirror.database, code, why, mirror.settings.retry_after)
        return _dropped(raw, why)
    if not force and state and ours == raw.release and state.sha256 == raw.sha256:
        record_checked(mirror.database, code)
        return _dropped(
            raw, f"Checked, unchanged: the body is the one that {state.release} was published from."
        )
    return raw


def _download(
    eurostat: Eurostat, code: str, folder: Path, on_progress: Progress | None, waited_enough: bool
) -> RawJson:
    """In one body, else in slices, else as SDMX-CSV: what JSON refuses for good, or was preparing for too long.

    Only which dataset and release a body is of is looked at here. What the reader refuses of a whole body would be the
    same in another download: it is refused, and put in quarantine, where the body is read.
    """
    try:
        return eurostat.download(code, folder, inspect=read_facts, on_progress=on_progress, slices=True)
    except ExtractionTooBig:
        pass  # even in slices
    except StillPreparing:
        if not waited_enough:
            raise
    return eurostat.download(code, folder, inspect=read_facts, on_progress=on_progress, last_resort=True)


def _waited_enough(mirror: Mirror, state: DatasetState | None) -> bool:
    patience = timedelta(seconds=mirror.settings.preparing_patience)
    return bool(state and state.waiting_since and datetime.now(UTC) - state.waiting_since > patience)


def _unwanted(eurostat: Eurostat, mirror: Mirror, code: str, state: DatasetState | None) -> str | None:
    """Why not even to ask for the dataset's cells, None when they are wanted."""
    if state is None:
        return None
    if state.state == "withdrawn":
        return f"Withdrawn: Eurostat does not offer it any more (noticed {state.withdrawn_at:%Y-%m-%d}); the table stays."
    if state.state == "excluded":
        return f"Excluded: {state.excluded}."
    if state.state != "current" or state.release is None:
        return None
    offered = eurostat.probe(code)
    record_offers(mirror.database, {code: offered})
    if offered.newer_than(Release.parse(state.release)):
        return None
    record_checked(mirror.database, code)
    return f"Checked, unchanged: the published release {state.release} is Eurostat's newest."


def _does_not_fit(mirror: Mirror, state: DatasetState, known: Mapping[str, DatasetState]) -> str | None:
    """Why the dataset is not loaded now, None where there is room for it beside those whose runs began before its own."""
    before = [known[code] for code in at_work_before(mirror.database, state.dataset) if code in known]
    missing = room.shortage(mirror.settings, state, before)
    if missing is None:
        return None
    wait = mirror.settings.retry_after * random.uniform(0.75, 1.25)
    record_waiting(mirror.database, state.dataset, str(missing), wait, room_needed=missing.needed)
    return f"{missing}."


def _dropped(raw: RawJson, why: str) -> str:
    for part in raw.parts:
        Path(str(part.path)).unlink(missing_ok=True)
    return why
