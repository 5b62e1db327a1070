"""The message that is told, before any channel gives it its form."""

from __future__ import annotations

from dataclasses import dataclass

from eurostat_assets.model.messages import line, message

LONGEST_TITLE, LONGEST_LINE = 200, 2_500
"""Characters; Slack shows at most 3,000 in one piece."""


@dataclass(frozen=True)
class Message:
    """What is told: a title of one line, and the sentences, one line each."""

    title: str
    lines: tuple[str, ...]

    def __post_init__(self) -> None:
        """A line break in a title would be a second header of a mail; neither has anything that obeys a terminal."""
        object.__setattr__(self, "title", line(self.title, LONGEST_TITLE))
        object.__setattr__(self, "lines", tuple(message(one, LONGEST_LINE) for one in self.lines))

    @property
    def text(self) -> str:
        return "\n".join((self.title, *self.lines))
