"""How a change to a table waits for those who read it, without making other readers wait for long.

A change needs a lock that no reader shares, and while it waits for one every new reader waits behind it. So it waits
for a moment, lets all of them pass, and tries again: mostly for a time in which short queries end, now and then for
one in which longer ones do. While a session is in the way that will not be gone within such a time, it does not wait
in the queue at all but looks from aside. A statement that changes a table readers know runs in a try of this kind.

Not here: what is tried, and what is said where it never succeeded.
"""

import itertools
import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import psycopg2.errors
from psycopg2 import sql

from eurostat_assets.model.messages import message
from eurostat_assets.postgres.blockers import Blocker, blockers, end
from eurostat_assets.postgres.connection import Connection
from eurostat_assets.postgres.publication import Patience

log = logging.getLogger(__name__)

LOCKED = (psycopg2.errors.LockNotAvailable, psycopg2.errors.DeadlockDetected)
"""What a try raises that did not succeed."""
WAITS = (0.03, 0.2, 1.0)
"""Seconds that one try after the other may wait for its locks; then from the first again."""
REST = 2
"""How many times as long the readers then have for themselves."""
LONG = 5.0
"""Seconds after which a session that is in the way is taken to stay there."""
LOOK = 0.5
"""Seconds between two looks whether such a session is gone."""
LOOKS = 20
"""After so many of them a try is due all the same, in case that it is not in the way."""
FIRST_REPORT, NEXT_REPORTS = 2.0, 30.0


@dataclass
class Tries:
    """The tries to lock `tables` over a connection: iterate, and leave when one succeeds.

    Each is for so many seconds of waiting, which the caller makes its lock_timeout; the connection is usable between two
    of them. They come to an end after `patience.readers` seconds; `in_the_way` is then who was.
    """

    connection: Connection
    subject: str
    tables: Sequence[sql.Identifier]
    patience: Patience
    in_the_way: list[Blocker] = field(default_factory=list)
    _began: float = field(default_factory=time.monotonic)
    _reported: float = 0
    _seen: dict[tuple[int, str], float] = field(default_factory=dict)

    def __iter__(self) -> Iterator[float]:
        for wait in itertools.cycle(WAITS):
            yield wait
            self._look()
            time.sleep(REST * wait)
            yield from self._aside()
            if self._waited() > self.patience.readers:
                self._look()
                return

    def _aside(self) -> Iterator[float]:
        """Look until nobody is in the way who stays for long."""
        for looks in itertools.count(1):
            self._look()
            if not any(map(self._stays, self.in_the_way)) or self._waited() > self.patience.readers:
                return
            time.sleep(LOOK)
            if looks % LOOKS == 0:
                yield WAITS[0]

    def _look(self) -> None:
        """See who is in the way, say so from time to time, and end those who have been there for too long."""
        now = time.monotonic()
        self.in_the_way = blockers(self.connection, self.tables, self.patience.limits)
        keys = [(one.pid, one.transaction) for one in self.in_the_way]
        self._seen = {key: self._seen.get(key, now) for key in keys}
        due = FIRST_REPORT if not self._reported else self._reported + NEXT_REPORTS
        if self.in_the_way and self._waited() > due:
            self._reported = self._waited()
            who = "; ".join(map(str, self.in_the_way))
            self.patience.report(
                f"{self.subject} waits for {self._waited():.0f} s for sessions to end: {who}"
            )
        for one in self._to_end():
            if end(self.connection, one):
                self.patience.report(message(f"{self.subject} ended a session that was in its way: {one}"))

    def _to_end(self) -> list[Blocker]:
        """Those beyond their limits; where it is time, all who do nothing; and where there are none of those, all others."""
        ours = [one for one in self.in_the_way if one.may_end]
        beyond = [one for one in ours if one.over_limit]
        after = self.patience.end_sessions_after
        if beyond or not after or self._waited() < after:
            return beyond
        return [one for one in ours if one.is_idle] or ours

    def _stays(self, one: Blocker) -> bool:
        known = time.monotonic() - self._seen.get((one.pid, one.transaction), time.monotonic())
        return max(known, one.transaction_seconds or 0) > LONG

    def _waited(self) -> float:
        return time.monotonic() - self._began
