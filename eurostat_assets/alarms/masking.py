"""No secrets in what is told: whatever looks like one is masked, wherever the text came from."""

from __future__ import annotations

import re
from collections.abc import Collection

MASK = "***"
IN_A_URL = re.compile(r"(?P<before>\b[a-z][a-z0-9+.-]*://[^\s:/@]*:)[^\s@]+(?=@)", re.IGNORECASE)
NAMED = re.compile(
    r"(?P<before>\b(?:password|passwd|pwd|token|secret|api_?key|sig|signature)\s*[=:]\s*)(?P<quote>['\"]?)[^\s&'\",;]+",
    re.IGNORECASE,
)


def masked(text: str, secrets: Collection[str] = ()) -> str:
    """`text` without the given `secrets`, passwords in URLs, and values called password, token and the like."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, MASK)
    text = IN_A_URL.sub(rf"\g<before>{MASK}", text)
    return NAMED.sub(rf"\g<before>\g<quote>{MASK}", text)
