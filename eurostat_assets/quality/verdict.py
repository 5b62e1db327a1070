"""The outcome of one check of one release."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from eurostat_assets.model.messages import message

Severity = Literal["block", "warn"]


@dataclass(frozen=True)
class Verdict:
    """What the check `check` found. `sentence` is for a person; `numbers` (JSON values, by words) hold what was counted and
    the limits it was held against. `accepted`: why a person let it pass all the same, None where nobody did."""

    check: str
    passed: bool
    sentence: str
    numbers: Mapping[str, Any] = field(default_factory=dict)
    severity: Severity = "block"
    accepted: str | None = None

    def __post_init__(self) -> None:
        """It may quote codes, labels, and what a library said of a file."""
        object.__setattr__(self, "sentence", message(self.sentence))

    @property
    def blocks(self) -> bool:
        """Whether the release must not be published."""
        return not self.passed and self.severity == "block"

    def relaxed(self) -> Verdict:
        """The same, but nothing that blocks."""
        return replace(self, severity="warn")

    def let_pass(self, why: str) -> Verdict:
        """The same, accepted by a person because of `why`; it stays visible."""
        return replace(self, severity="warn", accepted=why, sentence=f"accepted: {why}. {self.sentence}")
