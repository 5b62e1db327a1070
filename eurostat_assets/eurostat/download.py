"""A dataset on its way to disk: whole, or in slices of one and the same release, or as a bulk file.

Until everything is there and checked, every file is a locked part; a failure leaves none of them. The requests
themselves are `wire.py`'s, the plan of slices `slices.py`'s.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from eurostat_assets.eurostat import bulk, refusals
from eurostat_assets.eurostat.content import Content, store
from eurostat_assets.eurostat.errors import (
    ExtractionTooBig,
    NotAvailable,
    Refused,
    ReleaseChanged,
    StillPreparing,
    Unreadable,
)
from eurostat_assets.eurostat.facts import Inspect, Outline, believed, release_of_file
from eurostat_assets.eurostat.measure import Allowance, Measure
from eurostat_assets.eurostat.parts import part
from eurostat_assets.eurostat.patience import Patience
from eurostat_assets.eurostat.raw import RawJson, RawPart, Route
from eurostat_assets.eurostat.release import Release
from eurostat_assets.eurostat.slices import NO_CELLS, Slice, slices_of

if TYPE_CHECKING:
    from eurostat_assets.eurostat.wire import Answer

Progress = Callable[[int, int | None], None]
"""Called with the bytes received so far and those to come in all, None where Eurostat does not say."""

Ask = Callable[[], "AbstractContextManager[Answer]"]

Claims = Callable[[Path, bytes], Release]
"""The release of the body at this path that begins with these bytes; raises what it is when it is not as asked for."""

_FINER = (1, 4, 16)
_RESTARTS = 3


@dataclass(frozen=True, slots=True)
class _Body:
    """A checked body, still under its temporary name."""

    path: Path
    suffix: str
    release: Release
    url: str
    sha256: str
    content_bytes: int
    seconds: float

    def finished(self) -> RawPart:
        """The file under its final name."""
        path = self.path.with_suffix(self.suffix)
        size = self.path.stat().st_size
        self.path.rename(path)
        return RawPart(path, self.url, self.sha256, size, self.content_bytes)


@dataclass
class Download:
    """One dataset, `ask`ed for by its filters or as a bulk file (`ask_bulk`), and kept in `folder`."""

    code: str
    folder: Path
    ask: Callable[[Slice], "AbstractContextManager[Answer]"]
    ask_bulk: Ask
    outline: Callable[[], Outline]
    inspect: Inspect
    on_progress: Progress
    patience: Patience
    allowance: Allowance
    ahead: timedelta | None
    _received: int = 0
    _fetched_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def run(self, *, slices: bool, last_resort: bool) -> RawJson:
        """By the first way that is open and allowed: whole, in slices, as a bulk file. Raises any EurostatError."""
        try:
            try:
                return self._of_one_release("whole", self._whole)
            except ExtractionTooBig as too_big:
                if not slices:
                    raise
                return self._sliced(too_big)
        except (ExtractionTooBig, StillPreparing) as refused:
            if not last_resort:
                raise
            try:
                return self._of_one_release("sdmx-csv", self._bulk)
            except (ExtractionTooBig, NotAvailable, Refused) as refused_as_well:
                raise refused from refused_as_well

    def _sliced(self, too_big: ExtractionTooBig) -> RawJson:
        """After the whole was refused as `too_big`; in smaller slices when Eurostat refuses one."""
        last = too_big
        for finer in _FINER:
            try:
                return self._of_one_release(
                    "slices", lambda kept, finer=finer: self._slices(kept, too_big, finer)
                )
            except ExtractionTooBig as error:
                if error is too_big:
                    raise
                last = error
        raise last

    def _of_one_release(self, route: Route, fetch: Callable[[ExitStack], list[_Body]]) -> RawJson:
        """What `fetch` brings; begun anew when a release lands between two parts. Raises ReleaseChanged."""
        changed = ReleaseChanged(self.code)
        for _ in range(_RESTARTS):
            self._received = 0
            try:
                with ExitStack() as kept:
                    return self._finished(fetch(kept), route)
            except ReleaseChanged as error:
                changed = error
        raise changed

    def _whole(self, kept: ExitStack) -> list[_Body]:
        return [self._fetch(kept, lambda: self.ask({}), announced=True)]

    def _slices(self, kept: ExitStack, too_big: ExtractionTooBig, finer: int) -> list[_Body]:
        """In several requests, all from the release that the outline shows. Raises ReleaseChanged."""
        expected = self.outline()
        bodies: list[_Body] = []
        preparing: StillPreparing | None = None
        for slice_ in slices_of(too_big, expected, finer):
            try:
                bodies.append(self._fetch(kept, lambda slice_=slice_: self.ask(slice_)))
            except StillPreparing as error:
                # The others are asked for as well, so that all are there next time.
                preparing = error
                continue
            if bodies[-1].release != expected.release:
                raise ReleaseChanged(self.code)
        if preparing:
            raise preparing
        return bodies

    def _bulk(self, kept: ExitStack) -> list[_Body]:
        """The body without cells, which tells everything about them, and the bulk file of the same release."""
        outline = self._fetch(kept, lambda: self.ask(NO_CELLS))

        def claims(_: Path, head: bytes) -> Release:
            return bulk.check_claims(head, self.code, outline.release)

        return [outline, self._fetch(kept, self.ask_bulk, claims, kind=".csv")]

    def _fetch(
        self,
        kept: ExitStack,
        ask: Ask,
        claims: Claims | None = None,
        *,
        kind: str = ".json",
        announced: bool = False,
    ) -> _Body:
        """A checked body whose part `kept` holds. `announced`: it is all, so its length is the download's.

        Raises any EurostatError.
        """

        def fetch_once() -> _Body:
            with ExitStack() as unless_kept:
                received = self._received_body(ask, claims or self._json_claims, kind, announced)
                body = unless_kept.enter_context(received)
                kept.enter_context(unless_kept.pop_all())
                return body

        return self.patience.run(fetch_once)

    @contextmanager
    def _received_body(self, ask: Ask, claims: Claims, kind: str, announced: bool) -> Iterator[_Body]:
        content = Content(head_size=refusals.LARGEST)
        measure = Measure(self.allowance, self._announced, self.code, self.folder)
        with part(self.folder, self.code) as (path, file):
            with ask() as answer:
                began = time.monotonic()
                measure.check_length(answer.length)
                total = answer.length if announced else None
                compression = store(
                    answer.blocks(),
                    file,
                    content,
                    lambda done: self.on_progress(self._received + done, total),
                    self.code,
                    measure.check,
                )
            seconds = time.monotonic() - began
            answer.check(content.head)
            release = claims(path, content.head)
            self._received += path.stat().st_size if compression == ".gz" else content.size
            suffix = kind + compression
            yield _Body(path, suffix, release, answer.url, content.sha256, content.size, seconds)

    def _announced(self) -> int | None:
        """Observations of the whole dataset, None where its outline does not say or is not to be had."""
        try:
            return self.outline().observations
        except (ExtractionTooBig, Refused, StillPreparing, Unreadable):
            return None

    def _json_claims(self, path: Path, _head: bytes) -> Release:
        return believed(release_of_file(path, self.code, self.inspect), self.ahead, self.code)

    def _finished(self, bodies: list[_Body], route: Route) -> RawJson:
        return RawJson(
            dataset=self.code,
            release=bodies[0].release,
            fetched_at=self._fetched_at,
            seconds=round(sum(body.seconds for body in bodies), 3),
            parts=tuple(body.finished() for body in bodies),
            route=route,
        )
