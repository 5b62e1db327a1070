"""Where a JSON container ends, found while reading chunk after chunk, at several hundred megabytes a second."""

from __future__ import annotations

import re

from eurostat_assets.jsonstat.errors import NotJson
from eurostat_assets.model.bounds import MOST_VALUES

_BRACKET_OR_QUOTE = re.compile(rb'\\.?|["{}\[\]]', re.DOTALL)


class Closing:
    """The search for the bracket that closes a container, chunk after chunk."""

    def __init__(self, bracket: bytes) -> None:
        self.bracket = bracket
        self.depth = 1
        self.opened = 0
        self.in_string = False
        self.escaped = False

    def find(self, chunk: bytes) -> int | None:
        """The offset just after the closing bracket, or None if it is not in this chunk."""
        simple = self.depth == 1 and not self.escaped
        if simple and b"{" not in chunk and b"[" not in chunk and b"\\" not in chunk:
            return self._find_by_parity(chunk)
        return self._find_by_token(chunk)

    def _find_by_parity(self, chunk: bytes) -> int | None:
        """Without escapes and nesting, a bracket closes if the quotes before it are even in number."""
        import numpy as np

        quotes = np.frombuffer(chunk, np.uint8) == ord('"')
        at = 0
        while (found := chunk.find(self.bracket, at)) >= 0:
            self.in_string ^= bool(np.count_nonzero(quotes[at:found]) & 1)
            at = found + 1
            if not self.in_string:
                return at
        self.in_string ^= bool(np.count_nonzero(quotes[at:]) & 1)
        return None

    def _find_by_token(self, chunk: bytes) -> int | None:
        start, self.escaped = int(self.escaped), False
        for token in _BRACKET_OR_QUOTE.finditer(chunk, start):
            mark = token.group()
            if mark == b'"':
                self.in_string = not self.in_string
            elif mark == b"\\":  # the last byte of the chunk: what it escapes is the first of the next
                self.escaped = True
            elif not self.in_string and mark in (b"{", b"["):
                self.depth += 1
                self.opened += 1
                if self.opened > MOST_VALUES:  # one by one they are slow, and there is no end to them
                    raise NotJson(f"more than {MOST_VALUES:,} objects and arrays in one member")
            elif not self.in_string and mark in (b"}", b"]"):
                self.depth -= 1
                if self.depth == 0:
                    if mark != self.bracket:
                        raise NotJson(
                            f"{mark.decode()!r} where {self.bracket.decode()!r} belongs: the body is damaged"
                        )
                    return token.end()
        return None
