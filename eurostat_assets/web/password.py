"""One user name and password for a web address, kept in a file as a salted scrypt hash; for those without a proxy.

The file holds one line: `name:scrypt$<n>$<r>$<p>$<salt>$<hash>`, salt and hash in base64 (RFC 7914 for scrypt, RFC 7617 for
HTTP's Basic scheme).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from pathlib import Path

COST = (2**14, 8, 1)  # n, r, p: 16 MB and some 50 ms a guess
SALT_BYTES = 16


class PasswordFileError(Exception):
    """The password file cannot be read or holds something else; the text says what to do."""


@dataclass
class Password:
    """The name and the hash that a request's `Authorization` header has to fit."""

    name: str
    hashed: str = field(repr=False)
    _known: bytes = field(default=b"", init=False, repr=False)

    @classmethod
    def read(cls, path: Path) -> Password:
        """Read the file. Raises PasswordFileError."""
        try:
            name, _, hashed = path.read_text(encoding="utf-8").strip().partition(":")
        except (OSError, UnicodeDecodeError) as error:
            raise PasswordFileError(f"The password file {path} cannot be read: {error}.") from error
        parts = hashed.split("$")
        if (
            not name
            or len(parts) != 6
            or parts[0] != "scrypt"
            or not all(part.isdigit() for part in parts[1:4])
        ):
            raise PasswordFileError(
                f"The password file {path} does not hold name:hash. Make it anew: eurostat-assets web-password {path}"
            )
        return cls(name, hashed)

    def accepts(self, authorization: str) -> bool:
        """Whether the header holds this name and password. A header that was right once is not hashed again."""
        scheme, _, encoded = authorization.partition(" ")
        if scheme.lower() != "basic":
            return False
        digest = hashlib.sha256(encoded.encode()).digest()
        if self._known and hmac.compare_digest(self._known, digest):
            return True
        try:
            name, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except ValueError:  # neither Base64 nor UTF-8
            return False
        right = _fits(password, self.hashed)  # also for a wrong name, so that the time tells nothing
        if not hmac.compare_digest(name.encode(), self.name.encode()) or not right:
            return False
        self._known = digest
        return True


def hash_password(password: str) -> str:
    """Return `scrypt$…` of a password with a new salt."""
    return _scrypt(password, secrets.token_bytes(SALT_BYTES), COST)


def _fits(password: str, hashed: str) -> bool:
    _, n, r, p, salt, _ = hashed.split("$")
    try:
        again = _scrypt(password, base64.b64decode(salt), (int(n), int(r), int(p)))
    except ValueError:
        return False
    return hmac.compare_digest(again, hashed)


def _scrypt(password: str, salt: bytes, cost: tuple[int, int, int]) -> str:
    n, r, p = cost
    digest = hashlib.scrypt(password.encode(), salt=salt, n=n, r=r, p=p, maxmem=256 * n * r, dklen=32)
    encoded = [base64.b64encode(part).decode() for part in (salt, digest)]
    return "$".join(["scrypt", str(n), str(r), str(p), *encoded])
