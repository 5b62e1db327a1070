"""When to try again: a body that was cut at once, an answer that is being prepared in some minutes.

Troubles before the first byte (connection, 429, 5xx) are tried again in `wire.py`. What is final is not tried
again at all.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from eurostat_assets.eurostat.errors import CutShort, StillPreparing, Unreadable

_T = TypeVar("_T")


@dataclass(slots=True)
class Patience:
    """`attempts` at a body, the first pause between two of them `backoff` seconds; `waiting` seconds left in
    all for answers that are being prepared."""

    attempts: int
    backoff: float
    waiting: float = 0.0

    def run(self, act: Callable[[], _T]) -> _T:
        """What `act` returns in the end. Raises what it raises when patience is at its end."""
        while True:
            try:
                return self._persistently(act)
            except StillPreparing as preparing:
                if self.waiting <= 0:
                    raise
                # Jitter, so that those who were put off together do not come back together.
                pause = min(self.waiting, preparing.wait * random.uniform(0.75, 1.5))
                self.waiting -= pause
                time.sleep(pause)

    def _persistently(self, act: Callable[[], _T]) -> _T:
        for attempt in range(self.attempts - 1):
            try:
                return act()
            except (CutShort, Unreadable):
                time.sleep(self.backoff * 2**attempt * random.uniform(0.5, 1.5))
        return act()
