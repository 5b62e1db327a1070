"""Sentences that quote what others wrote: messages of errors, findings, reasons.

`message` is called by the bases of our own errors and where another's error enters a record, so that nobody has to know
which part of a sentence came from outside.
"""

from __future__ import annotations

from collections.abc import Collection

from eurostat_assets.model.addresses import without_secrets
from eurostat_assets.model.characters import bounded, visible

MESSAGE = 4_000
"""Characters of a message at most."""


def message(text: object, longest: int = MESSAGE, *, secrets: Collection[str] = ()) -> str:
    """Return `text` (an error as well) fit for a record: cleaned line by line, without secrets, then cut to `longest`."""
    lines = (visible(line) for line in str(text).split("\n"))
    return bounded(without_secrets("\n".join(lines), secrets), longest)


def line(text: object, longest: int = MESSAGE, *, secrets: Collection[str] = ()) -> str:
    """Return what `message` does, as one line."""
    return bounded(without_secrets(" ".join(visible(str(text)).split()), secrets), longest)
