"""A dataset on its way to disk: whole, or in slices of one and the same release.

Until everything is there and checked, every file is a locked part; a failure leaves none of them. The
requests themselves are `wire.py`'s, the plan of slices `slices.py`'s.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import ceil, prod
from pathlib import Path
from typing import TYPE_CHECKING

from eurostat_assets.eurostat import refusals
from eurostat_assets.eurostat.content import Content, store
from eurostat_assets.eurostat.errors import ExtractionTooBig, ReleaseChanged
from eurostat_assets.eurostat.facts import Inspect, Outline, release_of_file
from eurostat_assets.eurostat.parts import part
from eurostat_assets.eurostat.patience import Patience
from eurostat_assets.eurostat.raw import RawJson, RawPart
from eurostat_assets.eurostat.release import Release
from eurostat_assets.eurostat.slices import AT_ONCE, USUAL_LIMIT, Slice, plan

if TYPE_CHECKING:
    from eurostat_assets.eurostat.wire import Answer

Progress = Callable[[int, int | None], None]
"""Called with the bytes received so far and those to come in all, None where Eurostat does not say."""

_MANY_SLICES = 100
_MOST_SLICES = 400
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

    def finished(self) -> RawPart:
        """The file under its final name."""
        path = self.path.with_suffix(self.suffix)
        size = self.path.stat().st_size
        self.path.rename(path)
        return RawPart(path, self.url, self.sha256, size, self.content_bytes)


@dataclass
class Download:
    """One dataset, `ask`ed for by its filters and kept in `folder`."""

    code: str
    folder: Path
    ask: Callable[[Slice], "AbstractContextManager[Answer]"]
    inspect: Inspect
    on_progress: Progress
    patience: Patience
    _received: int = 0
    _began: float = field(default_factory=time.monotonic)
    _fetched_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def whole(self) -> RawJson:
        """In one request. Raises any EurostatError."""
        with ExitStack() as kept:
            return self._finished([self._fetch(kept, {})])

    def sliced(self, too_big: ExtractionTooBig, outline: Callable[[], Outline]) -> RawJson:
        """In several requests after the whole was refused as `too_big`, all from the release that `outline`
        shows.

        Begins anew when a release lands between two of them, and with smaller slices when Eurostat refuses
        one. Raises ReleaseChanged, ExtractionTooBig, any EurostatError.
        """
        finer, last = 1, too_big
        for _ in range(_RESTARTS):
            self._received = 0
            expected = outline()
            slices = self._plan(too_big, expected, finer)
            try:
                with ExitStack() as kept:
                    bodies = []
                    for slice_ in slices:
                        bodies.append(self._fetch(kept, slice_))
                        if bodies[-1].release != expected.release:
                            raise ReleaseChanged(self.code)
                    return self._finished(bodies)
            except ReleaseChanged as error:
                last = error
            except ExtractionTooBig as error:
                finer, last = finer * 4, error
        raise last

    def _plan(self, too_big: ExtractionTooBig, outline: Outline, finer: int) -> list[Slice]:
        """Slices that are answered at once; where that would be very many, slices as big as allowed.

        Raises ExtractionTooBig.
        """
        limit = too_big.limit or USUAL_LIMIT
        # Time is not in the outline, but the refused estimate counts it.
        per_period = prod(len(codes) for codes in outline.positions.values()) or 1
        periods = ceil(max(too_big.estimate or 0, limit + 1) / per_period)
        try:
            slices = plan(outline.positions, periods, min(limit, AT_ONCE) // finer)
            if len(slices) > _MANY_SLICES:
                slices = plan(outline.positions, periods, limit // finer)
        except ValueError:
            raise too_big from None
        if len(slices) > _MOST_SLICES:
            raise too_big
        return slices

    def _fetch(self, kept: ExitStack, slice_: Slice) -> _Body:
        """A checked body whose part `kept` holds. Raises any EurostatError."""

        def fetch_once() -> _Body:
            with ExitStack() as unless_kept:
                body = unless_kept.enter_context(self._received_body(slice_))
                kept.enter_context(unless_kept.pop_all())
                return body

        return self.patience.run(fetch_once)

    @contextmanager
    def _received_body(self, slice_: Slice) -> Iterator[_Body]:
        content = Content(head_size=refusals.LARGEST)
        with part(self.folder, self.code) as (path, file):
            with self.ask(slice_) as answer:
                total = None if slice_ else answer.length
                suffix = store(
                    answer.blocks(),
                    file,
                    content,
                    lambda done: self.on_progress(self._received + done, total),
                    self.code,
                )
            answer.check(content.head)
            release = release_of_file(path, self.code, self.inspect)
            self._received += path.stat().st_size if suffix == ".json.gz" else content.size
            yield _Body(path, suffix, release, answer.url, content.sha256, content.size)

    def _finished(self, bodies: list[_Body]) -> RawJson:
        return RawJson(
            dataset=self.code,
            release=bodies[0].release,
            fetched_at=self._fetched_at,
            seconds=round(time.monotonic() - self._began, 3),
            parts=tuple(body.finished() for body in bodies),
        )
