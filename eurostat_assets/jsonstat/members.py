"""Looking into parsed JSON that may be anything."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from eurostat_assets.jsonstat.errors import BadStructure
from eurostat_assets.model.characters import bad_character, clean

LONGEST_CODE = 256
"""Characters. Eurostat's longest have about 30; an index of PostgreSQL holds 2,700 bytes for all its columns."""


def dig(value: Any, *names: str) -> Any:
    """The member of a member of …, None where there is none."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def text_or_none(value: Any) -> str | None:
    """A text for people, without control characters."""
    return clean(value) if isinstance(value, str) else None


def labels_in(labels: Any) -> dict[str, str]:
    """The {code: label} there are, labels without control characters."""
    return {k: clean(v) for k, v in labels.items() if isinstance(v, str)} if isinstance(labels, dict) else {}


def cleaned(value: Any) -> Any:
    """The JSON value with every text in it without control characters."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [cleaned(one) for one in value]
    if isinstance(value, dict):
        return {clean(name): cleaned(one) for name, one in value.items()}
    return value


def check_codes(codes: Iterable[str], member: str) -> None:
    """Raise `BadStructure` for the first code that is too long, or has a character that none may have; `position` is its
    place in `codes`."""
    for position, code in enumerate(codes):
        if len(code) > LONGEST_CODE:
            problem = f"{code[:40] + '…'!r} has {len(code):,} characters, at most {LONGEST_CODE} make a code"
            raise BadStructure(problem, member=member, position=position)
        if bad := bad_character(code):
            raise BadStructure(
                f"{code!r} has the character {bad}, which no code may have", member=member, position=position
            )
