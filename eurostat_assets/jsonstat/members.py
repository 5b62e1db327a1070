"""Looking into parsed JSON that may be anything."""

from __future__ import annotations

from typing import Any


def dig(value: Any, *names: str) -> Any:
    """The member of a member of …, None where there is none."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def text_or_none(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def labels_in(labels: Any) -> dict[str, str]:
    """The {code: label} there are."""
    return {k: v for k, v in labels.items() if isinstance(v, str)} if isinstance(labels, dict) else {}
