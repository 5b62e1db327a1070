"""The terminal: what is printed is text, whoever wrote it.

Here: the console that all commands print to, and `shown` for text within rich's markup. Not here: where texts are cleaned
(model/characters.py); what reached a record before that was so, and what a person typed, still obeys nobody here.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Any

import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
from rich.segment import Segment

from eurostat_assets.model.characters import printable


class Terminal(Console):
    """A console that sends no control character but rich's own, and takes no `:name:` for a picture."""

    def __init__(self, **options: Any) -> None:
        super().__init__(emoji=False, **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=printable(segment.text))


# Where nobody looks at a terminal, lines are not cut to 80 columns.
console = Terminal() if sys.stdout.isatty() else Terminal(width=int(os.environ.get("COLUMNS") or 140))
complaint = Terminal(stderr=True)


def shown(text: object) -> str:
    """Return `text` for use in markup, in which none of it is markup."""
    plain = printable(str(text))
    before = plain.rstrip("\\")
    if before == plain:
        return escape(plain)
    # Before a tag, and only there, a backslash has to be doubled: so there is one, which does nothing.
    return f"{escape(before)}{plain[len(before) :] * 2}[none][/none]"


def say(text: object, *, err: bool = False) -> None:
    """Print one text as it is, without markup, wrapping or colours: for what programs read."""
    typer.echo(printable(str(text)), err=err)
