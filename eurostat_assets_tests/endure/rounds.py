"""A round: some kills of one kind, one after the other, with their own seed; and what came of them."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

MOST_FAULTS = 50


class NotHere(Exception):
    """This kind of kill is not possible on this machine; the text says why."""


@dataclass
class Round:
    """A round in progress. `folder`: that of the whole series, where its worlds live on; `killed`: kills by place."""

    kind: str
    seed: int
    folder: Path
    on_kill: Callable[[str], object] = lambda _place: None
    killed: Counter[str] = field(default_factory=Counter)
    reads: int = 0
    cells: int = 0
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)

    @property
    def done(self) -> int:
        return self.killed.total()

    def count(self, place: str) -> None:
        """One more kill, of or at `place`."""
        self.killed[place] += 1
        self.on_kill(place)

    def fault(self, *stories: str) -> None:
        """Something is not as it must be."""
        self.faults += stories[: MOST_FAULTS - len(self.faults)]

    @property
    def evidence(self) -> Path:
        """A folder for whatever helps to find the cause of a fault."""
        folder = self.folder / "evidence" / f"{self.kind}-{self.seed}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @contextmanager
    def keeping_evidence(self, files: Callable[[], Iterable[Path]]) -> Iterator[None]:
        """Copy these files when the block ends with a fault, or breaks off."""
        try:
            yield
        except Exception:
            self._keep(files())
            raise
        if self.faults:
            self._keep(files())

    def _keep(self, files: Iterable[Path]) -> None:
        for file in files:
            if file.exists():
                (self.evidence / file.name).write_bytes(file.read_bytes())
