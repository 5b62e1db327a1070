"""The door for addresses: no credentials in a record, a file, a message or a page, wherever the text came from.

Cut are: user and password of any URL (a token may stand in either place); values of a query that are called token, key,
sig, password, secret and the like, or stand behind such a word in a text; the path of an incoming webhook, which is its
secret; credentials of a header. Who knows a secret by itself hands it in as well.

The settings themselves keep their secrets (`SecretStr`), and so do the files that are made for them: docs/outside-text.md.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import urlsplit, urlunsplit

MASK = "***"

_SCHEME = r"\b[a-z][a-z0-9+.-]{0,30}://"
_EXAMPLE = r"(?!\*\*\*@|user:password@)"  # what our own sentences tell a person to write
_SECRET = r"(?:token|key|sig|signature|passw|pwd|secret|credential|auth)"
# All of bounded length, so that no text makes them slow.
_CUT = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # User and password, up to the last @ of the authority; or up to the last @, where a password has a slash in it.
        rf"(?P<before>{_SCHEME}){_EXAMPLE}[^\s'\"<>/?#]{{0,500}}(?=@)",
        rf"(?P<before>{_SCHEME}){_EXAMPLE}[^\s:/@'\"<>]{{0,200}}:[^\s'\"<>]{{0,500}}(?=@)",
        # A proxy is often written without a scheme.
        r"(?P<before>(?<![\w:/@*.-]))[^\s:/@'\"=]{1,200}:[^\s/@'\"]{1,500}(?=@[\w.-]{1,200}:[0-9])",
        rf"(?P<before>[?&;][\w.%-]{{0,60}}{_SECRET}[\w.%-]{{0,60}}=)[^\s&#'\"<>]+",
        r"(?P<before>\b(?:\w{1,60}_)?(?:password|passwd|pwd|token|secret|api_?key|access_?key|signature|sig)\s*[=:]\s*['\"]?)"
        r"[^\s&'\",;]+",
        r"(?P<before>\bhooks\.slack\.com/|\.webhook\.office\.com/|\.logic\.azure\.com/|/(?:hooks|webhooks?)/)[^\s'\"<>]+",
        r"(?P<before>\bauthorization['\"]?\s*[=:]\s*['\"]?(?:\w+\s+)?)[^\s'\"]+",
    )
)


def without_user(url: str) -> str:
    """Return `url` without user and password, for what it names: they may change, and the place is the same."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def without_secrets(text: str, secrets: Collection[str] = ()) -> str:
    """Return `text` without the given `secrets` and without whatever looks like one, MASK in their place."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, MASK)
    for pattern in _CUT:
        text = pattern.sub(rf"\g<before>{MASK}", text)
    return text
